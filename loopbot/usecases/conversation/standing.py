"""Where a matter stands, in a sentence for whoever reported it; who has it; and what happens next."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from loopbot.domain.records import Change, Deployment, Feedback, Incident, Issue, Problem, Record, Release
from loopbot.domain.speech import Moment, Words
from loopbot.usecases.conversation.desk import quoted
from loopbot.usecases.way import Way

_INCIDENT: Final = {
    "new": ("has been heard; nobody has taken it yet", "Somebody looks at it; you hear when its cause is known."),
    "in_progress": ("is being worked on", "You hear when it is fixed where you use it."),
    "on_hold": ("is on hold", "It goes on when what it waits for is there."),
    "resolved": ("is resolved", "If it is not for you, say so: reopen it, or report it again."),
    "closed": ("is closed", "If it still happens, report it again."),
    "cancelled": ("was cancelled", "If it still happens, report it again."),
}
_FEEDBACK: Final = {
    "new": ("has been heard", "Somebody decides what becomes of it."),
    "acknowledged": ("has been heard", "Somebody decides what becomes of it."),
    "classified": ("has been looked at", "Somebody decides what becomes of it."),
    "merged": ("counts for an item that says the same", "You hear when that is there to use."),
    "planned": ("is planned", "You hear when it is there to use."),
    "declined": ("will not be done", "If it still matters to you, say so again, with what it costs you."),
    "delivered": ("is there to use", "Try it, and say whether it is what you needed."),
    "confirmed": ("is there to use, and was confirmed", "Nothing more."),
}
_ISSUE: Final = {
    "todo": ("is planned and not begun", "Its building begins when its turn comes."),
    "in_progress": ("is being built", "It is reviewed, then shipped."),
    "in_review": ("is built and in review", "It is shipped after the review."),
}
_CHANGE: Final = {
    "draft": "is being prepared",
    "assess": "is being assessed",
    "authorize": "waits for approval",
    "scheduled": "is scheduled",
    "implement": "is being made",
    "review": "was made and is in review",
    "closed": "is done",
    "cancelled": "was cancelled",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """`stage` is one word of the loop: heard, taken, cause, planned, building, built, elsewhere, fixed, done, declined."""

    stage: str
    lead: Words
    then: Words


def standing(way: Way) -> Standing:
    """The furthest that a matter has come."""
    about = way.asked
    if isinstance(about, Change | Deployment | Release):
        return _of_shipping(about)
    title = quoted(about.title)
    return _shipped(way, title) or _built(way, title) or _known(way, title) or _reported(about, title)


def holders(way: Way, *, insider: bool) -> str:
    """Who has it, nearest to the fix first; outsiders read only who has their own ticket."""
    near: Sequence[Record] = (*way.issues, *way.problems, *way.reports) if insider else way.reports[:1]
    open_ones = [one for one in near if not one.finished] or list(near)
    for record in open_ones:
        group = getattr(record, "group", None)
        if record.assignee or group:
            who = " of ".join(part for part in (record.assignee, group) if part)
            return f"{who} ({record.key})" if insider else who
    return "nobody yet"


def _shipped(way: Way, title: str) -> Standing | None:
    where, arrived = way.environment, way.arrived
    if arrived is not None:
        lead = (f"{title} is fixed in {where} since ", Moment(arrived.occurred_at), ".")
        return Standing(
            "fixed", lead, "Try it; if it still happens, say so under the message you got, or report it again."
        )
    elsewhere = sorted({place for issue in way.issues for place in issue.deployed_to})
    if elsewhere:
        lead_text = f"The fix for {title} is in {', '.join(elsewhere)}, and not yet in {where}."
        return Standing(
            "elsewhere", lead_text, f"It comes to {where} with a later deployment; whoever reported it is told then."
        )
    return None


def _built(way: Way, title: str) -> Standing | None:
    live = [one for one in way.issues if one.state != "wont_do"]
    if way.issues and not live:
        return Standing(
            "declined", f"{title} will not be done.", "If it still matters, say so again, with what it costs you."
        )
    if not live:
        return None
    furthest = max(live, key=lambda one: ("todo", "in_progress", "in_review", "done").index(one.state))
    if furthest.state == "done":
        return Standing("built", f"The fix for {title} is built, and not deployed yet.", _next_release(way))
    said, then = _ISSUE[furthest.state]
    stage = "planned" if furthest.state == "todo" else "building"
    return Standing(stage, f"The fix for {title} {said}.", then)


def _next_release(way: Way) -> str:
    planned = [one for one in way.releases if one.state in {"planned", "frozen"}]
    if not planned:
        return f"It comes with the next deployment to {way.environment}; whoever reported it is told then."
    day = planned[0].extra.get("planned_for", "")
    return f"It is planned for {planned[0].title or planned[0].key}" + (f", {day}." if day else ".")


def _known(way: Way, title: str) -> Standing | None:
    if not way.problems or (way.asked.finished and not isinstance(way.asked, Problem)):
        return None
    problem: Problem = way.problems[0]
    if problem.state in {"resolved", "closed"}:
        return Standing(
            "done", f"The cause of {title} is removed.", "It is watched for a while; if it comes back, say so."
        )
    if problem.state == "known_error":
        way_round = "There is a way around it until it is fixed." if problem.workaround else "A fix is being planned."
        return Standing("cause", f"The cause of {title} is known.", way_round)
    return Standing(
        "cause",
        f"The cause of {title} is being looked for.",
        "When it is known, a fix is planned; you hear when it is there.",
    )


def _reported(about: Record, title: str) -> Standing:
    match about:
        case Incident():
            said, then = _INCIDENT.get(about.state, ("is known", ""))
        case Feedback():
            said, then = _FEEDBACK.get(about.state, ("is known", ""))
        case Issue():
            done = "is built, and not deployed yet" if about.state == "done" else "will not be done"
            said, then = _ISSUE.get(about.state, (done, "It comes with the next deployment."))
        case _:
            said, then = f"is {about.state.replace('_', ' ')}", ""
    stage = "heard" if about.state == "new" else "done" if about.finished else "taken"
    return Standing(stage, f"{title} {said}.", then or "Nothing more is known.")


def _of_shipping(about: Change | Deployment | Release) -> Standing:
    match about:
        case Change():
            outcome = f", {about.outcome.replace('_', ' ')}" if about.outcome else ""
            return Standing(
                about.state, f"The change {quoted(about.title)} {_CHANGE[about.state]}{outcome}.", _after(about)
            )
        case Deployment():
            where = about.environment or "an environment that is not named"
            lead = (
                f"{quoted(about.title or about.key)} to {where} has {about.state.replace('_', ' ')}, ",
                Moment(about.occurred_at),
                ".",
            )
            return Standing(about.state, lead, _after(about))
        case Release():
            day = about.extra.get("planned_for", "")
            planned = f" for {day}" if day and about.state in {"planned", "frozen"} else ""
            return Standing(
                about.state, f"The release {quoted(about.title or about.key)} is {about.state}{planned}.", _after(about)
            )


def _after(about: Record) -> str:
    return "Nothing more." if about.finished else "What it brings is told to whoever asked for it, once it is there."
