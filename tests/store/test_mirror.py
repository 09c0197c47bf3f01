from datetime import timedelta

import pytest

from loopbot.domain.records import Involved, Person, Record, Ref
from loopbot.domain.wordings import Sought
from loopbot.store import SqlStore
from tests.support.made import START, at, deployment, incident, issue, link


def put(store: SqlStore, *records: Record) -> list[str]:
    with store.write() as tx:
        return [each.what for each in tx.mirror.put(records)]


def seen(store: SqlStore, record: Record) -> Record | None:
    with store.read() as tx:
        return tx.mirror.get(record.ref)


def test_a_record_comes_back_as_it_was_put(store: SqlStore) -> None:
    anna = Person("servicenow", "u1", "Anna", "anna@example.org")
    full = incident(
        text="since \x02 Tuesday \U0001f600 'quoted' \\ back",
        opened_at=at(-30) + timedelta(microseconds=1),
        version=7,
        labels=frozenset({"b", "a"}),
        services=frozenset({"export", "billing"}),
        people=(Involved("reporter", anna),),
        links=(link(incident().ref, "caused_by", Ref("servicenow", "change", "CHG1"), "system:servicenow"),),
        extra={"z": "1", "a": "2"},
        priority=2,
        reopened=3,
        resolved_at=at(5),
    )
    assert put(store, full) == ["new"]
    assert seen(store, full) == full


def test_nothing_is_known_of_what_was_never_seen(store: SqlStore) -> None:
    assert seen(store, incident()) is None
    with store.read() as tx:
        assert tx.mirror.many([]) == {}
        assert list(tx.mirror.all()) == []
        assert tx.mirror.count("servicenow", "incident") == 0


def test_records_are_found_by_what_they_brought(store: SqlStore) -> None:
    sha = "4f2a9bc0d1e2f3a4b5c6d7e8f9a0b1c2d3e4f5a6"
    one = deployment(1, 0, commit=sha, extra={"commits": "aaaa1111bbbb cccc2222dddd", "ref": "v2.7.1"})
    two = deployment(2, 5, extra={"commits": "aaaa1111bbbb", "pulls": "shop/web#12"})
    put(store, one, two, incident(text=sha))

    def holding(*names: str) -> list[str]:
        with store.read() as tx:
            return [each.key for each in tx.holding(names, 10)]

    assert holding(sha) == holding(sha[:7]) == holding("4F2A9BC0D1E2F3") == ["1"]
    assert holding("aaaa111") == ["2", "1"], "the newest first"
    assert holding("aaaa1112") == holding("aaaa1111bbbc") == holding("4f2a9") == holding("2.7") == holding() == []
    assert (holding("shop/web#12"), holding("2.7.1"), holding("2.7.1", "shop/web#12")) == (["2"], ["1"], ["2", "1"])
    put(store, deployment(1, 10, extra={"ref": "v2.7.2"}))
    assert (holding(sha), holding("2.7.1"), holding("2.7.2")) == ([], [], ["1"])
    with store.write() as tx:
        tx.gone([two.ref])
    assert holding("aaaa111") == []


def test_the_files_that_a_record_touched_are_among_what_it_is_found_by(store: SqlStore) -> None:
    def found() -> list[str]:
        with store.read() as tx:
            return [one.key for one in tx.mirror.alike("PageWriter is slow", Sought(kinds=frozenset({"deployment"})))]

    put(store, deployment(1, 0, extra={"files": "src/shop/PageWriter.java"}), deployment(2))
    assert found() == ["1"]
    put(store, deployment(1, 1, extra={"files": "src/shop/Mail.java"}))
    assert found() == []


def test_the_same_record_again_is_the_same_whatever_the_order_of_its_sets(store: SqlStore) -> None:
    put(store, incident(extra={"a": "1", "b": "2"}, labels=frozenset({"x", "y", "z"})))
    again = incident(extra={"b": "2", "a": "1"}, labels=frozenset({"z", "y", "x"}))
    assert put(store, again) == ["same"]


def test_a_changed_record_says_what_it_was_before(store: SqlStore) -> None:
    before, after = incident(state="new"), incident(minutes=1, state="resolved")
    put(store, before)
    with store.write() as tx:
        (upserted,) = tx.mirror.put([after])
        assert (upserted.what, upserted.before, upserted.record) == ("changed", before, after)
        assert tx.record(after.ref) == after, "the page's own records are seen before it commits"
    assert seen(store, after) == after


def test_a_newer_stamp_or_version_alone_is_only_a_touch(store: SqlStore) -> None:
    put(store, incident(version=1))
    assert put(store, incident(version=2)) == ["touched"]
    assert put(store, incident(minutes=1, version=2)) == ["touched"]
    assert put(store, incident(minutes=1, version=2)) == ["same"]
    assert seen(store, incident()) == incident(minutes=1, version=2)


@pytest.mark.parametrize(
    "late",
    [incident(minutes=0, version=9, state="new"), incident(minutes=5, version=4, state="new"), incident(minutes=-1)],
)
def test_a_late_old_page_never_rolls_back(store: SqlStore, late: Record) -> None:
    present = incident(minutes=5, version=5, state="resolved")
    put(store, present)
    assert put(store, late) == ["same"]
    assert seen(store, present) == present


def test_a_later_stamp_counts_even_where_the_systems_counter_began_anew(store: SqlStore) -> None:
    put(store, incident(minutes=0, version=900))
    assert put(store, incident(minutes=1, version=1, state="resolved")) == ["changed"]


def test_another_content_with_the_same_stamp_is_a_change(store: SqlStore) -> None:
    put(store, incident())
    assert put(store, incident(state="resolved")) == ["changed"]
    assert put(store, incident(state="resolved", version=1)) == ["touched"]


def test_of_several_versions_in_one_page_the_newest_wins_once(store: SqlStore) -> None:
    versions = [
        incident(minutes=m, version=v, state=s) for m, v, s in [(1, 2, "on_hold"), (2, 3, "resolved"), (0, 1, "new")]
    ]
    with store.write() as tx:
        upserted = tx.mirror.put([*versions, incident(2)])
    assert [(each.record.key, each.record.state, each.what) for each in upserted] == [
        ("INC0000001", "resolved", "new"),
        ("INC0000002", "new", "new"),
    ]


def test_of_two_with_the_same_stamp_in_one_page_the_higher_version_wins_then_the_later_row(store: SqlStore) -> None:
    put(store, incident(version=3, state="resolved"), incident(version=2, state="on_hold"))
    put(store, incident(2, state="on_hold"), incident(2, state="resolved"))
    assert seen(store, incident(1)) == incident(version=3, state="resolved")
    assert seen(store, incident(2)) == incident(2, state="resolved")


def test_a_page_may_mix_systems_kinds_and_fates(store: SqlStore) -> None:
    put(store, incident(1), incident(2), issue(1))
    fates = put(
        store, issue(1, minutes=1, state="done"), incident(3), incident(1), incident(2, minutes=1), deployment()
    )
    assert fates == ["changed", "new", "same", "touched", "new"]


def test_thousands_of_records_go_in_and_come_out_in_order_of_their_ref(store: SqlStore) -> None:
    many = [incident(number) for number in range(2500)]
    assert set(put(store, *reversed(many), issue(1))) == {"new"}
    assert set(put(store, *many)) == {"same"}
    with store.read() as tx:
        assert [each.ref for each in tx.mirror.all()] == [issue(1).ref, *(each.ref for each in many)]
        assert sum(1 for _ in tx.mirror.all(kind="incident")) == 2500
        assert list(tx.mirror.all(kind="incident", system="jira")) == []
        assert tx.mirror.count("servicenow", "incident") == 2500
        assert len(tx.mirror.many([each.ref for each in many])) == 2500


def test_a_record_is_found_by_what_people_call_it(store: SqlStore) -> None:
    put(store, issue(42), incident(42))
    with store.read() as tx:
        assert [each.ref for each in tx.mirror.find("loop-42")] == [issue(42).ref]
        assert [each.ref for each in tx.mirror.find("INC0000042")] == [incident(42).ref]
        assert tx.mirror.find("LOOP-4") == []


def test_records_are_found_by_any_of_several_names_and_by_who_reported_them(store: SqlStore) -> None:
    mara = (Involved("reporter", Person("servicenow", "u1", "Mara", " Mara@Example.com")),)
    nobody = (Involved("assignee", Person("servicenow", "u1")), Involved("reporter", Person("jira", "u9")))
    put(store, incident(1, people=mara), incident(2, people=nobody), incident(3, minutes=3, people=mara), issue(1))
    with store.read() as tx:
        assert [one.key for one in tx.mirror.called(["loop-1", "INC0000002", "x"])] == ["LOOP-1", "INC0000002"]
        assert [one.key for one in tx.mirror.reported(["mara@example.com"], ["incident"], 5)] == [
            "INC0000003",
            "INC0000001",
        ]
        assert [one.key for one in tx.mirror.reported(["jira:u9"], ["incident", "issue"], 5)] == ["INC0000002"]
        assert tx.mirror.reported(["mara@example.com"], ["issue"], 5) == []
    put(store, incident(1, minutes=9, people=nobody))
    with store.read() as tx:
        assert [one.key for one in tx.mirror.reported(["mara@example.com"], ["incident"], 5)] == ["INC0000003"]


def test_a_record_that_is_gone_is_out_of_sight_but_not_forgotten_and_comes_back_when_seen(store: SqlStore) -> None:
    put(store, incident(1, minutes=5), incident(2))
    with store.write() as tx:
        tx.gone([incident(1).ref])
    with store.read() as tx:
        assert tx.mirror.count("servicenow", "incident") == 1
        assert [each.ref for each in tx.mirror.all()] == [incident(2).ref]
        assert tx.mirror.find("INC0000001") == []
        assert tx.between("incident", at(0), at(9)) == [incident(2)]
        assert tx.mirror.get(incident(1).ref) == incident(1, minutes=5)
    assert put(store, incident(1, minutes=4, state="on_hold")) == ["same"], "a late old page does not bring it back"
    with store.read() as tx:
        assert tx.mirror.count("servicenow", "incident") == 1
    assert put(store, incident(1, minutes=5)) == ["touched"]
    with store.read() as tx:
        assert tx.mirror.count("servicenow", "incident") == 2


def test_a_window_is_inclusive_newest_first_and_by_when_it_happened(store: SqlStore) -> None:
    numbered = [incident(number, minutes=99, opened_at=at(number)) for number in range(6)]
    put(store, *numbered, issue(1, opened_at=at(3)))
    with store.read() as tx:
        assert [each.key[-1] for each in tx.between("incident", at(2), at(4))] == ["4", "3", "2"]


def test_a_window_by_services_follows_what_a_record_is_about_now(store: SqlStore) -> None:
    put(
        store,
        incident(1, services=frozenset({"export", "mail"})),
        incident(2, services=frozenset({"mail"})),
        incident(3),
    )

    def keys(*services: str) -> list[str]:
        with store.read() as tx:
            return sorted(each.key[-1] for each in tx.between("incident", START, START, frozenset(services)))

    assert keys("mail") == ["1", "2"]
    assert keys("export", "mail") == ["1", "2"]
    assert keys() == ["1", "2", "3"]
    put(store, incident(1, services=frozenset({"export"})), incident(3, services=frozenset({"mail"})))
    assert keys("mail") == ["2", "3"]
    assert keys("export") == ["1"]


def test_stamps_are_exact_to_the_microsecond(store: SqlStore) -> None:
    exact = incident(updated_at=START + timedelta(microseconds=1))
    put(store, exact)
    assert put(store, incident(updated_at=START)) == ["same"]
    assert seen(store, exact) == exact


def test_a_time_without_a_zone_is_refused(store: SqlStore) -> None:
    with pytest.raises(ValueError, match="has no time zone"):
        put(store, incident(updated_at=START.replace(tzinfo=None)))
