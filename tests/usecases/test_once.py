"""What somebody did in a chat is done once: with the first thing that is written for it, on any node, through any death."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from loopbot.domain.records import Ref
from loopbot.domain.rulebook import Rulebook
from loopbot.ports import HeardAlreadyError, JournalEntry, Kept
from loopbot.store import SqlStore
from loopbot.usecases.listen import Conversation
from loopbot.usecases.loop import Loop
from loopbot.usecases.once import OnceStore, end, keep, left
from loopbot.usecases.recover import take_over
from tests.support.clock import FakeClock

ABOUT = Ref("servicenow", "incident", "INC1")
PRESS = Kept("slack:press:1", "slack", "press", '{"words": "hunter2"}')


@pytest.fixture
def loop(store: SqlStore, clock: FakeClock) -> Loop:
    return Loop(store, Rulebook(()), {}, clock, "one")


def note(loop: Loop, what: str = "done") -> None:
    with OnceStore(loop.store, PRESS.name).write() as tx:
        tx.journal([JournalEntry(tx.now(), "rule", ABOUT, what, "")])


def noted(loop: Loop) -> list[str]:
    with loop.store.read() as tx:
        return [one.what for one in tx.journal_of(ABOUT)]


def test_whoever_comes_second_does_nothing(loop: Loop) -> None:
    assert keep(loop, PRESS)
    note(loop, "first")
    with pytest.raises(HeardAlreadyError):
        note(loop, "second")
    assert noted(loop) == ["first"]


def test_what_was_rolled_back_was_not_done(loop: Loop) -> None:
    keep(loop, PRESS)
    once = OnceStore(loop.store, PRESS.name)

    def break_off() -> None:
        with once.write() as tx:
            tx.journal([JournalEntry(tx.now(), "rule", ABOUT, "lost", "")])
            raise KeyError

    with pytest.raises(KeyError):
        break_off()
    with once.write(keep=False) as tx:
        tx.journal([JournalEntry(tx.now(), "rule", ABOUT, "only tried", "")])
    with once.read() as tx:
        assert tx.heard.open(PRESS.name)
    for what in ("done", "and more of the same"):
        with once.write() as tx:
            tx.journal([JournalEntry(tx.now(), "rule", ABOUT, what, "")])
    assert sorted(noted(loop)) == ["and more of the same", "done"]


def test_a_process_that_died_before_it_wrote_anything_leaves_it_to_the_next(loop: Loop, clock: FakeClock) -> None:
    keep(loop, PRESS)
    assert left(loop, "slack") == []
    clock.sleep(61)
    assert left(loop, "slack") == [PRESS]
    note(loop)
    clock.sleep(61)
    assert left(loop, "slack") == []


def test_a_process_that_died_after_it_wrote_leaves_nothing(loop: Loop) -> None:
    keep(loop, PRESS)
    note(loop)
    take_over(loop)
    assert left(loop, "slack") == []


def test_who_is_alone_takes_it_over_at_once(loop: Loop) -> None:
    keep(loop, PRESS)
    take_over(loop)
    assert left(loop, "slack") == [PRESS]


def test_what_is_over_is_not_left(loop: Loop) -> None:
    keep(loop, PRESS)
    end(loop, PRESS.name)
    end(loop, PRESS.name)
    take_over(loop)
    assert left(loop, "slack") == []
    assert not keep(loop, PRESS)


def test_what_fails_again_and_again_is_set_aside_and_shown(loop: Loop, clock: FakeClock) -> None:
    keep(loop, PRESS)
    tries = 0
    for _ in range(10):
        clock.sleep(61)
        tries += len(left(loop, "slack"))
    assert tries == 4  # and the first one, by whoever heard it
    with loop.store.read() as tx:
        [aside] = tx.quarantined()
    assert aside.where == "chat:slack"
    assert "press" in aside.why
    assert "hunter2" not in aside.why + aside.excerpt


def test_a_secret_that_somebody_typed_is_not_kept(loop: Loop) -> None:
    redacted: Callable[[str], str] = lambda text: text.replace("hunter2", "[redacted]")  # noqa: E731
    careful = replace(loop, redacted=redacted)
    talk = Conversation(careful)
    assert talk.keep(PRESS)
    take_over(careful)
    assert [one.body for one in talk.left("slack")] == ['{"words": "[redacted]"}']
