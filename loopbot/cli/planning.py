"""`loopbot plan`: every write, by name, before it happens; the same function as the live run, rolled back."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from loopbot.cli.failures import DONE, TROUBLE
from loopbot.cli.opening import console, opened
from loopbot.cli.running import progress
from loopbot.domain.phrasing import counted, linked_words, what_it_does
from loopbot.usecases.questions.showing import audience_in_words, evidence, headline

if TYPE_CHECKING:
    from loopbot.ports import Source
    from loopbot.usecases.preview import Foreseen
    from loopbot.wiring import Installation


def show_plan(config: Path, *, local: bool, as_json: bool) -> int:
    """Print what `once` would do."""
    with opened(config, remote=True) as here:
        foreseen = _planned(here, local=local, quiet=as_json)
    enacted, troubles = foreseen.enacted, foreseen.troubles
    if as_json:
        _print_json(foreseen)
        return TROUBLE if troubles else DONE
    out = console()
    for trouble in troubles:
        out.print(f"not read: {trouble}", markup=False, style="red")
    shown = [one for one in enacted if one.new or one.new_links or one.asked]
    writes = sum(len(one.new) for one in shown if one.state == "planned")
    for place, one in enumerate(shown):
        out.print(
            f"{chr(10) if place or troubles else ''}{one.plan.rule} · {one.plan.subject}", markup=False, style="bold"
        )
        if one.plan.because and (one.new or one.new_links):  # below a question stands what speaks for it
            out.print(f"  because {one.plan.because}", markup=False)
        for effect in one.new:
            kept = "" if one.state == "planned" else f"  [{one.state}, not sent]"
            out.print(f"  {effect.system:<12} {what_it_does(effect)}{kept}", markup=False)
        for link in one.new_links:
            out.print(
                f"  {'loopbot':<12} keep the link {linked_words(link.source, link.relation, link.target)}", markup=False
            )
        for question in one.asked:
            out.print(f"  {'people':<12} ask {audience_in_words(question)}: {headline(question)}", markup=False)
            for line in evidence(question):
                out.print(f"  {'':<12} {line}", markup=False)
    source = "what is mirrored" if local else "what the systems hold now"
    rules = len({one.plan.rule for one in shown})
    ending = f"{counted(writes, 'write')} by {counted(rules, 'rule')}" if shown else "Nothing would be written"
    out.print(("\n" if shown or troubles else "") + f"{ending}, judging {source}. Nothing was sent.")
    if foreseen.history:
        what = counted(foreseen.history, "record") + (" was" if foreseen.history == 1 else " were")
        out.print(
            f"{what} over before loopbot came: known from now on, and not acted on (looks_back_days).", markup=False
        )
    return TROUBLE if troubles else DONE


def _planned(here: "Installation", *, local: bool, quiet: bool) -> "Foreseen":
    from loopbot.usecases.preview import Foreseen, preview, review

    if local:
        return Foreseen(tuple(review(here.loop)))
    with progress(len(here.sources), "Reading", quiet=quiet) as step:
        return preview(here.loop, _stepping(here.sources, step))


def _stepping(sources: "Sequence[Source]", step: Callable[..., None]) -> "Iterator[Source]":
    for source in sources:
        step(source.stream)
        yield source


def _print_json(foreseen: "Foreseen") -> None:
    import orjson

    value = {
        "plans": [
            {
                "rule": one.plan.rule,
                "subject": str(one.plan.subject),
                "because": one.plan.because,
                "state": one.state,
                "effects": [
                    {
                        "key": effect.key,
                        "system": effect.system,
                        "verb": effect.verb,
                        "does": what_it_does(effect, 2000),
                    }
                    for effect in one.new
                ],
                "links": [f"{link.source} {link.relation} {link.target}" for link in one.new_links],
                "questions": [
                    {"key": question.key, "kind": question.kind, "for": question.audience, "text": question.text}
                    for question in one.asked
                ],
            }
            for one in foreseen.enacted
            if one.new or one.new_links or one.asked
        ],
        "not_read": [str(trouble) for trouble in foreseen.troubles],
        "history": foreseen.history,
    }
    print(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
