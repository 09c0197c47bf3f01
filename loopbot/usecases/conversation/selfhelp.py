"""Before anybody is asked: known errors with a way around them that read like what was said, and whether they helped."""

import math
from typing import Final

from loopbot.domain.people import who
from loopbot.domain.records import Person, Problem, Ref
from loopbot.domain.speech import Block, Button, Buttons, Message, Paragraph, Quote, Said, say
from loopbot.domain.texts import shorten
from loopbot.domain.wordings import Neighbour, Neighbourhood, Sought
from loopbot.domain.workarounds import withheld
from loopbot.ports import JournalEntry, Tx
from loopbot.usecases.conversation.desk import Desk, key_of

HELPED: Final = "helped:"
"""What the keys of the buttons under an offered answer begin with; the problem's ref follows."""
QUESTION: Final = "helped"
"""What the buttons under an offered answer ask, in the words of a rule."""
COUNTED: Final = "helped: "
"""What its answers begin with in the journal; whether it helped follows."""
THANKS: Final = {"yes": "Good to know; it is counted.", "no": "It is counted. Your report goes its way."}
_RULE: Final = "self-help"
_ALIKE: Final = 0.4
_MOST: Final = 2


def known_answers(tx: Tx, text: str) -> Message:
    """What may help with this now; an empty message where nothing is known."""
    near = tx.neighbours(text, Sought(kinds=frozenset({"problem"}), limit=20))
    fitting = [one.record for one in near.found if _share(one, near) >= _ALIKE]
    known = [
        one
        for one in fitting
        if isinstance(one, Problem)
        and one.workaround
        and one.state not in {"closed", "cancelled"}
        # Whoever asks here is anybody: what nobody released to customers is not shown.
        and not withheld(one, tx)
    ]
    blocks: list[Block] = []
    for problem in known[:_MOST]:
        blocks += [
            Paragraph(
                (
                    Said("This may help meanwhile: ", strong=True),
                    f"{shorten(problem.title, 150)} (",
                    key_of(problem),
                    ")",
                )
            ),
            Quote(shorten(problem.workaround or "", 800)),
            Buttons(f"{HELPED}{problem.ref}", (Button("yes", "That helped"), Button("no", "It did not"))),
        ]
    return Message(tuple(blocks))


def helped(desk: Desk, person: Person, key: str, answer: str) -> Message:
    """Count whether an offered answer helped; the last word of each person counts."""
    problem = Ref.parse(key.removeprefix(HELPED))
    with desk.loop.store.write() as tx:
        name = f"{key}:{who(desk.loop.roster.same(person))}"
        if tx.recall(name) != answer:
            tx.remember(name, answer)
            entry = JournalEntry(
                tx.now(), _RULE, problem, f"{COUNTED}{answer}", "the workaround was offered in the chat"
            )
            tx.journal([entry])
    return say(THANKS.get(answer, "Noted."))


def _share(neighbour: Neighbour, near: Neighbourhood) -> float:
    """How much of what was said it says too, rare words counting more; 0..1."""
    weights = {term: math.log((near.total + 1) / (near.docs.get(term, 0) + 0.5)) for term in near.asked.terms}
    whole = sum(weights.values())
    return sum(weights[term] for term in near.asked.terms & neighbour.wording.terms) / whole if whole > 0 else 0.0
