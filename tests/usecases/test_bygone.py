"""What was over before loopbot came is known and compared with, and no rule acts on it by itself."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from loopbot.domain.records import Change, Incident, Involved, Link, Person, Record, Ref
from loopbot.domain.rulebook import Rulebook
from loopbot.domain.rules import Match, Rule
from loopbot.store import SqlStore
from loopbot.usecases.deliver import deliver
from loopbot.usecases.ingest import Ingested, ingest
from loopbot.usecases.loop import Loop
from loopbot.usecases.preview import preview
from loopbot.usecases.statements import statement
from tests.support.clock import FakeClock
from tests.support.made import at, deployment, incident, issue
from tests.support.ruling import TellReporter, rule
from tests.support.systems import FakeSink, FakeSource

STREAM = "servicenow:incident"
DAY = 24 * 60
"""Minutes."""
MARA = Person("servicenow", "mara", "Mara", "mara@northwind.example")


def loop_of(store: SqlStore, clock: FakeClock, *rules: Rule, **sinks: FakeSink) -> Loop:
    return Loop(store, Rulebook(rules or (rule(),)), sinks, clock, "one")  # type: ignore[arg-type]


def read(loop: Loop, *records: Record, stream: str = STREAM) -> Ingested:
    done = ingest(loop, FakeSource(stream, list(records)))
    assert done is not None
    return done


def closed(number: int, days_ago: float, **more: Any) -> Incident:
    return incident(number, -days_ago * DAY, state="closed", **more)


def planned_for(store: SqlStore) -> list[str]:
    with store.read() as tx:
        return sorted(row.effect.cause.subject.key for row in tx.outbox.rows({"planned", "settled"}))


def test_of_years_of_tickets_only_what_is_open_or_was_over_lately_is_acted_on(
    store: SqlStore, clock: FakeClock
) -> None:
    loop = loop_of(store, clock)
    old = [closed(number, 30 * number) for number in range(1, 6)]
    done = read(loop, *old, closed(6, 0.9), incident(7, -400 * DAY), incident(8, -1))
    assert planned_for(store) == ["INC0000006", "INC0000007", "INC0000008"]
    assert (done.cycle.new, done.cycle.history) == (8, 5)
    assert "(5 over before loopbot came: known, and not acted on)" in statement(done.cycle)
    with store.read() as tx:
        assert all(tx.mirror.get(one.ref) == one for one in old), "they are mirrored as any other"


def test_a_preview_names_what_the_first_reading_does_and_how_much_is_history(store: SqlStore, clock: FakeClock) -> None:
    loop = loop_of(store, clock)
    source = FakeSource(STREAM, [closed(1, 30), closed(2, 2), incident(3)])
    foreseen = preview(loop, [source])
    ingest(loop, source)
    assert [one.plan.subject.key for one in foreseen.enacted if one.new] == planned_for(store) == ["INC0000003"]
    assert foreseen.history == 2


@pytest.mark.parametrize(
    "old",
    [
        closed(1, 0, resolved_at=at(-90 * DAY)),
        incident(1, 0, state="cancelled", closed_at=at(-90 * DAY)),
        issue(1, 0, state="done", resolved_at=at(-90 * DAY)),
        deployment(1, 0, finished_at=at(-90 * DAY)),
        Change(
            ref=Ref("servicenow", "change", "CHG1"),
            ident="c1",
            title="a switch",
            state="closed",
            updated_at=at(0),
            finished_at=at(-90 * DAY),
        ),
    ],
    ids=lambda one: f"{one.kind}, {one.state}",
)
def test_what_somebody_tidied_up_yesterday_was_over_when_it_ended(
    store: SqlStore, clock: FakeClock, old: Record
) -> None:
    loop = loop_of(store, clock, rule(on=frozenset({old.kind})))
    assert read(loop, old, stream=f"{old.ref.system}:{old.kind}").cycle.history == 1
    assert planned_for(store) == []


def test_what_happens_to_it_from_then_on_is_news(store: SqlStore, clock: FakeClock) -> None:
    loop = loop_of(store, clock)
    read(loop, closed(1, 30), closed(2, 30))
    clock.sleep(60)
    read(loop, closed(1, 30), closed(2, 30), replace(closed(1, 30), state="in_progress", updated_at=at(1)))
    assert planned_for(store) == ["INC0000001"]


def test_what_comes_and_goes_while_nothing_is_read_is_acted_on_however_long_that_lasts(
    store: SqlStore, clock: FakeClock
) -> None:
    loop = loop_of(store, clock)
    read(loop, incident(1))
    clock.sleep(30 * 86_400)
    done = read(loop, incident(1), replace(closed(2, 0), updated_at=at(5 * DAY)))
    assert planned_for(store) == ["INC0000001", "INC0000002"]
    assert done.cycle.history == 0


def test_a_team_may_have_all_of_its_history_acted_on(store: SqlStore, clock: FakeClock) -> None:
    loop = replace(loop_of(store, clock), looks_back=timedelta(days=36_500))
    read(loop, closed(1, 700), closed(2, 3))
    assert planned_for(store) == ["INC0000001", "INC0000002"]


def _telling() -> Rule:
    return rule("tell", match=Match(kind="deployment", through=("fixes", "delivers")), then=(TellReporter(),))


def _heard(number: int, days_ago: float) -> Incident:
    return closed(number, days_ago, people=(Involved("reporter", MARA),))


def test_nobody_is_told_on_the_first_day_of_what_was_deployed_long_ago(store: SqlStore, clock: FakeClock) -> None:
    """Whatever comes first: also an item that somebody has just commented on, and that names an old report."""
    sink = FakeSink(system="slack")
    loop = loop_of(store, clock, _telling(), slack=sink)
    said, item, out = _heard(1, 20), issue(state="done"), deployment(1, -19 * DAY, environment="production")
    read(loop, replace(out, links=(Link(out.ref, "delivers", item.ref),)), stream="github:deployment")
    read(loop, said)
    read(loop, replace(item, links=(Link(item.ref, "fixes", said.ref),)), stream="jira:issue")
    deliver(loop, "slack")
    assert sink.ledger == []
    with store.read() as tx:
        known = tx.mirror.get(item.ref)
        assert known is not None
        assert known.deployed_to == {"production"}, "where it is deployed is known all the same"  # type: ignore[attr-defined]


def test_whoever_reported_long_ago_is_told_when_it_is_fixed_today(store: SqlStore, clock: FakeClock) -> None:
    sink = FakeSink(system="slack")
    loop = loop_of(store, clock, _telling(), slack=sink)
    said, item, out = _heard(1, 400), issue(state="in_review"), deployment(1, 5, environment="production")
    read(loop, said)
    read(loop, replace(item, links=(Link(item.ref, "fixes", said.ref),)), stream="jira:issue")
    clock.sleep(600)
    read(loop, replace(out, links=(Link(out.ref, "delivers", item.ref),)), stream="github:deployment")
    deliver(loop, "slack")
    assert [delivery.effect.person.name for delivery in sink.ledger] == ["Mara"]  # type: ignore[attr-defined]
