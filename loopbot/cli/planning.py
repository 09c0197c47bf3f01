"""`loopbot plan`: every write, by name, before it happens; the same function as the live run, rolled back."""

from pathlib import Path
from typing import TYPE_CHECKING

from loopbot.cli.opening import console, opened
from loopbot.cli.running import progress
from loopbot.cli.wording import counted, what_it_does
from loopbot.domain.errors import SystemTrouble

if TYPE_CHECKING:
    from loopbot.usecases.enact import Enacted
    from loopbot.wiring import Installation


def show_plan(config: Path, *, local: bool, as_json: bool) -> None:
    """Print what `once` would do."""
    with opened(config, remote=True) as here:
        enacted, troubles = _planned(here, local=local, quiet=as_json)
    if as_json:
        _print_json(enacted, troubles)
        return
    out = console()
    for trouble in troubles:
        out.print(f"not read: {trouble}", markup=False, style="red")
    shown = [one for one in enacted if one.new or one.new_links]
    writes = sum(len(one.new) for one in shown if one.state == "planned")
    for one in shown:
        out.print(f"\n{one.plan.rule} · {one.plan.subject}", markup=False, style="bold")
        out.print(f"  because {one.plan.because}", markup=False)
        for effect in one.new:
            kept = "" if one.state == "planned" else f"  [{one.state}, not sent]"
            out.print(f"  {effect.system:<12} {what_it_does(effect)}{kept}", markup=False)
        for link in one.new_links:
            out.print(f"  {'loopbot':<12} note that {link.source.key} {link.relation} {link.target.key}", markup=False)
    source = "what is mirrored" if local else "what the systems hold now"
    rules = len({one.plan.rule for one in shown})
    ending = f"{counted(writes, 'write')} by {counted(rules, 'rule')}" if shown else "Nothing would be written"
    out.print(
        f"\n{ending}, judging {source}. Nothing was sent.".lstrip()
        if not shown
        else f"\n{ending}, judging {source}. Nothing was sent."
    )


def _planned(here: "Installation", *, local: bool, quiet: bool) -> "tuple[list[Enacted], list[SystemTrouble]]":
    from loopbot.usecases.ingest import preview, review

    if local:
        return review(here.loop), []
    enacted: list[Enacted] = []
    troubles: list[SystemTrouble] = []
    with progress(len(here.sources), "Reading", quiet=quiet) as step:
        for source in here.sources:
            step(source.stream)
            try:
                enacted.extend(preview(here.loop, source))
            except SystemTrouble as trouble:
                troubles.append(trouble)
    return enacted, troubles


def _print_json(enacted: "list[Enacted]", troubles: list[SystemTrouble]) -> None:
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
            }
            for one in enacted
            if one.new or one.new_links
        ],
        "not_read": [str(trouble) for trouble in troubles],
    }
    print(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
