from datetime import timedelta

import pytest

from loopbot.domain.events import Timer
from loopbot.ports import Cursor, Cycle, JournalEntry, Lease, LeaseLostError, Unmapped
from loopbot.store import SqlStore
from tests.support.clock import FakeClock
from tests.support.made import at, incident

STREAM = "servicenow:incident"


def take(store: SqlStore, holder: str, seconds: float = 60) -> Lease | None:
    with store.write() as tx:
        return tx.leases.take("poll", holder, seconds)


def held(store: SqlStore, holder: str) -> Lease:
    lease = take(store, holder)
    assert lease is not None
    return lease


def test_a_lease_is_one_holders_until_it_runs_out(store: SqlStore, clock: FakeClock) -> None:
    lease = held(store, "one")
    assert (lease.token, lease.until) == (1, clock.now() + timedelta(seconds=60))
    assert take(store, "two") is None
    with store.read() as tx:
        assert tx.leases.holder("poll") == lease
    clock.sleep(60)
    with store.read() as tx:
        assert tx.leases.holder("poll") is None
    assert held(store, "two").token == 2


def test_renewing_keeps_the_token_and_moves_the_end(store: SqlStore, clock: FakeClock) -> None:
    held(store, "one")
    clock.sleep(30)
    lease = held(store, "one")
    assert (lease.token, lease.until) == (1, clock.now() + timedelta(seconds=60))


def test_tokens_grow_for_ever_also_after_a_release_or_a_lapse_of_the_same_holder(
    store: SqlStore, clock: FakeClock
) -> None:
    first = held(store, "one")
    with store.write() as tx:
        tx.leases.release(first)
    assert held(store, "one").token == 2
    clock.sleep(61)
    assert held(store, "one").token == 3
    with store.write() as tx:
        tx.leases.release(first)
    assert take(store, "two") is None, "an old lease releases nothing"


def test_leases_of_the_dead_are_ended_and_their_tokens_stay_fenced_off(store: SqlStore) -> None:
    lease = held(store, "one")
    with store.write() as tx:
        tx.leases.clear()
    assert held(store, "two").token == lease.token + 1
    with pytest.raises(LeaseLostError), store.write() as tx:
        tx.cursors.move(STREAM, Cursor("late"), lease)


@pytest.mark.parametrize("how", ["released", "cleared"])
def test_a_lease_that_is_over_stays_so_when_the_clock_is_set_back(store: SqlStore, clock: FakeClock, how: str) -> None:
    first = take(store, "one")
    assert first is not None
    with store.write() as tx:
        if how == "released":
            tx.leases.release(first)
        else:
            tx.leases.clear()
    clock.jump(-3600)
    assert take(store, "two") is not None


def test_a_cursor_moves_only_under_the_lease_that_stands(store: SqlStore, clock: FakeClock) -> None:
    first = held(store, "one")
    with store.write() as tx:
        tx.cursors.move(STREAM, Cursor("1"), first)
    clock.sleep(61)
    with store.write() as tx:
        tx.cursors.move(STREAM, Cursor("2"), first)
    held(store, "two")

    def late() -> None:
        with store.write() as tx:
            tx.mirror.put([incident()])
            tx.cursors.move(STREAM, Cursor("3"), first)

    with pytest.raises(LeaseLostError, match="one lost the lease poll"):
        late()
    with store.read() as tx:
        assert tx.cursors.get(STREAM) == Cursor("2")
        assert tx.record(incident().ref) is None, "the page of a fenced-off reader is not kept"


def test_a_cursor_can_be_moved_without_a_lease(store: SqlStore) -> None:
    with store.write() as tx:
        assert tx.cursors.get(STREAM) == Cursor()
        tx.cursors.move(STREAM, Cursor("a"), None)
        tx.cursors.move("jira:issue", Cursor("b"), None)
        assert (tx.cursors.get(STREAM), tx.cursors.get("jira:issue")) == (Cursor("a"), Cursor("b"))


def test_the_last_hundred_statements_of_each_stream_are_kept(store: SqlStore) -> None:
    with store.write() as tx:
        tx.cursors.note(Cycle("jira:issue", at(0), at(1), trouble="HTML"))
        for number in range(120):
            tx.cursors.note(Cycle(STREAM, at(number), at(number + 1), rows=number, counted_there=number))
        kept = tx.cursors.cycles(STREAM, limit=1000)
        assert [each.rows for each in kept] == list(range(119, 19, -1))
        assert kept[0] == Cycle(STREAM, at(119), at(120), rows=119, counted_there=119)
        assert len(tx.cursors.cycles(limit=1000)) == 101
        assert [each.rows for each in tx.cursors.cycles(limit=2)] == [119, 118]
        assert tx.cursors.sweep(STREAM) is None
        assert tx.cursors.since(STREAM) == at(0), "the first of all, which is not kept"


def test_the_last_sweep_that_went_to_its_end_is_kept_however_many_polls_follow(store: SqlStore) -> None:
    with store.write() as tx:
        now = tx.now()
        for rows in (1, 2):
            tx.cursors.note(Cycle(STREAM, started_at=now, ended_at=now, rows=rows, swept=True))
        for _ in range(120):
            tx.cursors.note(Cycle(STREAM, started_at=now, ended_at=now))
    with store.read() as tx:
        found = tx.cursors.sweep(STREAM)
    assert found is not None
    assert (found.rows, found.swept) == (2, True)


def test_a_timer_runs_out_once_and_can_be_moved_kept_or_cancelled(store: SqlStore, clock: FakeClock) -> None:
    subject, other = incident(1).ref, incident(2).ref
    settle, watch = Timer("made", subject, "settle", at(5)), Timer("made", other, "watch", at(6))
    with store.write() as tx:
        tx.timers.set(settle)
        tx.timers.set(watch)
        tx.timers.set(Timer("made", subject, "settle", at(9)), keep=True)
        assert tx.timers.pending() == [settle, watch]
        assert tx.timers.pending(other) == [watch]
        tx.timers.set(Timer("made", subject, "settle", at(7)))
        tx.timers.cancel("made", other, "watch")
        tx.timers.cancel("made", other, "never set")
        assert tx.timers.take_due(10) == []
    clock.sleep(7 * 60)
    with store.write() as tx:
        assert tx.timers.take_due(10) == [Timer("made", subject, "settle", at(7))]
        assert tx.timers.take_due(10) == []


def test_due_timers_are_taken_the_earliest_first_and_no_more_than_asked(store: SqlStore, clock: FakeClock) -> None:
    with store.write() as tx:
        for number in (3, 1, 2):
            tx.timers.set(Timer("made", incident(number).ref, "settle", at(-number)))
        assert [timer.subject.key[-1] for timer in tx.timers.take_due(2)] == ["3", "2"]
        assert [timer.subject.key[-1] for timer in tx.timers.take_due(2)] == ["1"]


def test_the_journal_of_a_record_tells_its_last_entries_in_their_order(store: SqlStore) -> None:
    entries = [
        JournalEntry(at(number), "made", incident(number % 2).ref, f"did {number}", "why") for number in range(6)
    ]
    with store.write() as tx:
        tx.journal(entries)
        tx.journal([])
        assert tx.journal_of(incident(1).ref) == [entries[1], entries[3], entries[5]]
        assert tx.journal_of(incident(1).ref, limit=2) == [entries[3], entries[5]]
        assert tx.prune(at(4)) == 4
        assert tx.journal_of(incident(1).ref) == [entries[5]]


def test_what_is_set_aside_again_counts_a_try_and_is_released_when_processed(store: SqlStore, clock: FakeClock) -> None:
    first_at = clock.now()
    with store.write() as tx:
        tx.quarantine(STREAM, [Unmapped("7", "no number", "{\0}\ud800"), Unmapped("8", "no stamp")])
    clock.sleep(60)
    with store.write() as tx:
        tx.quarantine(STREAM, [Unmapped("7", "no title", "[]")])
        tx.quarantine(STREAM, [])
    with store.read() as tx:
        again, once = tx.quarantined()
    assert (again.ident, again.why, again.excerpt, again.tries) == ("7", "no title", "[]", 2)
    assert (again.first_at, again.last_at) == (first_at, clock.now())
    assert (once.ident, once.tries, once.where) == ("8", 1, STREAM)
    with store.write() as tx:
        tx.released(STREAM, {"7", "9"})
        tx.released("other", {"8"})
        tx.released(STREAM, set())
        assert [each.ident for each in tx.quarantined()] == ["8"]


def test_text_that_a_database_refuses_is_cleaned_and_stored(store: SqlStore) -> None:
    with store.write() as tx:
        tx.quarantine(STREAM, [Unmapped("7", "why\0", "{\0}\ud800 \U0001f600")])
        tx.journal([JournalEntry(at(0), "made", incident().ref, "\0did", "\udfff")])
    with store.read() as tx:
        assert tx.quarantined()[0].excerpt == "{}\ufffd \U0001f600"
        assert tx.journal_of(incident().ref)[0].what == "did"


def test_small_facts_are_remembered_and_replaced(store: SqlStore) -> None:
    with store.write() as tx:
        assert tx.recall("account") is None
        tx.remember("account", "U1")
        tx.remember("account", "U2")
        assert tx.recall("account") == "U2"
