from dataclasses import replace

import pytest

from loopbot.domain.records import Link, Ref
from loopbot.store import SqlStore
from tests.support.made import deployment, incident, issue, link

INC = incident().ref
CHANGE = Ref("servicenow", "change", "CHG0000031")
RULE = link(INC, "caused_by", CHANGE, "rule:suspect", 0.8, "same service")
SURER = replace(RULE, confidence=0.9, because="same service, same words", by="rule:other")
SYSTEM = replace(RULE, confidence=0.5, because="the field caused_by", by="system:servicenow")
PERSON = replace(RULE, confidence=0.4, because="I was there", by="person:anna")


def links_of(store: SqlStore, ref: Ref = INC) -> list[Link]:
    with store.read() as tx:
        return tx.links.of(ref)


def put(store: SqlStore, *links: Link) -> list[Link]:
    with store.write() as tx:
        return tx.links.put(links)


def test_a_link_is_seen_from_both_ends_and_is_new_once(store: SqlStore) -> None:
    assert put(store, RULE) == [RULE]
    assert put(store, RULE) == []
    assert links_of(store, INC) == links_of(store, CHANGE) == [RULE]
    with store.read() as tx:
        assert tx.linked(INC, "caused_by") == [RULE]
        assert tx.linked(INC, "fixes") == []


def test_what_caused_any_of_some_incidents_is_asked_for_at_once(store: SqlStore) -> None:
    two, three = incident(2).ref, incident(3).ref
    second = replace(PERSON, source=two)
    put(store, RULE, second, replace(RULE, source=three), link(INC, "duplicates", two))
    with store.write() as tx:
        tx.links.reject(three, "caused_by", CHANGE, "person:anna")
        assert tx.causes([INC, two, three, CHANGE]) == [RULE, second]
        assert tx.causes([two]) == [second]
        assert tx.causes([]) == []


@pytest.mark.parametrize(
    ("first", "second", "stands"),
    [
        (RULE, SURER, SURER),
        (SURER, RULE, SURER),
        (RULE, SYSTEM, RULE),  # most likely an echo of what the rule wrote: its reason is worth more
        (SYSTEM, RULE, SYSTEM),
        (SYSTEM, replace(SYSTEM, because="said anew"), replace(SYSTEM, because="said anew")),
        (SYSTEM, PERSON, PERSON),
        (PERSON, SYSTEM, PERSON),
        (PERSON, SURER, PERSON),
        (PERSON, replace(PERSON, by="person:ben"), replace(PERSON, by="person:ben")),
    ],
)
def test_a_person_outranks_a_system_and_that_a_rule_and_of_rules_the_surer(
    store: SqlStore, first: Link, second: Link, stands: Link
) -> None:
    put(store, first)
    assert put(store, second) == [], "it is no new link"
    assert links_of(store) == [stands]


def test_of_two_opinions_in_one_call_the_weightier_stands(store: SqlStore) -> None:
    assert put(store, SURER, SYSTEM, RULE) == [SYSTEM]
    assert links_of(store) == [SYSTEM]


@pytest.mark.parametrize("opinion", [SURER, SYSTEM])
def test_a_rejection_stays_said(store: SqlStore, opinion: Link) -> None:
    put(store, RULE)
    with store.write() as tx:
        tx.links.reject(INC, "caused_by", CHANGE, "person:anna")
    assert links_of(store) == links_of(store, CHANGE) == []
    assert put(store, opinion) == []
    assert links_of(store) == []


def test_what_was_never_linked_can_be_rejected_in_advance(store: SqlStore) -> None:
    with store.write() as tx:
        tx.links.reject(INC, "caused_by", CHANGE, "person:anna")
    assert put(store, SURER) == []


def test_a_person_may_take_back_a_rejection(store: SqlStore) -> None:
    with store.write() as tx:
        tx.links.reject(INC, "caused_by", CHANGE, "person:anna")
    assert put(store, PERSON) == [PERSON]
    assert links_of(store) == [PERSON]


def test_what_a_record_states_replaces_what_it_stated_before(store: SqlStore) -> None:
    other = Ref("servicenow", "change", "CHG0000032")
    said = Link(INC, "caused_by", CHANGE, because="the field caused_by")
    with store.write() as tx:
        (new,) = tx.links.state([incident(links=(said,)), incident(2)])
        assert new == replace(said, by="system:servicenow")
        assert tx.links.state([incident(links=(said,))]) == []
        (moved,) = tx.links.state([incident(links=(replace(said, target=other),))])
    assert moved.target == other
    assert links_of(store) == [moved]
    with store.write() as tx:
        tx.links.state([incident()])
    assert links_of(store) == []


def test_a_link_that_both_ends_state_lives_until_neither_does(store: SqlStore) -> None:
    said = Link(issue().ref, "fixes", INC)
    with store.write() as tx:
        tx.links.state([incident(links=(said,)), issue(links=(said,))])
        tx.links.state([incident()])
    assert [each.target for each in links_of(store)] == [INC]
    with store.write() as tx:
        tx.links.state([issue()])
    assert links_of(store) == []


def test_what_a_person_said_outlives_the_systems_statement(store: SqlStore) -> None:
    put(store, PERSON)
    with store.write() as tx:
        tx.links.state([incident(links=(SYSTEM,))])
        tx.links.state([incident()])
    assert links_of(store) == [PERSON]


def test_what_a_rule_wrote_and_someone_removed_there_is_not_said_again_by_a_rule(store: SqlStore) -> None:
    put(store, RULE)
    with store.write() as tx:
        tx.links.state([incident(links=(SYSTEM,))])
    assert links_of(store) == [RULE], "the echo keeps who thought of it, and why"
    with store.write() as tx:
        tx.links.state([incident()])
    assert links_of(store) == []
    assert put(store, SURER) == []
    assert links_of(store) == [], "a rule may not say it again"
    with store.write() as tx:
        tx.links.state([incident(links=(SYSTEM,))])
    assert links_of(store) == [SYSTEM], "the system may"


def test_what_only_a_rule_said_is_not_touched_by_what_a_system_does_not_say(store: SqlStore) -> None:
    put(store, RULE)
    with store.write() as tx:
        tx.links.state([incident()])
    assert links_of(store) == [RULE]


def test_an_issue_is_where_the_last_succeeded_deployment_left_it(store: SqlStore) -> None:
    def deploys(
        number: int, minutes: float, environment: str, relation: str = "delivers", state: str = "succeeded"
    ) -> None:
        one = deployment(number, minutes, environment=environment, state=state)
        with store.write() as tx:
            tx.mirror.put([one])
            tx.links.state([replace(one, links=(link(one.ref, relation, issue().ref, ""),))])

    def where() -> frozenset[str]:
        with store.read() as tx:
            found = tx.links.deployed([issue().ref, issue(2).ref])
        assert found[issue(2).ref] == frozenset()
        return found[issue().ref]

    assert where() == frozenset()
    deploys(1, 10, "test")
    deploys(2, 20, "production", state="failed")
    assert where() == {"test"}
    deploys(3, 30, "production")
    assert where() == {"test", "production"}
    deploys(4, 40, "production", "withdraws")
    assert where() == {"test"}
    deploys(5, 35, "production")
    assert where() == {"test"}, "an older deployment that is seen late decides nothing"
    deploys(6, 50, "production")
    assert where() == {"test", "production"}
    with store.write() as tx:
        tx.links.reject(deployment(1).ref, "delivers", issue().ref, "person:anna")
    assert where() == {"production"}


def test_many_links_go_in_one_call(store: SqlStore) -> None:
    many = [link(incident(number).ref, "caused_by", CHANGE) for number in range(2500)]
    assert len(put(store, *many)) == 2500
    assert put(store, *many) == []
    assert len(links_of(store, CHANGE)) == 2500


def test_links_that_come_after_a_look_are_seen_in_the_order_in_which_they_are_read(store: SqlStore) -> None:
    problem = Ref("servicenow", "problem", "PRB0000001")
    many = [Link(problem, "problem_of", Ref("servicenow", "incident", f"INC{n}"), by="rule:a") for n in (5, 1, 3)]
    with store.write() as tx:
        assert tx.links.of(problem) == []
        for one in many:
            tx.links.put([one])
            assert one in tx.links.of(problem)
            assert tx.links.of(one.target) == [one]
        seen = tx.links.of(problem)
    assert seen == links_of(store, problem)


def test_where_links_lead_is_known_as_they_come_and_go_within_a_transaction(store: SqlStore) -> None:
    put(store, RULE)
    other, third = (Ref("servicenow", "change", f"CHG000004{number}") for number in (1, 2))
    with store.write() as tx:
        assert set(tx.led_to(INC, "caused_by")) == {CHANGE}
        assert set(tx.led_to(INC, "fixes")) == set(tx.led_to(CHANGE, "caused_by")) == set()
        tx.links.put([replace(RULE, target=other), link(third, "caused_by", INC, "rule:suspect")])
        assert set(tx.led_to(INC, "caused_by")) == {CHANGE, other}, "and not where they come from"
        tx.links.reject(INC, "caused_by", CHANGE, "person:anna")
        assert set(tx.led_to(INC, "caused_by")) == {other}
        tx.links.put([PERSON])
        assert set(tx.led_to(INC, "caused_by")) == {CHANGE, other}
