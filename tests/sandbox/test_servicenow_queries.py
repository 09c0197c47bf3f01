"""The encoded query language, as the instance reads it: generously, and without saying what it ignored."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopbot.sandbox.ledger import Ledger
from loopbot.sandbox.servicenow.scripts import Asker
from loopbot.sandbox.servicenow.twin import ServiceNowTwin

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def twin() -> ServiceNowTwin:
    moments = iter(datetime(2026, 11, 22, 10, minute, tzinfo=UTC) for minute in range(60))
    made = ServiceNowTwin(Ledger(), now=lambda: NOW)
    beth = made.insert("sys_user", {"user_name": "beth", "name": "Beth", "email": "beth@example.com"})
    made.insert("sys_user_group", {"name": "Zebra", "sys_id": "0" * 32})
    made.insert("sys_user_group", {"name": "Ant", "sys_id": "f" * 32})

    def add(title: str, **values: str) -> None:
        moment = next(moments)
        made.now = lambda: moment
        made.insert("incident", {"short_description": title} | values)

    add("Alpha fails", impact="1", urgency="1", caller_id=beth["sys_id"], assignment_group="0" * 32)
    add("beta is slow", impact="2", urgency="2", assignment_group="f" * 32)
    add("Gamma FAILS again", impact="3", urgency="3", category="network", correlation_id="loop-1")
    add("", impact="2", urgency="1", caller_id="nobody-known", category="")
    made.now = lambda: NOW
    return made


def titles(twin: ServiceNowTwin, query: str) -> list[str]:
    return [
        row.get("short_description", "") for row in twin.search.matching("incident", query, Asker("beth", "beth-id"))
    ]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "Alpha beta Gamma -"),
        ("impact=2", "beta -"),
        ("impact!=2", "Alpha Gamma"),
        ("impact<3^urgency>1", "beta"),
        ("impact<=2", "Alpha beta -"),
        ("priority>=3", "beta Gamma"),
        ("impactIN1,3", "Alpha Gamma"),
        ("impactNOT IN1,3", "beta -"),
        ("short_description=ALPHA FAILS", "Alpha"),
        ("short_descriptionLIKEfails", "Alpha Gamma"),
        ("short_descriptionNOT LIKEfails", "beta -"),
        ("short_descriptionSTARTSWITHBeta", "beta"),
        ("short_descriptionENDSWITHagain", "Gamma"),
        ("short_descriptionISEMPTY", "-"),
        ("short_descriptionISNOTEMPTY^impact=2", "beta"),
        ("impactBETWEEN1@2", "Alpha beta -"),
        ("impactSAMEASurgency", "Alpha beta Gamma"),
        ("impactNSAMEASurgency", "-"),
        ("impact=1^ORimpact=3", "Alpha Gamma"),
        ("impact=1^ORimpact=2^urgency=2", "beta"),
        ("impact=1^NQimpact=3", "Alpha Gamma"),
        ("impact=2^urgency=2^NQimpact=2^urgency=1", "beta -"),
        ("caller_id.email=beth@example.com", "Alpha"),
        ("caller_id.emailISEMPTY", "beta Gamma -"),
        ("assignment_group.name=ant^ORassignment_group.name=zebra", "Alpha beta"),
        ("sys_updated_on>=2026-11-22 10:02:00", "Gamma -"),
        ("sys_updated_on>2026-11-22 10:02:00", "-"),
        ("sys_updated_on<=2026-11-22 10:01:00", "Alpha beta"),
        ("sys_updated_onBETWEEN2026-11-22 10:01:00@2026-11-22 10:02:00", "beta Gamma"),
        ("sys_updated_on=2026-11-22 10:01:00^NQsys_updated_on>2026-11-22 10:02:00", "beta -"),
        ("ORDERBYDESCsys_updated_on", "- Gamma beta Alpha"),
        ("ORDERBYDESCimpact^ORDERBYurgency", "Gamma - beta Alpha"),
        ("ORDERBYshort_description", "- Alpha beta Gamma"),
        # References are ordered by what they show, not by sys_id.
        ("assignment_groupISNOTEMPTY^ORDERBYassignment_group", "beta Alpha"),
        ("category=network^EQ", "Gamma"),
        ("correlation_id=loop-1", "Gamma"),
    ],
)
def test_a_query_selects_and_orders(twin: ServiceNowTwin, query: str, found: str) -> None:
    assert [title.split(" ")[0] or "-" for title in titles(twin, query)] == found.split()


@pytest.mark.parametrize("query", ["imapct=1", "impact~1", "caller_id.e_mail=x", "impact=1^NQno_such=1", "just words"])
def test_what_is_not_understood_widens_the_result_to_everything(twin: ServiceNowTwin, query: str) -> None:
    assert len(titles(twin, query)) == 4


def test_an_unknown_field_among_known_ones_is_dropped_and_noted(twin: ServiceNowTwin) -> None:
    assert titles(twin, "impact=1^u_missing=5") == ["Alpha fails"]
    assert ("incident", "u_missing=5") in twin.search.ignored


def test_an_instance_may_be_set_to_return_nothing_for_an_invalid_query() -> None:
    twin = ServiceNowTwin(Ledger())
    twin.insert("incident", {"impact": "1"})
    twin.insert("sys_properties", {"name": "glide.invalid_query.returns_no_rows", "value": "true"})
    assert titles(twin, "u_missing=5") == []
    assert len(titles(twin, "impact=1")) == 1


def test_a_value_smuggles_conditions_because_there_is_no_escape(twin: ServiceNowTwin) -> None:
    value = "nothing like it^NQimpact=3"
    assert titles(twin, f"short_description={value}") == ["Gamma FAILS again"]


def test_scripts_in_values_are_run_and_remembered() -> None:
    twin = ServiceNowTwin(Ledger(), now=lambda: NOW)
    mine = twin.insert("incident", {"caller_id": "beth-id"})
    twin.insert("incident", {"caller_id": "someone-else"})
    assert len(titles(twin, "caller_id=javascript:gs.getUserID()")) == 1
    assert len(titles(twin, "sys_created_on>javascript:gs.minutesAgo(5)")) == 2
    assert len(titles(twin, "sys_created_on<javascript:gs.minutesAgo(5)")) == 0
    assert twin.search.evaluated == ["gs.getUserID()", "gs.minutesAgo(5)", "gs.minutesAgo(5)"]
    assert mine["number"] == "INC0010001"


def test_a_table_holds_the_storage_those_that_extend_it() -> None:
    twin = ServiceNowTwin(Ledger())
    for table in ("incident", "problem", "change_request"):
        twin.insert(table, {"short_description": table})
    service = twin.insert("cmdb_ci_service", {"name": "Export"})
    twin.insert("cmdb_ci", {"name": "Printer"})
    assert len(twin.search.matching("cmdb_ci", "sys_class_nameINSTANCEOFcmdb_ci", Asker("beth", ""))) == 2
    assert len(twin.search.matching("cmdb_ci", "sys_class_nameINSTANCEOFcmdb_ci_service", Asker("beth", ""))) == 1
    found = twin.search.matching("task", "sys_class_nameINincident,problem^ORDERBYnumber", Asker("beth", ""))
    assert [row["number"] for row in found] == ["INC0010001", "PRB0010001"]
    twin.insert("incident", {"cmdb_ci": service["sys_id"]})
    assert len(twin.search.matching("incident", "cmdb_ci.name=export", Asker("beth", ""))) == 1


def test_pages_in_order_of_stamp_and_id_show_each_row_once() -> None:
    twin = ServiceNowTwin(Ledger(), now=lambda: NOW)
    for number in range(300):
        twin.insert("incident", {"short_description": str(number)})
    order = "ORDERBYsys_updated_on^ORDERBYsys_id"
    stamp, last, seen = "2026-11-22 00:00:00", "", []
    while True:
        after = f"sys_updated_on={stamp}^sys_id>{last}^NQsys_updated_on>{stamp}^{order}"
        page = twin.search.matching("incident", after, Asker("beth", ""))[:70]
        if not page:
            break
        seen.extend(row["sys_id"] for row in page)
        stamp, last = page[-1]["sys_updated_on"], page[-1]["sys_id"]
    assert seen == sorted(seen)
    assert len(set(seen)) == len(seen) == 300


STAMPS = [f"2026-11-22 10:0{minute}:00" for minute in range(6)]
CONDITIONS = st.one_of(
    st.builds(
        lambda op, stamp: f"sys_updated_on{op}{stamp}",
        st.sampled_from([">=", ">", "<=", "<", "=", "!="]),
        st.sampled_from(STAMPS),
    ),
    st.builds(lambda low, high: f"sys_updated_onBETWEEN{low}@{high}", st.sampled_from(STAMPS), st.sampled_from(STAMPS)),
    st.builds(lambda op, number: f"impact{op}{number}", st.sampled_from(["=", "!=", "<", ">="]), st.integers(0, 4)),
    st.builds(lambda number: f"number=INC001000{number}", st.integers(1, 6)),
)
QUERIES = st.builds(
    lambda first, rest: "".join([first, *(joint + one for joint, one in rest)]),
    CONDITIONS,
    st.lists(st.tuples(st.sampled_from(["^", "^OR", "^NQ"]), CONDITIONS), max_size=4),
)


@given(query=QUERIES, order=st.sampled_from(["", "^ORDERBYsys_updated_on", "^ORDERBYsys_updated_on^ORDERBYsys_id"]))
@settings(max_examples=300, deadline=None)
def test_the_index_finds_what_looking_at_every_row_finds(twin: ServiceNowTwin, query: str, order: str) -> None:
    asker = Asker("beth", "")
    found = twin.search.matching("incident", query + order, asker)
    test = twin.search._plan("incident", query, asker).test
    every = [row for row in twin.storage.all("incident") if test(row)]
    assert sorted(row["sys_id"] for row in found) == sorted(row["sys_id"] for row in every)
    if order:
        places = [(row["sys_updated_on"], row["sys_id"]) for row in found]
        assert places == sorted(places)
