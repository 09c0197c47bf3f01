"""Questions in a conversation: presses, forms and commands, each answered in a message for whoever spoke."""

from loopbot.domain.errors import Declined
from loopbot.domain.forms import Filled, Form, Wrong
from loopbot.domain.records import Person
from loopbot.domain.speech import Message, say
from loopbot.domain.timing import timed
from loopbot.usecases.loop import Loop
from loopbot.usecases.questions.answering import FORM, answer, form_filled, undo
from loopbot.usecases.questions.keeping import refresh
from loopbot.usecases.roles import Roles

SHOWN_ELSEWHERE = Message(())
"""Nothing is to be said here: the message that asks is brought up to date by itself, for everybody."""
HELP = (
    "/loop answer QUESTION ANSWER answers a question, /loop undo QUESTION takes the answer back; /loop queue lists them"
)
COMMANDS = frozenset({"answer", "undo"})


def pressed(loop: Loop, roles: Roles, person: Person, key: str, word: str, words: str = "") -> Message | Form | None:
    """A button under a question; None where the key names none. Raises Declined."""
    with loop.store.read() as tx:
        if tx.questions.get(key) is None and not tx.questions.carried(key):
            return None
    try:
        heard = answer(loop, person, key, word, words, roles)
    except Declined:
        # Whoever presses a button that does nothing any more sees a message from before: it is brought up to date.
        with loop.store.write() as tx:
            refresh(loop, tx, tx.questions.carried(key) or [row for row in [tx.questions.get(key)] if row])
        raise
    if isinstance(heard, Form):
        return heard
    if heard.left:
        # What could not be undone is told to whoever asked for it; all else is said where the question stands.
        raise Declined(heard.text, heard.moments)
    return SHOWN_ELSEWHERE


def submitted(loop: Loop, roles: Roles, person: Person, filled: Filled) -> Message | Wrong | None:
    """A form that belongs to a question; None where it does not."""
    if filled.form != FORM:
        return None
    try:
        heard = form_filled(loop, person, filled, roles)
    except Declined as no:
        return timed(say(str(no)), no.moments)
    return heard if isinstance(heard, Wrong) else timed(say(heard.text), heard.moments)


def commanded(loop: Loop, roles: Roles, person: Person, verb: str, rest: str) -> Message | Form:
    """`/loop answer KEY ANSWER [words]`, `/loop undo KEY`."""
    key, _, said = rest.strip().partition(" ")
    word, _, words = said.strip().partition(" ")
    if not key or (verb == "answer" and not word):
        return say(HELP)
    try:
        heard = undo(loop, person, key, roles) if verb == "undo" else answer(loop, person, key, word, words, roles)
    except Declined as no:
        return timed(say(str(no)), no.moments)
    return heard if isinstance(heard, Form) else timed(say(heard.text), heard.moments)
