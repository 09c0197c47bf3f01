"""`loopbot explain`: for one record, what each rule sees in it, and what came of it."""

import re
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from loopbot.cli.opening import console, opened, the_record
from loopbot.domain.asking import called
from loopbot.domain.pending import PENDING_KIND, pending_ref
from loopbot.domain.phrasing import ago, what_it_does
from loopbot.domain.records import Feedback, Record
from loopbot.domain.rules import all_hold
from loopbot.domain.texts import shorten
from loopbot.usecases.questions.showing import audience_in_words, headline

if TYPE_CHECKING:
    from rich.console import Console

    from loopbot.usecases.inspect import ChainStep, Explanation

_PENDING = re.compile(rf"\bloopbot:{PENDING_KIND}:\w+")


def show_explanation(config: Path, reference: str, *, as_json: bool) -> None:
    """Print everything loopbot knows about a record."""
    from loopbot.usecases.inspect import chain, explain

    with opened(config, remote=False) as here:
        record = the_record(here.loop, reference)
        found, steps = explain(here.loop, record), chain(here.loop, record)
    if as_json:
        _print_json(found, steps)
        return
    out = console()
    out.print(f"{record.ref}  {record.title}", markup=False, style="bold")
    out.print(f"  {record.state.replace('_', ' ')}, changed {ago(record.updated_at)}", markup=False)
    _print_judged(out, found)
    if len(steps) > 1:
        out.print("\nThe loop", style="bold")
        print_chain(out, steps)
    _print_rules(out, found)
    _print_past(out, found)


def _print_judged(out: "Console", found: "Explanation") -> None:
    record, weight = found.record, found.weight
    if isinstance(record, Feedback) and record.likely_topic:
        sure = f"{record.topic_confidence or 0:.0%} sure"
        out.print(f"  probably {record.likely_topic}, {sure}: {record.topic_because}", markup=False)
    if weight and weight.value:
        out.print(f"  weight {weight.value:.0f} of 100: {', '.join(weight.because)}", markup=False)


def _print_rules(out: "Console", found: "Explanation") -> None:
    out.print("\nThe rules", style="bold")
    for plan in sorted(found.plans, key=lambda plan: plan.rule):
        holds = all_hold(plan.steps)
        mode = "" if plan.mode == "live" else f" ({plan.mode})"
        out.print(f"  {'✓' if holds else '·'} {plan.rule}{mode}", markup=False)
        for step in plan.steps:
            out.print(f"      {'yes' if step.held else 'no ':<3} {step.asked}  [{step.saw}]", markup=False)
        for one in plan.ranked:
            why = ", ".join(one.because)
            out.print(f"      • {called(one.record)}: {one.score:.0%}{f' ({why})' if why else ''}", markup=False)
        for effect in plan.effects:
            out.print(f"      → {effect.system}: {what_it_does(effect)}", markup=False)
        for question in plan.questions:
            out.print(f"      ? asks {audience_in_words(question)}: {headline(question)}", markup=False)
    if not found.plans:
        out.print(f"  No rule looks at {found.record.kind} records.")
    for timer in found.timers:
        out.print(f"  {timer.rule} looks at it again {ago(timer.at)}", markup=False)


def _print_past(out: "Console", found: "Explanation") -> None:
    if found.asked:
        out.print("\nWhat people were asked", style="bold")
        for one in found.asked:
            out.print(f"  {one.row.key[:8]}  {one.row.state:<9} {one.headline}", markup=False)
            if one.outcome:
                out.print(f"             {one.outcome}", markup=False)
    if found.effects:
        out.print("\nWhat was written", style="bold")
        for row in found.effects:
            out.print(
                f"  {row.effect.key[:8]}  {row.state:<9} {row.effect.system}: {what_it_does(row.effect)}  [{row.effect.cause.rule}]",
                markup=False,
            )
            if row.why and row.state != "settled":
                out.print(f"             {row.why}", markup=False)
    if found.journal:
        out.print("\nWhy", style="bold")
        for (at, rule, because), whats in _together(found).items():
            out.print(f"  {ago(at)}, {rule}: {because}", markup=False)
            for what, times in whats.items():
                out.print(f"      {what}{f' ({times} times)' if times > 1 else ''}", markup=False)


def _together(found: "Explanation") -> dict[tuple[datetime, str, str], Counter[str]]:
    """The latest entries of the journal, those of one judgement together, tickets opened meanwhile by their keys."""
    became = {str(pending_ref(row.effect.key)): str(row.receipt.ref) for row in found.effects if row.receipt}
    together: dict[tuple[datetime, str, str], Counter[str]] = {}
    for entry in found.journal[:20]:
        what = _PENDING.sub(lambda one: became.get(one[0], "the new ticket"), entry.what)
        together.setdefault((entry.at, entry.rule, entry.because), Counter())[what] += 1
    return together


def print_chain(out: "Console", steps: "list[ChainStep]") -> None:
    """The linked records, in the order of the loop."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 1, 0, 2))
    for _ in range(3):
        table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for step in steps:
        record = step.record
        cells = (record.kind, record.key, record.state.replace("_", " "), shorten(record.title, 80))
        table.add_row(*(Text(cell) for cell in cells))
    out.print(table)


def _topic(record: Record) -> dict[str, object]:
    if not isinstance(record, Feedback):
        return {}
    guess = {"topic": record.likely_topic, "confidence": record.topic_confidence, "because": record.topic_because}
    return {"topic": {**guess, "by": record.guess.by if record.guess else ""}}


def _print_json(found: "Explanation", steps: "list[ChainStep]") -> None:
    import orjson

    value = {
        "record": str(found.record.ref),
        "state": found.record.state,
        "weight": {"value": found.weight.value, "because": found.weight.because} if found.weight else None,
        **_topic(found.record),
        "chain": [{"record": str(step.record.ref), "via": step.via.relation if step.via else None} for step in steps],
        "rules": [
            {
                "rule": plan.rule,
                "holds": all_hold(plan.steps),
                "steps": [{"asked": step.asked, "held": step.held, "saw": step.saw} for step in plan.steps],
                "ranked": [
                    {
                        "record": str(one.record.ref),
                        "title": one.record.title,
                        "score": one.score,
                        "because": list(one.because),
                    }
                    for one in plan.ranked
                ],
                "effects": [what_it_does(effect, 2000) for effect in plan.effects],
                "questions": [question.text for question in plan.questions],
            }
            for plan in found.plans
        ],
        "effects": [
            {"key": row.effect.key, "state": row.state, "does": what_it_does(row.effect, 2000)} for row in found.effects
        ],
        "questions": [
            {"key": one.row.key, "state": one.row.state, "asks": one.headline, "outcome": one.outcome}
            for one in found.asked
        ],
        "journal": [
            {"at": one.at, "rule": one.rule, "what": one.what, "because": one.because} for one in found.journal
        ],
    }
    print(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
