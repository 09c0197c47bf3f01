"""What people are told in Slack about being heard, and what is shown of an answer."""

import logging
from collections.abc import Callable
from typing import Final, TypeVar

from loopbot.domain.errors import Declined, LoopbotError
from loopbot.domain.forms import Wrong
from loopbot.domain.speech import Message, say
from loopbot.domain.timing import timed
from loopbot.ports import HeardAlreadyError

T = TypeVar("T")
_LOG = logging.getLogger(__name__)
NOTED: Final = say("Noted. Where it was asked, everybody sees it.")
SORRY: Final = say("That did not work. The reason is in the log of loopbot; try again later.")
BUSY: Final = say("loopbot has too much to do right now. Try again in a minute.")
UNKNOWN: Final = say("This button is from another time; loopbot does not know it any more.")
HEARD: Final = say("This was heard already.")
NOTING: Final = say("This takes a moment longer than usual; it is being noted.")


def asked(ask: Callable[[], T]) -> T | Declined | None:
    """An answer, or why there is none: declined, or (None) something failed, and the log says what. Raises HeardAlreadyError."""
    try:
        return ask()
    except Declined as no:
        return no
    except HeardAlreadyError:
        raise
    except LoopbotError as error:
        _LOG.warning("what somebody said in Slack could not be taken: %s", error)
    except Exception:  # noqa: BLE001 - whatever failed behind the ear, the person is told, and the log says what
        _LOG.exception("what somebody said in Slack could not be taken")
    return None


def words(said: Message | Declined | None) -> Message:
    """What is shown of an answer, also where there is none."""
    if isinstance(said, Declined):
        return timed(say(str(said)), said.moments)
    return said or SORRY


def told_late(said: Message | Wrong) -> Message:
    """What a form came to, where it is closed already."""
    if isinstance(said, Message):
        return said
    return say("It was not taken: " + " ".join(said.errors.values()) + " Open the form once more.")
