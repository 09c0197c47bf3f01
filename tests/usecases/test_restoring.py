"""An old backup, or none at all: what was sent in the lost time is found by its marker, adopted, and not sent again."""

import shutil
from collections import namedtuple
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from loopbot.domain.records import Record
from loopbot.domain.rulebook import Rulebook
from loopbot.domain.rules import Rule
from loopbot.store import SqlStore, backups, open_store
from loopbot.usecases.deliver import deliver
from loopbot.usecases.ingest import ingest
from loopbot.usecases.loop import Loop
from loopbot.usecases.reconcile import reconcile
from loopbot.usecases.restored import LASTS, settle_down
from tests.support.clock import FakeClock
from tests.support.made import comment_naming, incident, ticket
from tests.support.ruling import rule
from tests.support.systems import FakeSink, FakeSource

STREAM = "servicenow:incident"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def at_work(store: SqlStore, clock: FakeClock, sink: FakeSink, *rules: Rule) -> Loop:
    return Loop(store, Rulebook(rules or (rule(),)), {"servicenow": sink}, clock, "one")


def source(*numbers: int) -> FakeSource:
    records: list[Record] = [incident(number, number) for number in numbers]
    return FakeSource(STREAM, records)


def a_while(loop: Loop, stream: FakeSource) -> None:
    ingest(loop, stream)
    for _ in range(4):
        deliver(loop, "servicenow")
        reconcile(loop, "servicenow")
        loop.clock.sleep(40)


def keys_sent(sink: FakeSink) -> list[str]:
    return [one.effect.key for one in sink.ledger]


def test_an_old_backup_makes_no_duplicates_and_what_is_new_is_sent(tmp_path: Path, clock: FakeClock) -> None:
    """D4."""
    home, sink = tmp_path / "loopbot.db", FakeSink()
    store = open_store(f"sqlite:///{home}", clock=clock)
    a_while(at_work(store, clock, sink), source(1, 2))
    store.backup(tmp_path / "backup.db")
    a_while(at_work(store, clock, sink), source(1, 2, 3, 4))
    store.close()
    assert len(sink.ledger) == 4
    backups.put_back(tmp_path / "backup.db", home)
    store = open_store(f"sqlite:///{home}", clock=clock)
    with store.write() as tx:
        tx.outbox.doubt(backups.inspected(tmp_path / "backup.db"))
    a_while(at_work(store, clock, sink), source(1, 2, 3, 4, 5))
    assert len(sink.ledger) == 5
    assert len(set(keys_sent(sink))) == 5
    with store.read() as tx:
        assert tx.outbox.counts() == {("servicenow", "settled"): 5}, "the four are adopted, with their receipts"
    store.close()


def test_what_was_planned_in_the_backup_may_have_been_sent_since(store: SqlStore, clock: FakeClock) -> None:
    sink = FakeSink()
    loop = at_work(store, clock, sink)
    ingest(loop, source(1, 2))
    with store.read() as tx:
        sent = [row.effect for row in tx.outbox.rows()]
    with store.write() as tx:
        assert tx.outbox.doubt(clock.now()) == 2
    other = FakeSink()
    with store.read() as tx:
        other._one(tx.outbox.uncertain("servicenow", 1)[0])
    sink.ledger += other.ledger
    clock.sleep(40)
    a_while(loop, source())
    assert sorted(keys_sent(sink)) == sorted(effect.key for effect in sent)


def test_a_lost_store_is_rebuilt_without_sending_anything_again(store: SqlStore, clock: FakeClock) -> None:
    """D3: from nothing, by the markers alone."""
    sink = FakeSink()
    with store.write() as tx:
        tx.outbox.doubt(EPOCH)
    loop = at_work(store, clock, sink)
    ingest(loop, source(1, 2, 3))
    with store.read() as tx:
        sink.ledger += tx.outbox.uncertain("servicenow", 10)
    a_while(loop, source(1, 2, 3))
    assert len(sink.ledger) == 3


def test_what_can_not_be_known_waits_for_a_person(store: SqlStore, clock: FakeClock) -> None:
    sink = FakeSink(blind=True)
    with store.write() as tx:
        tx.outbox.doubt(EPOCH)
    a_while(at_work(store, clock, sink), source(1))
    assert not sink.ledger
    with store.read() as tx:
        assert tx.outbox.counts() == {("servicenow", "uncertain"): 1}


def test_what_was_held_in_doubt_is_looked_for_when_a_person_lets_it_go(store: SqlStore, clock: FakeClock) -> None:
    sink = FakeSink()
    with store.write() as tx:
        tx.outbox.doubt(EPOCH)
    loop = at_work(store, clock, sink, rule(limit=0))
    a_while(loop, source(1))
    with store.write() as tx:
        (row,) = tx.outbox.rows({"held"})
        tx.outbox.retry(row.effect.key, "go on")
    with store.read() as tx:
        (delivery,) = tx.outbox.uncertain("servicenow", 10)
    sink.ledger.append(delivery)
    a_while(loop, source())
    assert len(sink.ledger) == 1


def test_an_effect_in_doubt_waits_for_the_ticket_it_needs(store: SqlStore, clock: FakeClock) -> None:
    opens = ticket()
    with store.write() as tx:
        tx.outbox.doubt(EPOCH)
        tx.outbox.plan([opens, comment_naming(opens)])
    with store.read() as tx:
        assert [one.effect.key for one in tx.outbox.uncertain("jira", 10)] == [opens.key]
        assert not tx.outbox.uncertain("servicenow", 10), "its text can not be known before"


def test_doubt_ends_a_day_later_once_every_stream_was_read_since(store: SqlStore, clock: FakeClock) -> None:
    loop = at_work(store, clock, FakeSink())
    with store.write() as tx:
        tx.outbox.doubt(EPOCH)
    ingest(loop, source(1))
    assert not settle_down(loop, [STREAM])
    clock.sleep(LASTS / timedelta(seconds=1) + 1)
    assert not settle_down(loop, [STREAM]), "nobody has looked since"
    ingest(loop, source(1, 2))
    assert settle_down(loop, [STREAM])
    ingest(loop, source(1, 2, 3))
    with store.read() as tx:
        assert tx.outbox.counts()["servicenow", "planned"] == 1
        assert tx.outbox.doubted() is None


def test_nothing_is_sent_while_the_disk_is_nearly_full(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D2: sending stops first, and goes on by itself."""
    store, sink = open_store(f"sqlite:///{tmp_path / 'loopbot.db'}", clock=clock), FakeSink()
    loop = at_work(store, clock, sink)
    ingest(loop, source(1))
    usage = namedtuple("usage", "total used free")  # noqa: PYI024 - as shutil has it
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _path: usage(10**12, 10**12, 1_000_000))
        assert deliver(loop, "servicenow").pause > 0
        assert not sink.ledger
    deliver(loop, "servicenow")
    assert len(sink.ledger) == 1
    store.close()
