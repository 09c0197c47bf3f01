"""What can be asked, by what a person may; and the one quiet line under a shared address."""

from typing import Final

from loopbot.domain.records import Person, Record
from loopbot.domain.speech import Block, Bullets, Context, Lead, Message, Paragraph, Said
from loopbot.domain.texts import clean, shorten
from loopbot.usecases.conversation.desk import Desk

_FOR_ALL: Final = (
    ("status INC0012345", "where it stands, who has it, what happens next"),
    ("why INC0012345", "what the rules make of it, and why"),
    ("mine", "your own reports and where each stands"),
    ("ask how do I ...", "what is known already that answers it: workarounds, articles, earlier tickets"),
    ("feedback", "say what you think; with words at once, without them in a form"),
    ("report", "report something that does not work"),
    ("follow INC0012345", "hear what becomes of it; unfollow ends that"),
    ("mute", "hear nothing for a while: mute 3d, mute INC0012345; unmute ends that"),
    ("notices", "at which hours you are left alone, how much is gathered, what you follow; to be changed in a form"),
    ("recurring", "what keeps coming back"),
    ("release", "what was shipped, and what is to come"),
    ("dora", "DORA's four keys, for a service or an environment: dora checkout 90"),
    ("loop", "how many reports were heard, fixed, told, confirmed"),
)
_FOR_INSIDERS: Final = (
    ("link INC0012345 CHG0000042", "say that they belong together; add the relation where it is not plain"),
    ("same INC0012345 INC0012346", "say that they tell of the same pain; apart says the opposite of the first"),
    ("ack INC0012345", "tell whoever reported it that you take care of it; words may follow"),
    ("queue", "the questions loopbot asks you"),
)
_FOR_OPERATORS: Final = (
    ("stuck", "what waits for a decision"),
    ("retry EFFECT", "send it (again); confirm EFFECT: it is there; drop EFFECT: it is never to be sent"),
)
_INTERNAL: Final = frozenset({"problem", "change"})
_MARK: Final = {
    "incident": "Incident",
    "problem": "Problem",
    "change": "Change",
    "issue": "Issue",
    "deployment": "Deployment",
    "release": "Release",
    "feedback": "Feedback",
    "article": "Article",
}


def help_for(desk: Desk, person: Person) -> Message:
    """What this person can ask."""
    blocks: list[Block] = [Lead("What loopbot can be asked"), Bullets(_lines(desk, _FOR_ALL))]
    if desk.insider(person):
        blocks += [
            Paragraph((Said("For those who work on reports", strong=True),)),
            Bullets(_lines(desk, _FOR_INSIDERS)),
        ]
    if desk.roles.may(person, "decide"):
        blocks += [Paragraph((Said("For operators", strong=True),)), Bullets(_lines(desk, _FOR_OPERATORS))]
    blocks.append(
        Context("Any case and order will do; so does a pasted address of a ticket. Answers are only for you.")
    )
    return Message(tuple(blocks))


def unfurled(record: Record) -> str:
    """A ticket in one line, for everybody in a channel: its kind, how it stands, where it runs; no words of problems and changes."""
    where = sorted(getattr(record, "deployed_to", ()))
    runs = f", runs in {', '.join(where)}" if where else ""
    title = "" if record.kind in _INTERNAL else f": {shorten(' '.join(clean(record.title).split()), 120)}"
    return f"{_MARK[record.kind]} {record.key}{title} ({record.state.replace('_', ' ')}{runs})"


def _lines(desk: Desk, commands: tuple[tuple[str, str], ...]) -> tuple[tuple[Said, str], ...]:
    return tuple((Said(f"{desk.command} {command} ", strong=True), what) for command, what in commands)
