"""The use cases on a real store (SQLite and Postgres), with made-up systems whose own ledger judges."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from loopbot.domain.effects import OpenTicket
from loopbot.domain.errors import BrokenAnswer, Rejected, Transient, Trouble, Unauthorized, Uncertain
from loopbot.domain.receipts import Delivery, Receipt
from loopbot.domain.records import Involved, Link, Person, Problem, Ref
from loopbot.domain.rulebook import Rulebook
from loopbot.domain.rules import Match, Repeat, Rule
from loopbot.domain.speech import plain
from loopbot.ports import Cursor, Unmapped
from loopbot.store import SqlStore
from loopbot.usecases.deliver import deliver
from loopbot.usecases.ingest import ingest
from loopbot.usecases.listen import Conversation
from loopbot.usecases.loop import Loop
from loopbot.usecases.preview import preview, review
from loopbot.usecases.reconcile import reconcile
from loopbot.usecases.wake import wake
from tests.support.clock import FakeClock
from tests.support.made import at, deployment, incident, issue
from tests.support.ruling import NoteIt, OpenAndLink, TellReporter, When, rule
from tests.support.systems import FakeSink, FakeSource, throttled

STREAM = "servicenow:incident"


def loop_of(store: SqlStore, clock: FakeClock, *rules: Rule, holder: str = "one", **sinks: FakeSink) -> Loop:
    return Loop(store, Rulebook(rules or (rule(),)), sinks, clock, holder)  # type: ignore[arg-type]


def states(store: SqlStore) -> dict[str, int]:
    with store.read() as tx:
        return {state: count for (_, state), count in tx.outbox.counts().items()}


def test_what_is_read_is_mirrored_judged_and_delivered_once(store: SqlStore, clock: FakeClock) -> None:
    sink = FakeSink()
    loop = loop_of(store, clock, servicenow=sink)
    source = FakeSource(STREAM, [incident(number, number) for number in range(1, 6)])
    done = ingest(loop, source)
    assert done is not None
    assert (done.cycle.rows, done.cycle.new, done.planned) == (5, 5, 5)
    deliver(loop, "servicenow")
    ingest(loop, FakeSource(STREAM, [*source.records, *source.records]))
    deliver(loop, "servicenow")
    assert len(sink.ledger) == 5


def test_the_preview_names_exactly_what_the_live_run_does_and_leaves_no_trace(
    store: SqlStore, clock: FakeClock
) -> None:
    sink = FakeSink()
    loop = loop_of(store, clock, servicenow=sink)
    source = FakeSource(STREAM, [incident(number, number) for number in range(1, 4)])
    foreseen = {effect.key for one in preview(loop, [source]).enacted for effect in one.new}
    assert not states(store)
    ingest(loop, source)
    deliver(loop, "servicenow")
    assert {delivery.effect.key for delivery in sink.ledger} == foreseen
    assert not [effect for one in review(loop) for effect in one.new]


def test_a_lost_answer_is_looked_for_and_never_sent_again(store: SqlStore, clock: FakeClock) -> None:
    sink = FakeSink(lost={1})
    loop = loop_of(store, clock, servicenow=sink)
    ingest(loop, FakeSource(STREAM, [incident()]))
    assert deliver(loop, "servicenow").uncertain == 1
    assert reconcile(loop, "servicenow").found == 0, "the first look waits: the write may still be on its way"
    clock.sleep(31)
    assert reconcile(loop, "servicenow").found == 1
    deliver(loop, "servicenow")
    assert len(sink.ledger) == 1
    assert states(store) == {"settled": 1}


def test_an_answer_lost_before_the_act_is_sent_again_once_it_is_certainly_not_there(
    store: SqlStore, clock: FakeClock
) -> None:
    sink = FakeSink(mishaps={1: lambda: Uncertain("servicenow", "the connection broke")})
    loop = loop_of(store, clock, servicenow=sink)
    ingest(loop, FakeSource(STREAM, [incident()]))
    deliver(loop, "servicenow")
    clock.sleep(31)
    assert reconcile(loop, "servicenow").absent == 0, "it may still arrive"
    clock.sleep(30)
    assert reconcile(loop, "servicenow").absent == 1
    deliver(loop, "servicenow")
    assert len(sink.ledger) == 1


def test_what_nobody_can_know_waits_for_a_person(store: SqlStore, clock: FakeClock) -> None:
    sink = FakeSink(lost={1}, blind=True)
    loop = loop_of(store, clock, servicenow=sink)
    ingest(loop, FakeSource(STREAM, [incident()]))
    deliver(loop, "servicenow")
    clock.sleep(3600)
    assert reconcile(loop, "servicenow").unknowable == 1
    clock.sleep(3600)
    assert reconcile(loop, "servicenow").unknowable == 0, "it is not asked again and again"
    with store.write() as tx:
        (row,) = tx.outbox.rows({"uncertain"})
        assert row.why
        assert tx.outbox.confirm(row.effect.key, "seen it")
    deliver(loop, "servicenow")
    assert len(sink.ledger) == 1


def test_a_process_that_dies_while_sending_leaves_an_uncertain_effect_not_a_second_one(
    store: SqlStore, clock: FakeClock
) -> None:
    sink = FakeSink()
    loop = loop_of(store, clock, servicenow=sink)
    ingest(loop, FakeSource(STREAM, [incident()]))
    with store.write() as tx:
        claimed = tx.outbox.claim("servicenow", "the one that dies", 180, 10)
    sink.apply(claimed)
    clock.sleep(200)
    after = loop_of(store, clock, servicenow=sink, holder="the next one")
    deliver(after, "servicenow")
    assert len(sink.ledger) == 1, "it was sent, so it is not sent again"
    reconcile(after, "servicenow")
    assert states(store) == {"settled": 1}


def test_a_late_answer_of_a_fenced_off_worker_changes_nothing(store: SqlStore, clock: FakeClock) -> None:
    loop = loop_of(store, clock, servicenow=FakeSink())
    ingest(loop, FakeSource(STREAM, [incident()]))
    with store.write() as tx:
        (delivery,) = tx.outbox.claim("servicenow", "paused", 10, 10)
    clock.sleep(11)
    with store.write() as tx:
        tx.outbox.abandon()
        assert not tx.outbox.fail("paused", delivery, "planned", "woke up", tx.now())
    assert states(store) == {"uncertain": 1}


def test_a_throttled_system_is_left_alone_for_as_long_as_it_asks(store: SqlStore, clock: FakeClock) -> None:
    sink = FakeSink(mishaps={1: throttled})
    loop = loop_of(store, clock, servicenow=sink)
    ingest(loop, FakeSource(STREAM, [incident()]))
    assert deliver(loop, "servicenow").pause == pytest.approx(7)
    deliver(loop, "servicenow")
    assert sink.calls == 1
    clock.sleep(8)
    deliver(loop, "servicenow")
    assert len(sink.ledger) == 1


def test_what_is_refused_is_parked_with_the_reason_and_the_others_go_on(store: SqlStore, clock: FakeClock) -> None:
    sink = FakeSink(mishaps={1: lambda: Rejected("servicenow", "the state can not be set", "possible: resolved")})
    loop = loop_of(store, clock, servicenow=sink)
    ingest(loop, FakeSource(STREAM, [incident(1), incident(2)]))
    deliver(loop, "servicenow")
    assert states(store) == {"parked": 1, "settled": 1}
    with store.read() as tx:
        assert "possible: resolved" in tx.outbox.rows({"parked"})[0].why


def test_credentials_that_are_not_accepted_pause_the_system_without_a_storm(store: SqlStore, clock: FakeClock) -> None:
    sink = FakeSink(mishaps={number: lambda: Unauthorized("servicenow", "401") for number in range(1, 100)}, batch=1)
    loop = loop_of(store, clock, servicenow=sink)
    ingest(loop, FakeSource(STREAM, [incident(number) for number in range(1, 20)]))
    assert deliver(loop, "servicenow").pause == pytest.approx(300)
    assert sink.calls == 1


def test_a_page_too_long_to_be_judged_at_once_is_taken_whole_all_the_same(store: SqlStore, clock: FakeClock) -> None:
    sink = FakeSink()
    loop = loop_of(store, clock, servicenow=sink)
    done = ingest(loop, FakeSource(STREAM, [incident(number, number) for number in range(1, 602)], size=1000))
    assert done is not None
    assert (done.cycle.rows, done.cycle.new) == (601, 601)
    assert done.planned == 100, "the limit of the rule holds over the whole page"
    with store.read() as tx:
        assert tx.mirror.count("servicenow", "incident") == 601
        assert tx.cursors.get(STREAM) == Cursor("601")


def test_a_failing_stream_keeps_its_good_pages_and_its_cursor(store: SqlStore, clock: FakeClock) -> None:
    loop = loop_of(store, clock, servicenow=FakeSink())
    source = FakeSource(
        STREAM, [incident(number, number) for number in range(1, 4)], trouble=BrokenAnswer("servicenow", "HTML")
    )
    done = ingest(loop, source)
    assert done is not None
    assert done.trouble is not None
    with store.read() as tx:
        assert tx.cursors.get(STREAM) == Cursor("3")
        assert tx.cursors.cycles(STREAM)[0].trouble == "servicenow: HTML"
        assert tx.mirror.count("servicenow", "incident") == 3


def test_a_row_that_can_not_be_mapped_is_set_aside_and_released_when_it_can(store: SqlStore, clock: FakeClock) -> None:
    loop = loop_of(store, clock, servicenow=FakeSink())
    ingest(loop, FakeSource(STREAM, [incident(1)], unmapped=(Unmapped("sys2", "sys_updated_on is not a time"),)))
    with store.read() as tx:
        assert [one.ident for one in tx.quarantined()] == ["sys2"]
    ingest(loop, FakeSource(STREAM, [incident(1), incident(2, 1)]))
    with store.read() as tx:
        assert not tx.quarantined()


def test_a_rule_that_fails_on_one_record_stops_neither_the_others_nor_other_rules(
    store: SqlStore, clock: FakeClock
) -> None:
    def explode(scope: Any) -> bool:
        if scope.it.key.endswith("2"):
            raise ZeroDivisionError
        return True

    sink = FakeSink()
    loop = loop_of(store, clock, rule("bad", when=When(explode)), rule("good"), servicenow=sink)
    ingest(loop, FakeSource(STREAM, [incident(number) for number in (1, 2, 3)]))
    deliver(loop, "servicenow")
    assert len(sink.ledger) == 5
    with store.read() as tx:
        (aside,) = tx.quarantined()
    assert aside.where == "rule:bad"
    assert "ZeroDivisionError" in aside.why


def test_a_rule_over_its_limit_holds_the_rest_for_a_person(store: SqlStore, clock: FakeClock) -> None:
    sink = FakeSink()
    loop = loop_of(store, clock, rule(limit=3), servicenow=sink)
    ingest(loop, FakeSource(STREAM, [incident(number) for number in range(1, 8)]))
    deliver(loop, "servicenow")
    assert len(sink.ledger) == 3
    assert states(store) == {"settled": 3, "held": 4}


def test_a_shadow_rule_shows_what_it_would_do_and_does_nothing(store: SqlStore, clock: FakeClock) -> None:
    sink = FakeSink()
    loop = loop_of(store, clock, rule(mode="shadow"), servicenow=sink)
    ingest(loop, FakeSource(STREAM, [incident()]))
    deliver(loop, "servicenow")
    assert not sink.ledger
    assert states(store) == {"shadow": 1}


def test_two_readers_of_one_stream_do_not_read_it_twice(store: SqlStore, clock: FakeClock) -> None:
    loop = loop_of(store, clock)
    with store.write() as tx:
        assert tx.leases.take(f"poll:{STREAM}", "another", 60)
    assert ingest(loop, FakeSource(STREAM, [incident()])) is None
    clock.sleep(61)
    assert ingest(loop, FakeSource(STREAM, [incident()])) is not None


def test_a_timer_survives_and_wakes_its_rule_when_it_is_due(store: SqlStore, clock: FakeClock) -> None:
    sink = FakeSink()
    loop = loop_of(store, clock, rule(settle=timedelta(minutes=10)), servicenow=sink)
    ingest(loop, FakeSource(STREAM, [incident(opened_at=clock.now())]))
    wake(loop)
    assert not states(store)
    clock.sleep(601)
    wake(loop)
    deliver(loop, "servicenow")
    assert len(sink.ledger) == 1


def test_a_fourth_ticket_joins_the_problem_whose_number_is_not_known_yet(store: SqlStore, clock: FakeClock) -> None:
    sink = FakeSink()
    promote = rule(
        "promote", repeat=Repeat(at_least=3, within=timedelta(days=1), same_service=False), then=(OpenAndLink(),)
    )
    loop = loop_of(store, clock, promote, servicenow=sink)
    ingest(loop, FakeSource(STREAM, [incident(number, number) for number in (1, 2, 3)]))
    ingest(loop, FakeSource(STREAM, [incident(number, number) for number in (1, 2, 3, 4)], size=10))
    deliver(loop, "servicenow")
    assert len(sink.ledger) == 1, "one problem"
    with store.read() as tx:
        ends = {
            link.target.key for link in tx.links.of(Ref("servicenow", "made", f"M-{sink.ledger[0].effect.key[:6]}"))
        }
    assert ends == {f"INC000000{number}" for number in (1, 2, 3, 4)}


def test_each_of_a_storm_joins_the_one_problem(store: SqlStore, clock: FakeClock) -> None:
    sink = FakeSink()
    repeat = Repeat(at_least=3, within=timedelta(hours=5), same_service=False)
    promote = rule("promote", repeat=repeat, then=(OpenAndLink(),), limit=10_000)
    loop = loop_of(store, clock, promote, servicenow=sink)
    for _ in range(2):
        ingest(loop, FakeSource(STREAM, [incident(number, number) for number in range(1, 121)], size=40))
        deliver(loop, "servicenow")
    assert len(sink.ledger) == 1, "one problem"
    with store.read() as tx:
        made = Ref("servicenow", "made", f"M-{sink.ledger[0].effect.key[:6]}")
        assert {link.target.key for link in tx.links.of(made)} == {f"INC{number:07}" for number in range(1, 121)}


def test_an_issue_learns_where_it_is_deployed_and_where_it_was_taken_away_again(
    store: SqlStore, clock: FakeClock
) -> None:
    loop = loop_of(store, clock)
    item = issue()
    out = deployment(1, 5, environment="production", finished_at=at(5))
    back = deployment(2, 9, environment="production", finished_at=at(9))
    ingest(loop, FakeSource("jira:issue", [item]))
    for one, relation, expected in ((out, "delivers", {"production"}), (back, "withdraws", set())):
        said = replace(one, links=(Link(one.ref, relation, item.ref),))  # type: ignore[arg-type]
        ingest(loop, FakeSource(f"github:{relation}", [said]))
        with store.read() as tx:
            known = tx.record(item.ref)
        assert known is not None
        assert known.deployed_to == expected  # type: ignore[attr-defined]


def test_a_link_made_later_wakes_the_rules_that_follow_it(store: SqlStore, clock: FakeClock) -> None:
    sink = FakeSink("slack")
    mara = Person("servicenow", "mara", "Mara", "mara@northwind.example")
    said = incident(people=(Involved("reporter", mara),))
    item, out = issue(), deployment(environment="production")
    telling = rule("tell", match=Match(kind="deployment", through=("fixes", "delivers")), then=(TellReporter(),))
    loop = loop_of(store, clock, telling, slack=sink)
    ingest(loop, FakeSource(STREAM, [said]))
    ingest(loop, FakeSource("github:deployment", [replace(out, links=(Link(out.ref, "delivers", item.ref),))]))
    ingest(loop, FakeSource("jira:issue", [replace(item, links=(Link(item.ref, "fixes", said.ref),))]))
    deliver(loop, "slack")
    assert [delivery.effect.person.name for delivery in sink.ledger] == ["Mara"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("answer", ["comes late", "is lost"])
def test_a_ticket_that_a_poll_brings_before_its_answer_is_noted_is_linked_all_the_same(
    store: SqlStore, clock: FakeClock, answer: str
) -> None:
    made = Problem(
        ref=Ref("servicenow", "problem", "PRB1"), ident="p1", title="again", state="resolved", updated_at=at(2)
    )

    class Slow(FakeSink):
        def _one(self, delivery: Delivery) -> Receipt | Trouble:
            if isinstance(delivery.effect, OpenTicket):
                ingest(replace(loop, holder="two"), FakeSource("servicenow:problem", [made]))
            return super()._one(delivery)

        def _receipt(self, delivery: Delivery) -> Receipt:
            opened = isinstance(delivery.effect, OpenTicket)
            return Receipt(delivery.effect.key, made.ref) if opened else super()._receipt(delivery)

    opening = rule("again", then=(OpenAndLink(),))
    resolved = When(lambda scope: scope.other is not None and scope.other.state == "resolved")
    noting = rule("noting", match=Match(kind="problem", through=("problem_of",), where=resolved), then=(NoteIt(),))
    sink = Slow(lost={1} if answer == "is lost" else set())
    loop = loop_of(store, clock, opening, noting, servicenow=sink)
    ingest(loop, FakeSource(STREAM, [incident(1)]))
    deliver(loop, "servicenow")
    clock.sleep(120)
    reconcile(loop, "servicenow")
    deliver(loop, "servicenow")
    assert [delivery.effect.verb for delivery in sink.ledger] == ["open", "comment"]


def test_an_answer_is_noted_once_however_often_the_button_is_pressed(store: SqlStore, clock: FakeClock) -> None:
    sink = FakeSink("slack")
    mara = Person("slack", "U1", "Mara")
    loop = loop_of(store, clock, rule(then=(TellReporter(),)), slack=sink)
    ingest(loop, FakeSource(STREAM, [incident(people=(Involved("reporter", mara),))]))
    deliver(loop, "slack")
    key = sink.ledger[0].effect.key
    first, second = (plain(Conversation(loop).answer(mara, key, "yes")) for _ in range(2))
    assert first == second
    with store.read() as tx:
        noted = [entry for entry in tx.journal_of(incident().ref) if entry.what == "answered: yes"]
    assert len(noted) == 1


def test_a_system_that_throttles_one_record_does_not_pause_the_others(store: SqlStore, clock: FakeClock) -> None:
    sink = FakeSink(mishaps={1: lambda: Transient("servicenow", "this issue is busy", after=60, scope="item")})
    loop = loop_of(store, clock, rule(then=(NoteIt(),)), servicenow=sink)
    ingest(loop, FakeSource(STREAM, [incident(1), incident(2)]))
    assert not deliver(loop, "servicenow").pause
    assert len(sink.ledger) == 1


def test_a_sink_with_a_defect_leaves_nothing_counted_as_undone(store: SqlStore, clock: FakeClock) -> None:
    class Broken(FakeSink):
        def apply(self, deliveries: Any) -> Any:
            super().apply(deliveries)
            raise RuntimeError("a defect")

    sink = Broken()
    loop = loop_of(store, clock, servicenow=sink)
    ingest(loop, FakeSource(STREAM, [incident()]))
    assert deliver(loop, "servicenow").uncertain == 1
    clock.sleep(31)
    assert reconcile(loop, "servicenow").found == 1
    assert len(sink.ledger) == 1
