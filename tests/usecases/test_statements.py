"""Each reading states what was counted there and here, and what becomes of a difference; also where nothing is counted."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from loopbot.domain.errors import Transient
from loopbot.ports import Cursor, Cycle, Page, Unmapped
from loopbot.store import SqlStore
from loopbot.usecases.ingest import ingest
from loopbot.usecases.loop import SilentWitness
from loopbot.usecases.statements import statement
from tests.support.clock import FakeClock
from tests.support.made import incident
from tests.support.systems import FakeSource
from tests.usecases.test_sweeping import STREAM, quiet


def source_of(*numbers: int, hidden: int | None = 0) -> FakeSource:
    return FakeSource(STREAM, [incident(number, number) for number in numbers], hidden=hidden)


def polled(store: SqlStore, clock: FakeClock, source: FakeSource) -> Cycle:
    done = ingest(quiet(store, clock), source)
    assert done is not None
    return done.cycle


def test_a_poll_counts_there_and_here(store: SqlStore, clock: FakeClock) -> None:
    source = source_of(1, 2, 3)
    polled(store, clock, source_of(1, 2))
    cycle = polled(store, clock, replace(source, records=[*source.records]))
    assert (cycle.matched, cycle.rows, cycle.mirrored) == (1, 1, 1)
    assert statement(cycle) == "1 fit there, 1 read, 1 mirrored: none is missing"
    with store.read() as tx:
        assert tx.cursors.cycles(STREAM)[0] == cycle, "the statement is kept"


def test_rows_that_were_counted_and_not_shown_are_told_with_what_becomes_of_them(
    store: SqlStore, clock: FakeClock
) -> None:
    said = statement(polled(store, clock, source_of(1, 2, 3, hidden=2)))
    assert said.startswith("5 fit there, 3 read, 3 mirrored: 2 counted there, and not shown")
    assert said.endswith("the next reading looks again, the sweep gives an account")


def test_every_row_is_mirrored_set_aside_or_named_as_not_of_the_stream(store: SqlStore, clock: FakeClock) -> None:
    @dataclass
    class Wide(FakeSource):
        """Its system takes no notice of a part of the query: two rows more come with each page."""

        def read(self, cursor: Cursor) -> Iterator[Page]:
            for page in super().read(cursor):
                yield replace(page, counted=page.counted + 2)

    source = Wide(STREAM, [incident(1), incident(2)], unmapped=(Unmapped("sys3", "it has no title"),), hidden=3)
    cycle = polled(store, clock, source)
    assert cycle.rows == cycle.mirrored + cycle.unmapped + cycle.outside == 5
    expected = "1 set aside because they could not be taken; 2 not taken, as they are not of this stream"
    assert statement(cycle) == f"5 fit there, 5 read, 2 mirrored: {expected}"


def test_a_record_that_can_not_be_stored_is_in_the_statement_as_set_aside(store: SqlStore, clock: FakeClock) -> None:
    poison = replace(incident(2, 2), extra={"table": object()})  # type: ignore[dict-item]
    source = source_of(1)
    source.records.append(poison)
    assert statement(polled(store, clock, source)) == (
        "2 fit there, 2 read, 1 mirrored: 1 set aside because they could not be taken"
    )


def test_rows_that_move_while_they_are_read_are_more_than_were_counted(store: SqlStore, clock: FakeClock) -> None:
    source = source_of(1, 2, 3, hidden=-1)
    assert "1 more than were counted, changed while they were read" in statement(polled(store, clock, source))


def test_a_system_that_does_not_count_is_said_not_to_and_how_far_was_read(store: SqlStore, clock: FakeClock) -> None:
    source = source_of(1, 2, 3, hidden=None)
    said = statement(polled(store, clock, source))
    assert said == "3 read to the end in 2 calls; the system does not count them, 3 mirrored: none is missing"

    class Uncounted(FakeSource):
        def count(self) -> int | None:
            return None

    done = ingest(quiet(store, clock), Uncounted(STREAM, source.records), sweep=True)
    assert done is not None
    assert statement(done.cycle) == (
        "3 read to the end in 2 calls; the system does not count them, 3 mirrored: none is missing"
    )


def test_a_reading_that_broke_off_claims_nothing_about_what_it_did_not_reach(store: SqlStore, clock: FakeClock) -> None:
    source = source_of(1, 2, 3, hidden=40)
    source.trouble = Transient("servicenow", "no answer")
    assert statement(polled(store, clock, source)) == (
        "43 fit there, 3 read, 3 mirrored: not read to its end: the next reading goes on from the last page that was taken"
    )


def test_a_stream_that_was_not_due_says_so(store: SqlStore, clock: FakeClock) -> None:
    assert statement(polled(store, clock, source_of(hidden=None))) == "nothing was to be asked for yet"


def test_the_statement_of_a_poll_that_brought_something_is_in_the_log(store: SqlStore, clock: FakeClock) -> None:
    told: list[tuple[str, object]] = []

    class Log(SilentWitness):
        def noted(self, what: str, **fields: object) -> None:
            told.append((what, fields.get("statement")))

    loop, source = replace(quiet(store, clock), witness=Log()), source_of(1, 2)
    for _ in range(3):
        ingest(loop, source)
    assert told == [("stream read on", "2 fit there, 2 read, 2 mirrored: none is missing")]
