"""Before anybody is asked: what is known that answers what was said, and whether it helped."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from loopbot.domain.people import who
from loopbot.domain.records import Person, Record, Ref
from loopbot.domain.speech import Address, Block, Button, Buttons, Context, Message, Paragraph, Quote, Said, Span, say
from loopbot.domain.texts import shorten
from loopbot.domain.views import View
from loopbot.judgement.answers import KnownAnswer, Told, known_answers
from loopbot.ports import JournalEntry, Tx
from loopbot.usecases.conversation.desk import Desk, offer

HELPED: Final = "helped:"
"""What the keys of the buttons under an offered answer begin with; the ref of what it was taken from follows."""
QUESTION: Final = "helped"
"""What the buttons under an offered answer ask, in the words of a rule."""
COUNTED: Final = "helped: "
"""What its answers begin with in the journal; whether it helped follows."""
CREDITED: Final = "as an answer, helped: "
"""What is noted of a record whose words a rule offered begins with; the report itself says the same as COUNTED."""
THANKS: Final = {"yes": "Good to know; it is counted.", "no": "It is counted. Your report goes its way."}
_RULE: Final = "self-help"
_MOST: Final = 2
_FITS_A_BUTTON: Final = 1_500
_CREDITED: Final = 5
"""Among so many is looked for what was offered: better ones may have come since."""
_LEAD: Final[Mapping[Told, str]] = MappingProxyType(
    {
        "known_error": "This may help meanwhile:",
        "article": "This is written down about it:",
        "resolved": "This helped somebody who reported the like:",
    }
)


def offered(view: View, words: str) -> Message:
    """What may help with this now, and buttons to say whether it did; an empty message where nothing is known."""
    blocks: list[Block] = []
    for one in known_answers(view, words, most=_MOST):
        blocks += [
            Paragraph((Said(_LEAD[one.source], strong=True), *_named(one))),
            Quote(shorten(one.text, 800)),
            Buttons(f"{HELPED}{one.ref}", (Button("yes", "That helped"), Button("no", "It did not"))),
        ]
    return Message(tuple(blocks))


def answered(desk: Desk, words: str) -> Message:
    """What is known that answers a question, before anything is reported; else how to report it."""
    if not words.strip():
        return say(f"Ask what? For example: {desk.command} ask how do I export orders")
    with desk.loop.store.read() as tx:
        found = offered(tx, words)
    if not found.blocks:
        said = f"Nothing that is known here answers “{shorten(words, 150)}”."
        return offer(said, *([(f"report {words}", "Report it")] if len(words) <= _FITS_A_BUTTON else []))
    return found + Message((Context(f"If none of it helps: {desk.command} report, and your words."),))


def _named(one: KnownAnswer) -> tuple[str | Span, ...]:
    """Its title, which leads to an article: everybody may read that where it stands."""
    if not one.title:
        return ()
    title = shorten(one.title, 150)
    return (" ", Address(one.url, title) if one.source == "article" and one.url else title)


def credit(tx: Tx, record: Record, answer: str, because: str, told: str) -> None:
    """Count what somebody said of the answer that a rule offered on a report: for whatever it was taken from.

    That is what stands in the words they were `told`; where nothing does any more, as it was edited since, nothing is credited.
    """
    view: View = tx
    found = known_answers(view, f"{record.title}\n{record.text}", most=_CREDITED)
    for one in [one for one in found if one.said in told][:1]:
        tx.journal([JournalEntry(tx.now(), _RULE, one.ref, f"{CREDITED}{answer}", because)])


def helped(desk: Desk, person: Person, key: str, answer: str) -> Message:
    """Count whether an offered answer helped; the last word of each person counts."""
    known = Ref.parse(key.removeprefix(HELPED))
    with desk.loop.store.write() as tx:
        name = f"{key}:{who(desk.loop.roster.same(person))}"
        if tx.recall(name) != answer:
            tx.remember(name, answer)
            entry = JournalEntry(
                tx.now(), _RULE, known, f"{COUNTED}{answer}", "what helped before was offered in the chat"
            )
            tx.journal([entry])
    return say(THANKS.get(answer, "Noted."))
