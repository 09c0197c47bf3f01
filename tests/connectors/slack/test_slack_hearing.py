"""What people do in Slack is kept before it is acked: no death makes anybody say it again, and no redelivery says it twice."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from connectors.slack.connector import Slack
from loopbot.ports import Kept
from loopbot.sandbox.slack import SlackTwin
from loopbot.sandbox.slack.sockets import NotAcknowledgedError
from loopbot.usecases.listen import Conversation
from loopbot.usecases.recover import take_over
from tests.connectors.contract import QuickClock
from tests.connectors.slack.conftest import Build
from tests.connectors.slack.room import Room, furnished, read, until
from tests.conversation.conftest import PLACES, ROLES


class Dying(Conversation):
    """A process that dies between the ack and the first thing it does."""

    def once(self, delivery: str) -> Conversation:
        message = f"the process was killed at {delivery[:5]}"
        raise RuntimeError(message)


class Failing(Conversation):
    """A store that can not be written to."""

    fails = 1

    def keep(self, kept: Kept) -> bool:
        if Failing.fails:
            Failing.fails -= 1
            message = "the disk is full"
            raise OSError(message)
        return super().keep(kept)


class Slow(Conversation):
    """A store that can not be written to for a while."""

    free = threading.Event()

    def keep(self, kept: Kept) -> bool:
        Slow.free.wait(10)
        return super().keep(kept)


@pytest.fixture
def room(twin: SlackTwin, build: Build, clock: QuickClock, tmp_path: Path) -> Iterator[Room]:
    made = furnished(twin, build, clock, tmp_path)
    yield made
    made.store.close()


def process(room: Room, kind: type[Conversation] = Conversation) -> Slack:
    """A process that hears people; the one before it is gone."""
    slack = room.build()
    slack.listen(kind(room.loop, ROLES, PLACES))
    assert room.twin.sockets.wait_connected()
    return slack


def unheard(room: Room) -> bool:
    with room.store.write() as tx:
        tx.heard.orphan()
        return tx.heard.waits("slack")


def drained(room: Room) -> None:
    """Whoever died is known to be gone, and the next process has done what was left."""
    take_over(room.loop)
    slack = process(room)
    slack.resume()
    slack.close()


def a_form(room: Room) -> Callable[[], object]:
    living = process(room)
    room.twin.slash(room.mara, "/loop", "feedback", room.channel)
    view = room.modal(room.mara)
    living.close()
    return lambda: room.twin.view_submission(room.mara, view, {"words": "The export hangs", "topic": "bug"})


def test_a_form_that_was_acked_is_taken_although_its_process_died(room: Room) -> None:
    send = a_form(room)
    dying = process(room, Dying)
    send()
    dying.close()
    assert room.tickets() == []
    drained(room)
    assert len(room.tickets()) == 1
    drained(room)
    assert len(room.tickets()) == 1


def test_a_form_that_is_delivered_again_to_another_process_counts_once(room: Room) -> None:
    send = a_form(room)
    first = process(room)
    sent = send()
    first.close()
    second = process(room)
    room.twin.redeliver(sent)  # type: ignore[arg-type]
    assert "heard already" in read(sent.response["view"]["blocks"])  # type: ignore[attr-defined]
    second.close()
    assert len(room.tickets()) == 1


def test_a_form_with_a_mistake_can_be_sent_again_in_the_same_words(room: Room) -> None:
    living = process(room)
    room.twin.slash(room.mara, "/loop", "feedback", room.channel)
    view = room.modal(room.mara)
    for _ in range(2):
        sent = room.twin.view_submission(room.mara, view, {"words": " "})
        assert sent.response == {"response_action": "errors", "errors": {"words": "Some words are needed."}}
    living.close()
    drained(room)
    assert room.tickets() == []


def test_a_command_and_a_press_that_were_acked_are_done_although_their_process_died(room: Room) -> None:
    dying = process(room, Dying)
    room.twin.slash(room.tom, "/loop", "link INC0020000 CHG0000042", room.channel)
    dying.close()
    drained(room)
    assert "noted as your word" in room.whispered(room.tom)
    whisper = room.twin.ephemerals(room.tom)[-1]
    dying = process(room, Dying)
    sent = room.twin.click(whisper, "loopbot:undo", room.tom)
    dying.close()
    drained(room)
    said = room.whispered(room.tom, 2)
    assert "back" in said
    second = process(room)
    room.twin.redeliver(sent)
    second.close()
    drained(room)
    assert len(room.twin.ephemerals(room.tom)) == 2


def test_what_can_not_be_kept_is_not_acked_and_is_taken_when_it_comes_again(room: Room) -> None:
    Failing.fails = 1
    slack = process(room, Failing)
    with pytest.raises(NotAcknowledgedError):
        room.twin.slash(room.tom, "/loop", "status INC0012345", room.channel, ack_within=0.5)
    assert room.twin.ephemerals(room.tom) == []
    room.twin.slash(room.tom, "/loop", "status INC0012345", room.channel)
    assert room.whispered(room.tom)
    slack.close()


def test_while_the_store_is_slow_the_ack_goes_first_and_it_is_done_once_all_the_same(room: Room) -> None:
    Slow.free.clear()
    slack = process(room, Slow)
    try:
        began = time.monotonic()
        sent = room.twin.slash(room.tom, "/loop", "status INC0012345", room.channel)
        assert time.monotonic() - began < 3
        assert room.twin.ephemerals(room.tom) == []
        room.twin.redeliver(sent)
    finally:
        Slow.free.set()
    assert room.whispered(room.tom)
    slack.close()
    assert len(room.twin.ephemerals(room.tom)) == 1


def test_what_is_done_is_left_to_nobody(room: Room) -> None:
    slack = process(room)
    room.twin.slash(room.tom, "/loop", "status INC0012345", room.channel)
    assert room.whispered(room.tom)
    until(lambda: not unheard(room))
    slack.resume()
    slack.close()
    assert len(room.twin.ephemerals(room.tom)) == 1
