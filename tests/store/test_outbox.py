from datetime import UTC, datetime, timedelta

import pytest

from loopbot.domain.effects import Effect, SetFields
from loopbot.domain.pending import pending_ref
from loopbot.domain.receipts import Delivery, Receipt
from loopbot.domain.records import Ref
from loopbot.ports import EffectState, OutboxRow
from loopbot.store import SqlStore
from tests.support.clock import FakeClock
from tests.support.made import cause, comment, comment_naming, incident, link, link_to, post, ticket

LOOP_1 = Ref("jira", "issue", "LOOP-1")


def plan(store: SqlStore, *effects: Effect, state: EffectState = "planned") -> list[bool]:
    with store.write() as tx:
        return [flag for _, flag in tx.outbox.plan(effects, state)]


def claim(store: SqlStore, system: str = "servicenow", holder: str = "one", limit: int = 10) -> list[Delivery]:
    with store.write() as tx:
        return tx.outbox.claim(system, holder, 60, limit)


def settle(store: SqlStore, delivery: Delivery, ref: Ref = LOOP_1, holder: str = "one") -> bool:
    with store.write() as tx:
        return tx.outbox.settle(holder, delivery, Receipt(delivery.effect.key, ref, "10001"))


def fail(store: SqlStore, delivery: Delivery, state: EffectState, minutes: float = 0, holder: str = "one") -> bool:
    with store.write() as tx:
        return tx.outbox.fail(holder, delivery, state, "it said no", tx.now() + timedelta(minutes=minutes))


def row(store: SqlStore, effect: Effect) -> OutboxRow:
    with store.read() as tx:
        found = tx.outbox.get(effect.key)
    assert found is not None
    return found


def sent(deliveries: list[Delivery]) -> list[Effect]:
    return [delivery.effect for delivery in deliveries]


def test_an_effect_is_planned_once_however_often_a_rule_asks(store: SqlStore) -> None:
    assert plan(store, comment(), comment(), comment(2)) == [True, False, True]
    assert plan(store, comment(text="other words")) == [False]
    assert row(store, comment()).effect == comment()


def test_what_was_sent_is_never_sent_again_whatever_it_would_say_today(store: SqlStore) -> None:
    plan(store, comment())
    (delivery,) = claim(store)
    assert (delivery.attempt, delivery.effect, delivery.receipt) == (1, comment(), None)
    assert settle(store, delivery)
    assert plan(store, comment(text="other words")) == [False]
    assert claim(store) == []
    settled = row(store, comment())
    assert (settled.state, settled.attempt, settled.receipt) == ("settled", 1, Receipt(comment().key, LOOP_1, "10001"))


def test_a_lane_goes_one_at_a_time_and_in_order(store: SqlStore) -> None:
    first, second, other = comment(1, "a"), comment(1, "b"), comment(2, "a")
    plan(store, first, second, other)
    deliveries = claim(store)
    assert sent(deliveries) == [first, other]
    assert claim(store) == []
    settle(store, deliveries[0])
    assert sent(claim(store)) == [second]


def test_claims_take_no_more_than_asked_and_only_of_that_system(store: SqlStore) -> None:
    plan(store, *(comment(number) for number in range(5)), post("hello"))
    assert len(claim(store, limit=2)) == 2
    assert len(claim(store, limit=9)) == 3
    assert sent(claim(store, "slack")) == [post("hello")]


@pytest.mark.parametrize("state", ["planned", "uncertain"])
def test_a_lane_stays_shut_behind_what_is_not_certain(store: SqlStore, state: EffectState) -> None:
    plan(store, comment(1, "a"), comment(1, "b"))
    fail(store, claim(store)[0], state, minutes=5)
    assert claim(store) == []


@pytest.mark.parametrize("state", ["parked", "held", "dropped"])
def test_a_lane_goes_on_past_what_waits_for_a_person(store: SqlStore, state: EffectState) -> None:
    plan(store, comment(1, "a"), comment(1, "b"))
    fail(store, claim(store)[0], state)
    assert sent(claim(store)) == [comment(1, "b")]


def test_a_retried_effect_waits_for_the_one_of_its_lane_that_is_on_its_way(store: SqlStore) -> None:
    plan(store, comment(1, "a"), comment(1, "b"))
    fail(store, claim(store)[0], "parked")
    (later,) = claim(store)
    with store.write() as tx:
        assert tx.outbox.retry(comment(1, "a").key, "Anna")
    assert claim(store) == []
    settle(store, later)
    assert sent(claim(store)) == [comment(1, "a")]


def test_an_effect_is_not_claimed_before_it_is_due(store: SqlStore, clock: FakeClock) -> None:
    plan(store, comment())
    fail(store, claim(store)[0], "planned", minutes=5)
    clock.sleep(299)
    assert claim(store) == []
    clock.sleep(1)
    (delivery,) = claim(store)
    assert delivery.attempt == 2
    assert delivery.sent_at == clock.now() - timedelta(minutes=5)


def test_what_names_a_ticket_waits_until_it_is_open_and_then_names_it(store: SqlStore) -> None:
    opens = ticket()
    plan(store, link_to(opens), comment_naming(opens, 2), opens)
    assert claim(store) == []
    assert row(store, link_to(opens)).waits_for == (opens.key,)
    (opening,) = claim(store, "jira")
    settle(store, opening)
    linking, naming = claim(store)
    assert linking.effect.mentions == (cause().subject, LOOP_1)
    assert "It is LOOP-1 now." in str(naming.effect)
    assert linking.effect.key == link_to(opens).key
    assert row(store, link_to(opens)).waits_for == ()


def test_what_names_a_ticket_that_is_open_already_goes_at_once(store: SqlStore) -> None:
    opens = ticket()
    plan(store, opens)
    settle(store, claim(store, "jira")[0])
    plan(store, link_to(opens))
    assert claim(store)[0].effect.mentions == (cause().subject, LOOP_1)


@pytest.mark.parametrize("state", ["parked", "dropped"])
def test_what_needs_a_ticket_that_was_refused_waits_and_says_for_what(store: SqlStore, state: EffectState) -> None:
    opens = ticket()
    plan(store, opens, link_to(opens))
    fail(store, claim(store, "jira")[0], state)
    assert claim(store) == []
    assert row(store, link_to(opens)).waits_for == (opens.key,)
    with store.read() as tx:
        assert tx.outbox.rows(["planned"])[0].waits_for == (opens.key,)
        assert tx.outbox.next_due("servicenow") is None, "nothing is to be done until a person acts"


@pytest.mark.parametrize("state", ["parked", "dropped"])
def test_what_needs_a_ticket_that_was_refused_does_not_hold_up_what_comes_after_it(
    store: SqlStore, state: EffectState
) -> None:
    opens = ticket()
    plan(store, opens, comment_naming(opens, 1), comment(1, "later"))
    assert claim(store) == [], "the ticket may still be opened: the order is kept"
    fail(store, claim(store, "jira")[0], state)
    with store.read() as tx:
        assert tx.outbox.next_due("servicenow") is not None
    assert sent(claim(store)) == [comment(1, "later")]


def test_an_effect_that_needs_what_nobody_planned_is_a_mistake_and_nothing_is_entered(store: SqlStore) -> None:
    with pytest.raises(ValueError, match="which nobody planned"):
        plan(store, comment(3), link_to(ticket()))
    with store.read() as tx:
        assert tx.outbox.counts() == {}


def test_a_delivery_brings_the_records_it_acts_on(store: SqlStore) -> None:
    with store.write() as tx:
        tx.mirror.put([incident(1, version=4)])
    plan(store, comment(1), comment(2))
    known, unknown = claim(store)
    assert known.record(cause(1).subject) == incident(1, version=4)
    assert unknown.records == ()


def test_a_lost_holder_leaves_its_effects_uncertain_and_is_fenced_off(store: SqlStore, clock: FakeClock) -> None:
    plan(store, comment())
    (delivery,) = claim(store)
    with store.write() as tx:
        assert tx.outbox.abandon() == 0
    clock.sleep(61)
    with store.write() as tx:
        assert tx.outbox.abandon() == 1
    assert claim(store) == [], "what may have been sent is never sent again blindly"
    assert not settle(store, delivery)
    assert not fail(store, delivery, "planned")
    with store.read() as tx:
        (lost,) = tx.outbox.uncertain("servicenow", 10)
    assert (lost.effect, lost.attempt) == (comment(), 1)
    assert lost.sent_at == clock.now() - timedelta(seconds=61)
    assert "stopped before the answer came" in row(store, comment()).why


def test_a_delivery_says_when_it_was_first_sent_and_by_when_its_last_sending_had_begun(
    store: SqlStore, clock: FakeClock
) -> None:
    plan(store, comment())
    first = clock.now()
    for seconds in (10, 50):
        (delivery,) = claim(store)
        clock.sleep(seconds)
        fail(store, delivery, "uncertain")
        with store.read() as tx:
            (lost,) = tx.outbox.uncertain("servicenow", 10)
        assert (lost.sent_at, lost.lost_at) == (first, clock.now())
        with store.write() as tx:
            tx.outbox.found(lost, None, "not there", tx.now())


def test_who_died_while_sending_had_begun_before_its_time_ran_out(store: SqlStore, clock: FakeClock) -> None:
    plan(store, comment())
    claim(store)
    ran_out = clock.now() + timedelta(seconds=60)
    clock.sleep(600)
    with store.write() as tx:
        tx.outbox.abandon()
        (lost,) = tx.outbox.uncertain("servicenow", 10)
    assert lost.lost_at == ran_out


def test_a_clock_that_was_set_back_and_passes_the_time_of_a_sending_again_hides_it_from_nobody(
    store: SqlStore, clock: FakeClock
) -> None:
    plan(store, comment())
    (delivery,) = claim(store)
    fail(store, delivery, "uncertain")
    clock.jump(-7200)
    set_back = clock.now()
    with store.write() as tx:
        tx.outbox.abandon()
    clock.sleep(7300)
    with store.read() as tx:
        (lost,) = tx.outbox.uncertain("servicenow", 10)
    assert (lost.sent_at, lost.lost_at) == (set_back, set_back)


def test_who_is_alone_on_a_store_need_not_wait_until_the_time_of_a_dead_holder_runs_out(
    store: SqlStore, clock: FakeClock
) -> None:
    plan(store, comment())
    (delivery,) = claim(store)
    with store.write() as tx:
        assert tx.outbox.abandon(alone=True, look_in=30) == 1
    assert row(store, comment()).state == "uncertain"
    with store.read() as tx:
        assert tx.outbox.uncertain("servicenow", 10) == [], "the last write of a killed process may still be on its way"
    clock.sleep(31)
    with store.read() as tx:
        assert [one.effect for one in tx.outbox.uncertain("servicenow", 10)] == [comment()]
    assert not settle(store, delivery), "the dead holder is fenced off"
    assert claim(store) == []


def test_only_the_holder_of_this_very_attempt_settles_or_fails(store: SqlStore) -> None:
    plan(store, comment())
    (first,) = claim(store)
    assert not settle(store, first, holder="two")
    assert not fail(store, first, "parked", holder="two")
    fail(store, first, "planned")
    (second,) = claim(store)
    assert not settle(store, first)
    assert settle(store, second)
    assert not settle(store, second)
    assert not fail(store, second, "planned")
    assert row(store, comment()).state == "settled"


def test_an_uncertain_effect_that_is_there_settles_and_one_that_is_not_is_planned_again(store: SqlStore) -> None:
    plan(store, comment(1), comment(2))
    for delivery in claim(store):
        fail(store, delivery, "uncertain")
    with store.write() as tx:
        there, absent = tx.outbox.uncertain("servicenow", 10)
        tx.outbox.found(there, Receipt(there.effect.key, LOOP_1), "", tx.now())
        tx.outbox.found(absent, None, "it is not there", tx.now())
    assert row(store, comment(1)).state == "settled"
    (again,) = claim(store)
    assert (again.effect, again.attempt) == (comment(2), 2)
    with store.write() as tx:
        tx.outbox.found(absent, None, "says another host, late", tx.now())
    assert row(store, comment(2)).state == "sending"


def test_an_uncertain_effect_is_looked_for_when_due_or_never_by_itself(store: SqlStore, clock: FakeClock) -> None:
    plan(store, comment())
    (delivery,) = claim(store)
    fail(store, delivery, "uncertain")
    with store.write() as tx:
        tx.outbox.postpone(delivery, "the index lags", tx.now() + timedelta(minutes=5))
        assert tx.outbox.uncertain("servicenow", 10) == []
        assert tx.outbox.next_due("servicenow") == tx.now() + timedelta(minutes=5)
    clock.sleep(300)
    with store.write() as tx:
        assert len(tx.outbox.uncertain("servicenow", 10)) == 1
        tx.outbox.postpone(delivery, "a person must look", datetime.max)  # noqa: DTZ901
        assert tx.outbox.uncertain("servicenow", 10) == []
        assert tx.outbox.next_due("servicenow") is None
    assert row(store, comment()).due_at == datetime.max.replace(tzinfo=UTC)


def test_a_person_decides_about_an_uncertain_effect(store: SqlStore) -> None:
    plan(store, comment(1), comment(2), comment(3))
    for delivery in claim(store):
        fail(store, delivery, "uncertain")
    with store.write() as tx:
        assert tx.outbox.confirm(comment(1).key, "Anna: it is there")
        assert tx.outbox.retry(comment(2).key, "Anna: send it")
        assert tx.outbox.drop(comment(3).key, "Anna: leave it")
    assert sent(claim(store)) == [comment(2)]
    assert [row(store, comment(number)).state for number in (1, 2, 3)] == ["settled", "sending", "dropped"]
    assert row(store, comment(3)).why == "Anna: leave it"


def test_a_person_can_not_undo_what_is_done_or_under_way(store: SqlStore) -> None:
    plan(store, comment())
    (delivery,) = claim(store)
    for state in ("sending", "settled"):
        with store.write() as tx:
            key = comment().key
            assert [act(key, "") for act in (tx.outbox.retry, tx.outbox.confirm, tx.outbox.drop)] == [False] * 3
        assert row(store, comment()).state == state
        settle(store, delivery)


def test_a_shadow_effect_blocks_nothing_is_not_sent_and_is_sent_when_the_rule_goes_live(store: SqlStore) -> None:
    opens = ticket()
    assert plan(store, comment(1, "a"), opens, link_to(opens, 2), state="shadow") == [True, True, True]
    assert plan(store, comment(1, "a"), state="shadow") == [False]
    plan(store, comment(1, "b"))
    assert sent(claim(store)) == [comment(1, "b")]
    assert plan(store, comment(1, "a"), opens, link_to(opens, 2)) == [True, True, True]
    assert plan(store, comment(1, "a")) == [False]
    assert sent(claim(store, "jira")) == [opens]


def test_a_held_effect_waits_for_a_person(store: SqlStore) -> None:
    assert plan(store, comment(), state="held") == [True]
    assert plan(store, comment()) == [False]
    assert claim(store) == []
    with store.write() as tx:
        assert [one.state for one in tx.outbox.rows(["held"])] == ["held"]
        assert tx.outbox.retry(comment().key, "Anna")
    assert sent(claim(store)) == [comment()]


def test_a_message_kept_current_is_due_again_with_its_receipt_when_its_text_changed(store: SqlStore) -> None:
    stamp = Ref("slack", "message", "C1/17.2")
    plan(store, post("one broken"))
    settle(store, claim(store, "slack")[0], stamp)
    assert plan(store, post("one broken")) == [False]
    assert plan(store, post("two broken", channel="other")) == [True]
    assert plan(store, post("two broken")) == [False]
    (update,) = claim(store, "slack")
    assert update.effect == post("two broken"), "a message stays in its channel"
    assert update.receipt == Receipt(post("").key, stamp, "10001")
    settle(store, update, stamp)
    assert claim(store, "slack") == []
    with store.read() as tx:
        assert tx.outbox.counts() == {("slack", "settled"): 1}


def test_a_message_not_yet_sent_simply_says_the_newer_text(store: SqlStore) -> None:
    plan(store, post("one broken"))
    assert plan(store, post("two broken")) == [False]
    (delivery,) = claim(store, "slack")
    assert (delivery.effect, delivery.receipt) == (post("two broken"), None)


def test_a_text_that_changes_while_the_message_is_on_its_way_is_not_lost(store: SqlStore) -> None:
    plan(store, post("one broken"))
    (delivery,) = claim(store, "slack")
    assert plan(store, post("two broken")) == [True]
    settle(store, delivery)
    (update,) = claim(store, "slack")
    assert update.effect == post("two broken")
    assert update.receipt is not None
    settle(store, update)
    assert claim(store, "slack") == []


def test_an_ordinary_message_is_never_changed(store: SqlStore) -> None:
    plan(store, post("one broken", keep_current=False))
    settle(store, claim(store, "slack")[0])
    assert plan(store, post("two broken", keep_current=False)) == [False]
    assert claim(store, "slack") == []


def test_what_was_dropped_while_its_fate_was_unknown_is_looked_for_before_it_is_sent_after_all(store: SqlStore) -> None:
    plan(store, comment(1))
    (lost,) = claim(store)
    fail(store, lost, "uncertain")
    plan(store, comment(2))
    with store.write() as tx:
        for one in (comment(1), comment(2)):
            tx.outbox.drop(one.key, "taken back")
            assert tx.outbox.retry(one.key, "said again")
    assert row(store, comment(1)).state == "uncertain"
    assert row(store, comment(2)).state == "planned", "it was never sent"


def test_a_dropped_message_stays_dropped_whatever_its_text(store: SqlStore) -> None:
    plan(store, post("one broken"))
    with store.write() as tx:
        tx.outbox.drop(post("").key, "Anna")
    assert plan(store, post("two broken")) == [False]
    assert claim(store, "slack") == []


def test_effects_are_found_by_what_they_are_about_also_by_the_ticket_they_opened(store: SqlStore) -> None:
    opens = ticket(1)
    plan(store, opens, link_to(opens, 2), comment_naming(opens, 3), comment(4))
    settle(store, claim(store, "jira")[0])
    with store.read() as tx:
        assert [one.effect for one in tx.outbox.about(LOOP_1)] == [opens, link_to(opens, 2), comment_naming(opens, 3)]
        assert [one.effect for one in tx.outbox.about(cause(2).subject)] == [link_to(opens, 2)]
        assert tx.outbox.about(Ref("jira", "issue", "LOOP-9")) == []


def test_an_effect_is_found_by_the_beginning_of_its_key_if_it_is_the_only_one(store: SqlStore) -> None:
    plan(store, comment(1), comment(2))
    with store.read() as tx:
        found = tx.outbox.get(comment(1).key[:12])
        assert found is not None
        assert found.effect == comment(1)
        assert tx.outbox.get("") is None
        assert tx.outbox.get("f" * 32) is None


def test_the_open_ticket_takes_the_place_of_its_pending_ref_in_the_graph(store: SqlStore) -> None:
    opens = ticket()
    asked = link(cause().subject, "fixes", pending_ref(opens.key))
    plan(store, opens)
    with store.write() as tx:
        assert tx.links.put([asked]) == [asked]
        tx.links.put([link(cause().subject, "fixes", LOOP_1, "system:servicenow", 0.5)])
    settle(store, claim(store, "jira")[0])
    with store.write() as tx:
        assert tx.links.of(pending_ref(opens.key)) == []
        assert [each.by for each in tx.links.of(LOOP_1)] == ["system:servicenow"], "said twice, it is said once"
        assert tx.links.put([asked]) == [], "named again, it is known"


def test_the_limit_of_a_rule_counts_what_it_let_go(store: SqlStore, clock: FakeClock) -> None:
    plan(store, comment(1), comment(2, rule="other"))
    plan(store, comment(3), state="held")
    plan(store, comment(4), state="shadow")
    since = clock.now()
    clock.sleep(60)
    plan(store, comment(5))
    with store.read() as tx:
        assert tx.outbox.planned_since("made", since) == 2
        assert tx.outbox.planned_since("made", clock.now()) == 1
        assert tx.outbox.planned_since("nobody", since) == 0


def test_the_outbox_counts_by_system_and_state(store: SqlStore) -> None:
    plan(store, comment(1), comment(2), post("hello"))
    fail(store, claim(store, limit=1)[0], "parked")
    with store.read() as tx:
        assert tx.outbox.counts() == {
            ("servicenow", "parked"): 1,
            ("servicenow", "planned"): 1,
            ("slack", "planned"): 1,
        }
        assert [one.effect for one in tx.outbox.rows(system="servicenow", limit=1)] == [comment(2)]


def test_the_next_moment_to_look_is_when_something_can_be_done(store: SqlStore, clock: FakeClock) -> None:
    with store.read() as tx:
        assert tx.outbox.next_due("servicenow") is None
    plan(store, comment(1, "a"), comment(1, "b"))
    fail(store, claim(store)[0], "planned", minutes=7)
    with store.read() as tx:
        assert tx.outbox.next_due("servicenow") == clock.now() + timedelta(minutes=7), "b waits for a"
        assert tx.outbox.next_due("slack") is None


def test_an_effect_sent_before_the_clock_was_set_back_is_looked_for_from_now_on_not_from_the_future(
    store: SqlStore, clock: FakeClock
) -> None:
    plan(store, comment())
    (delivery,) = claim(store)
    assert fail(store, delivery, "uncertain", minutes=-120)
    clock.jump(-3600)
    with store.read() as tx:
        (lost,) = tx.outbox.uncertain("servicenow", 10)
    assert lost.sent_at == clock.now()


def shown(weight: float, *, keep_current: bool = True) -> SetFields:
    why = cause(1, "set")
    fields = (("weight", f"{weight:g}"),)
    return SetFields(
        system="jira", cause=why, target=why.subject, fields=fields, keep_current=keep_current, weight=weight
    )


def test_fields_that_are_kept_current_are_due_again_when_they_say_something_else(store: SqlStore) -> None:
    assert plan(store, shown(10)) == [True]
    settle(store, claim(store, "jira")[0])
    assert plan(store, shown(10)) == [False]
    assert plan(store, shown(20)) == [True]
    (delivery,) = claim(store, "jira")
    assert delivery.effect == shown(20)
    assert plan(store, shown(30)) == [True], "while it is on its way"
    settle(store, delivery)
    (again,) = claim(store, "jira")
    assert again.effect == shown(30)
    settle(store, again)
    assert claim(store, "jira") == []


def test_fields_that_are_set_once_are_never_written_again(store: SqlStore) -> None:
    plan(store, shown(10, keep_current=False))
    settle(store, claim(store, "jira")[0])
    assert plan(store, shown(20, keep_current=False)) == [False]
    assert claim(store, "jira") == []


def test_what_was_planned_last_under_an_identity_is_known_unless_it_was_dropped(store: SqlStore) -> None:
    plan(store, shown(10))
    plan(store, shown(20))
    with store.write() as tx:
        assert tx.planned(shown(0).key) == shown(20)
        assert tx.planned(shown(0).key[:8]) is None
        tx.outbox.drop(shown(0).key, "Anna")
        assert tx.planned(shown(0).key) is None
