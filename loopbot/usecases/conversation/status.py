"""`/loop status` and `/loop why`: one matter from what was said to where its fix runs, and what the rules make of it."""

from collections.abc import Iterator, Sequence

from loopbot.domain.phrasing import counted, what_it_does
from loopbot.domain.records import Deployment, Incident, Person, Record
from loopbot.domain.rules import Found, Plan, all_hold
from loopbot.domain.speech import (
    Block,
    Bullets,
    Button,
    Buttons,
    Context,
    Fields,
    Lead,
    Message,
    Moment,
    Paragraph,
    Quote,
    Said,
    Words,
)
from loopbot.domain.texts import shorten
from loopbot.domain.workarounds import withheld
from loopbot.usecases.conversation.desk import SAY, Desk, key_of, quoted
from loopbot.usecases.conversation.standing import Standing, holders, standing
from loopbot.usecases.inspect import explain
from loopbot.usecases.questions.showing import root_cause
from loopbot.usecases.way import Way, delivered, way_of

_MOST = 8
_MOST_RULES = 15
_NAMES = {
    "incident": "Ticket",
    "feedback": "Feedback",
    "problem": "Problem",
    "issue": "Issue",
    "release": "Release",
    "deployment": "Deployment",
    "change": "Change",
    "article": "Article",
}


def status(desk: Desk, person: Person, record: Record) -> Message:
    """Everything on the way of one record, in one message."""
    insider = desk.insider(person)
    with desk.loop.store.read() as tx:
        way = way_of(tx, record)
        holds = delivered(tx, record) if record.kind in {"deployment", "release"} else []
        known = [one for one in way.problems if one.workaround and (insider or not withheld(one, tx))]
        causes = [line for one in way.problems for line in root_cause(tx, one.ref)] if insider else []
    where = standing(way)
    blocks: list[Block] = [Lead(where.lead), Fields(tuple(_facts(way, _then(where, insider=insider), insider=insider)))]
    workaround = next((one.workaround for one in known if where.stage != "fixed"), None)
    if workaround:
        blocks += [Paragraph("Until then:"), Quote(workaround)]
    steps = tuple(_steps(way, insider=insider))
    blocks += [Paragraph((Said("The way so far", strong=True),)), Bullets(steps)]
    if causes:
        blocks += [Paragraph((Said("Root cause", strong=True),)), Bullets(tuple(causes))]
    if holds:
        brings = tuple((key_of(one), " ", shorten(one.title, 100)) for one in holds[:_MOST])
        blocks += [Paragraph((Said(f"It brings {counted(len(holds), 'item')}", strong=True),)), Bullets(brings)]
    blocks += [Context(_small_print(way, insider=insider)), Buttons(SAY, tuple(_next_steps(record, insider=insider)))]
    return Message(tuple(blocks))


def why(desk: Desk, person: Person, record: Record) -> Message:
    """What every rule says of a record now, and why; what came of it so far."""
    found = explain(desk.loop, record)
    insider = desk.insider(person)
    blocks: list[Block] = [Lead(f"What the rules make of {quoted(record.title)}")]
    plans = sorted(found.plans, key=lambda plan: plan.rule)
    blocks += _reasons(record, plans, insider=insider)
    done = [row for row in found.effects if row.state == "settled"]
    past = [row for row in found.effects if row.state not in {"settled", "shadow", "dropped"}]
    if insider and done:
        blocks += [Paragraph((Said("Written so far", strong=True),)), Bullets(tuple(f"{row.effect.system}: {what_it_does(row.effect)} ({row.effect.cause.rule})" for row in done[:_MOST]))]  # fmt: skip
    if insider and past:
        blocks += [Paragraph((Said("Under way or stuck", strong=True),)), Bullets(tuple(f"{row.effect.system}: {what_it_does(row.effect)}, {row.state}" + (f": {row.why}" if row.why else "") for row in past[:_MOST]))]  # fmt: skip
    reasons = tuple(dict.fromkeys(entry.because for entry in reversed(found.journal) if entry.because))
    if reasons:
        blocks += [Paragraph((Said("Why, in the order it happened last", strong=True),)), Bullets(reasons[:_MOST])]
    whole = f"; every condition: loopbot explain {record.key}" if insider else ""
    blocks.append(Context(f"{record.key}, {record.state.replace('_', ' ')}{whole}"))
    return Message(tuple(blocks))


def _then(where: Standing, *, insider: bool) -> Words:
    """What happens next, for whoever asks."""
    asked_for = insider and where.stage == "fixed"
    return "Whoever reported it is told, and asked whether it works for them." if asked_for else where.then


def _facts(way: Way, then: Words, *, insider: bool) -> Iterator[tuple[str, Words]]:
    record = way.asked
    if record.opened_at:
        by = f" by {record.reporter}" if insider and record.reporter else ""
        yield "Reported" if record.kind in {"incident", "feedback"} else "Begun", (Moment(record.opened_at), by)
    if record.services:
        yield "Concerns", ", ".join(sorted(record.services))
    if insider and isinstance(record, Incident) and record.priority:
        yield "Priority", str(record.priority)
    if way.reports or way.issues or way.problems:
        yield "Who has it", holders(way, insider=insider)
    yield "Next", then


def _steps(way: Way, *, insider: bool) -> Iterator[Words]:
    commits: set[str] = set()
    for record in way.records[: _MOST * 2]:
        if record.ref in way.causes and not insider:
            continue
        if isinstance(record, Deployment):
            if insider and record.commit and record.commit not in commits:
                commits.add(record.commit)
                span = record.extra.get("range", "")
                yield (Said("Commits ", strong=True), f"up to {record.commit[:8]}" + (f" ({span})" if span else ""))
            yield _deployment(record, way)
            continue
        name = "Suspected cause" if record.ref in way.causes else _NAMES[record.kind]
        title = f" {shorten(record.title, 90)}" if insider or record.ref == way.asked.ref else ""
        how = f", {_because(way, record)}" if record.ref in way.causes else ""
        yield (Said(f"{name} ", strong=True), key_of(record), f"{title}: {record.state.replace('_', ' ')}{how}")
    where = sorted({place for issue in way.issues for place in issue.deployed_to})
    if where:
        yield (Said("Runs in ", strong=True), ", ".join(where))


def _deployment(record: Deployment, way: Way) -> Words:
    verb = "Deployed to "
    if record.ref in way.withdrawn:
        verb = "Taken back from "
    elif record.ref in way.causes:
        verb = "Suspected cause: deployed to "
    where = record.environment or "an unnamed environment"
    state = record.state.replace("_", " ")
    return (Said(verb, strong=True), f"{where}: {state}, ", Moment(record.occurred_at), " (", key_of(record), ")")


def _because(way: Way, record: Record) -> str:
    link = way.causes[record.ref]
    said = (
        "said by a person"
        if link.by.startswith("person:")
        else "stated there"
        if link.by.startswith("system:")
        else f"{link.confidence:.0%} sure"
    )
    return said + (f" ({shorten(link.because, 120)})" if link.because else "")


def _small_print(way: Way, *, insider: bool) -> str:
    same = f"{counted(way.beside, 'other')} reported the same"
    if way.asked.kind not in {"incident", "feedback"}:
        same = f"{counted(way.beside, 'report')} of it"
    parts = [same] if way.beside else []
    told = sum(1 for row in way.told if row.state == "settled")
    parts += [f"told {counted(told, 'time')} so far"] if insider and told else []
    return "; ".join((*parts, f"as of what {way.asked.system} showed last")).capitalize() + "."


def _next_steps(record: Record, *, insider: bool) -> Iterator[Button]:
    yield Button(f"follow {record.ref}", "Tell me when it changes")
    yield Button(f"why {record.ref}", "Why?")
    if insider and record.kind in {"incident", "feedback"} and record.state == "new":
        yield Button(f"ack {record.ref}", "Acknowledge")


def _reasons(record: Record, plans: Sequence[Plan], *, insider: bool) -> Iterator[Block]:
    """What holds, in words; to those who work on it also what keeps the other rules back."""
    hold = [plan for plan in plans if all_hold(plan.steps)]
    if hold:
        yield Bullets(tuple(_holds(plan, insider=insider) for plan in hold[:_MOST_RULES]))
    elif plans:
        yield Paragraph("No rule has anything to do for it now.")
    else:
        yield Paragraph(f"No rule looks at a {record.kind}.")
    if not insider:
        return
    kept = [(plan, next(step for step in plan.steps if not step.held)) for plan in plans if not all_hold(plan.steps)]
    waits = [plan.rule for plan, step in kept if step.asked.startswith("answer ")]
    others = [(plan, step) for plan, step in kept if plan.rule not in waits]
    if others:
        yield Paragraph((Said("What keeps the others back", strong=True),))
        yield Bullets(tuple(_keeps_back(plan, step) for plan, step in others[:_MOST_RULES]))
    if waits:
        yield Context(f"These wait for an answer of whoever reported it: {', '.join(waits)}.")


def _holds(plan: Plan, *, insider: bool) -> Words:
    does = "; ".join(what_it_does(effect, 60) for effect in plan.effects[:3]) if insider else ""
    because = plan.because or "all it asks for is so"
    return (Said(f"{plan.rule}{_mode(plan)}: ", strong=True), because + (f" → {does}" if does else ""))


def _keeps_back(plan: Plan, step: Found) -> Words:
    saw = f" ({shorten(step.saw, 60)})" if step.saw else ""
    return (Said(f"{plan.rule}{_mode(plan)}: ", strong=True), f"{shorten(step.asked, 110)}{saw}")


def _mode(plan: Plan) -> str:
    return "" if plan.mode == "live" else f" ({plan.mode})"
