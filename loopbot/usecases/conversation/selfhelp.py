"""Before anybody is asked: what is known that answers what was said, and whether it helped."""

from typing import Final

from loopbot.domain.people import who
from loopbot.domain.records import Person, Record, Ref
from loopbot.domain.speech import Block, Button, Buttons, Message, Paragraph, Quote, Said, say
from loopbot.domain.texts import shorten
from loopbot.domain.views import View
from loopbot.judgement.answers import known_answers
from loopbot.ports import JournalEntry, Tx
from loopbot.usecases.conversation.desk import Desk

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
_LEAD: Final = {"known_error": "This may help meanwhile:", "resolved": "This helped somebody who reported the like:"}


def offered(view: View, words: str) -> Message:
    """What may help with this now, and buttons to say whether it did; an empty message where nothing is known."""
    blocks: list[Block] = []
    for one in known_answers(view, words, most=_MOST):
        named = f" {shorten(one.title, 150)}" if one.title else ""
        blocks += [
            Paragraph((Said(_LEAD[one.source], strong=True), named)),
            Quote(shorten(one.text, 800)),
            Buttons(f"{HELPED}{one.ref}", (Button("yes", "That helped"), Button("no", "It did not"))),
        ]
    return Message(tuple(blocks))


def credit(tx: Tx, record: Record, answer: str, because: str) -> None:
    """Count what somebody said of the answer that a rule offered on a report: for whatever it was taken from."""
    view: View = tx
    for one in known_answers(view, f"{record.title}\n{record.text}", most=1):
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
