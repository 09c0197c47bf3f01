"""The completeness proof: each sweep says what was counted there and here, and what became of each difference."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from loopbot.domain.errors import Rejected, Transient
from loopbot.domain.records import Record, Ref
from loopbot.domain.rulebook import Rulebook
from loopbot.ports import Cursor, Cycle, Page, Unmapped
from loopbot.store import SqlStore
from loopbot.usecases.deliver import deliver
from loopbot.usecases.ingest import Ingested, ingest
from loopbot.usecases.loop import Loop
from loopbot.usecases.statements import statement
from tests.support.clock import FakeClock
from tests.support.made import incident, issue, link
from tests.support.ruling import rule
from tests.support.systems import FakeSink, FakeSource

STREAM = "servicenow:incident"


@dataclass
class Town(FakeSource):
    """A system that lists `records`, and shows what is in `hall` when asked for it directly."""

    stream: str = STREAM
    hall: dict[str, Record] = field(default_factory=dict)
    refuses: frozenset[str] = frozenset()
    asked: list[str] = field(default_factory=list)

    def look(self, record: Record) -> Record | None:
        self.asked.append(record.ref.key)
        if record.ref.key in self.refuses:
            raise Rejected("servicenow", "you may not see it", status=403)
        return self.hall.get(record.ident)


def town_of(*numbers: int) -> Town:
    records: list[Record] = [incident(number, number) for number in numbers]
    return Town(records=records, hall={one.ident: one for one in records})


def quiet(store: SqlStore, clock: FakeClock, **sinks: FakeSink) -> Loop:
    return Loop(store, Rulebook(()), sinks, clock, "one")


def swept(loop: Loop, town: FakeSource) -> Cycle:
    done = ingest(loop, town, sweep=True)
    assert isinstance(done, Ingested)
    return done.cycle


def take_away(town: Town, *numbers: int, deleted: bool = True) -> None:
    keys = {incident(number).ref.key for number in numbers}
    town.records = [one for one in town.records if one.ref.key not in keys]
    if deleted:
        town.hall = {ident: one for ident, one in town.hall.items() if one.ref.key not in keys}


def mirrored(store: SqlStore) -> list[str]:
    with store.read() as tx:
        return list(tx.mirror.keys("servicenow", "incident"))


def test_a_sweep_counts_there_and_here_and_says_that_none_is_missing(store: SqlStore, clock: FakeClock) -> None:
    loop, town = quiet(store, clock), town_of(1, 2, 3)
    ingest(loop, town)
    cycle = swept(loop, town)
    assert statement(cycle) == "3 there, 3 read, 3 mirrored: none is missing"
    with store.read() as tx:
        assert tx.cursors.cycles(STREAM)[0] == cycle, "the statement is kept"


def test_a_record_that_was_lost_is_found_by_the_sweep(store: SqlStore, clock: FakeClock) -> None:
    loop, town = quiet(store, clock), town_of(1, 2)
    ingest(loop, town)
    town.records.insert(0, incident(9))  # visible so late that no poll looks there any more
    again = ingest(loop, town)
    assert again is not None
    assert again.cycle.new == 0
    assert swept(loop, town).new == 1


def test_a_deleted_record_is_gone_and_told_once_on_the_other_side(store: SqlStore, clock: FakeClock) -> None:
    """L2."""
    jira = FakeSink("jira")
    loop, town = quiet(store, clock, jira=jira), town_of(1, 2, 3)
    ingest(loop, town)
    with store.write() as tx:
        tx.mirror.put([issue(1)])
        tx.links.put([link(issue(1).ref, "fixes", incident(2).ref)])
    take_away(town, 2)
    cycle = swept(loop, town)
    assert statement(cycle) == "2 there, 2 read, 2 mirrored: 1 deleted there, and no longer counted here"
    for _ in range(2):
        deliver(loop, "jira")
        swept(loop, town)
    assert [one.effect.verb for one in jira.ledger] == ["comment"]
    assert "INC0000002" in jira.ledger[0].effect.text  # type: ignore[attr-defined]
    with store.read() as tx:
        assert any("gone" in entry.what for entry in tx.journal_of(incident(2).ref))


def test_rows_that_vanish_with_the_rights_to_see_them_are_not_deletions(store: SqlStore, clock: FakeClock) -> None:
    """A2: the system answers 404 for what it hides, so a neighbour that was just read is asked for as well."""
    loop, town = quiet(store, clock), town_of(1, 2, 3)
    ingest(loop, town)
    take_away(town, 2)
    town.hall.clear()
    cycle = swept(loop, town)
    assert (cycle.gone, cycle.unexplained) == (0, 1)
    assert "rights" in statement(cycle)
    assert len(mirrored(store)) == 3


def test_many_rows_at_once_do_not_vanish_by_themselves(store: SqlStore, clock: FakeClock) -> None:
    loop, town = quiet(store, clock), town_of(*range(100))
    ingest(loop, town)
    take_away(town, *range(60))
    cycle = swept(loop, town)
    assert (cycle.missing, cycle.gone, cycle.unexplained) == (60, 0, 60)
    assert not town.asked, "nor is each asked for"
    assert len(mirrored(store)) == 100


def test_a_record_outside_of_what_is_read_stays(store: SqlStore, clock: FakeClock) -> None:
    loop, town = quiet(store, clock), town_of(1, 2)
    ingest(loop, town)
    take_away(town, 2, deleted=False)
    cycle = swept(loop, town)
    assert "1 there, but outside of what is read" in statement(cycle)
    assert len(mirrored(store)) == 2


def test_a_record_that_may_not_be_seen_is_unexplained_with_the_reason(store: SqlStore, clock: FakeClock) -> None:
    loop, town = quiet(store, clock), town_of(1, 2)
    ingest(loop, town)
    take_away(town, 2)
    town.refuses = frozenset({incident(2).ref.key})
    assert "1 unexplained: servicenow: you may not see it" in statement(swept(loop, town))


def test_a_source_that_can_not_be_asked_for_one_record_calls_nothing_gone(store: SqlStore, clock: FakeClock) -> None:
    loop, source = quiet(store, clock), FakeSource(STREAM, [incident(1), incident(2)])
    ingest(loop, source)
    source.records.pop()
    cycle = swept(loop, source)
    assert (cycle.gone, cycle.unexplained) == (0, 1)


def test_what_was_set_aside_is_in_the_statement(store: SqlStore, clock: FakeClock) -> None:
    loop, town = quiet(store, clock), town_of(1)
    town.unmapped = (Unmapped("INC0000007", "it has no title"),)
    assert "1 set aside" in statement(swept(loop, town))


def test_a_sweep_that_breaks_off_accounts_for_nothing(store: SqlStore, clock: FakeClock) -> None:
    loop, town = quiet(store, clock), town_of(1, 2, 3)
    ingest(loop, town)
    take_away(town, 2)
    town.trouble = Transient("servicenow", "no answer")
    cycle = swept(loop, town)
    assert not cycle.swept
    assert cycle.trouble
    assert len(mirrored(store)) == 3


def test_a_sweep_leaves_the_place_where_the_stream_is_read_on(store: SqlStore, clock: FakeClock) -> None:
    loop, town = quiet(store, clock), town_of(1, 2, 3)
    ingest(loop, town)
    places = []

    class Watched(Town):
        def read(self, cursor: Cursor) -> Iterator[Page]:
            for page in super().read(cursor):
                yield page
                with store.read() as tx:
                    places.append(tx.cursors.get(STREAM).position)

    swept(loop, Watched(records=town.records, hall=town.hall))
    assert set(places) == {"3"}


def test_a_gone_record_that_is_seen_again_is_back(store: SqlStore, clock: FakeClock) -> None:
    loop, town = quiet(store, clock), town_of(1, 2)
    ingest(loop, town)
    kept = list(town.records), dict(town.hall)
    take_away(town, 2)
    assert swept(loop, town).gone == 1
    town.records, town.hall = kept
    swept(loop, town)
    assert len(mirrored(store)) == 2


def test_an_issue_that_moved_is_followed_and_nothing_is_done_for_it_twice(store: SqlStore, clock: FakeClock) -> None:
    """L1: known by its id; its links follow, and rules see the issue it was."""
    sink = FakeSink("jira")
    loop = Loop(store, Rulebook((rule(on=frozenset({"issue"})),)), {"jira": sink}, clock, "one")
    one = issue(1)
    ingest(loop, FakeSource("jira:issue", [one]))
    deliver(loop, "jira")
    assert len(sink.ledger) == 1
    with store.write() as tx:
        tx.links.put([link(one.ref, "fixes", incident(2).ref)])
    moved = replace(one, ref=Ref("jira", "issue", "OPS-9"), updated_at=issue(1, 5).updated_at)
    for again in (moved, replace(moved, state="done", updated_at=issue(1, 9).updated_at)):
        ingest(loop, FakeSource("jira:issue", [one, again]))
        deliver(loop, "jira")
    assert len(sink.ledger) == 1
    with store.read() as tx:
        assert [found.source.key for found in tx.links.of(incident(2).ref)] == ["OPS-9"]
        assert list(tx.mirror.keys("jira", "issue")) == ["OPS-9"]
        assert [row.effect.verb for row in tx.outbox.about(moved.ref)]


def test_an_issue_that_moved_out_of_sight_is_followed_by_its_id(store: SqlStore, clock: FakeClock) -> None:
    loop = quiet(store, clock)
    first, second = issue(1), issue(2)
    town = Town(stream="jira:issue", records=[first, second], hall={"1": first, "2": second})
    ingest(loop, town)
    town.records.remove(first)
    town.hall["1"] = replace(first, ref=Ref("jira", "issue", "OPS-9"))
    cycle = swept(loop, town)
    assert "1 moved there, and followed" in statement(cycle)
    with store.read() as tx:
        assert sorted(tx.mirror.keys("jira", "issue")) == ["LOOP-2", "OPS-9"]
