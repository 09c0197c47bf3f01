"""The index over what records say: kept with the mirror on both databases, and searched by the rarest terms."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, inspect, text

from loopbot.domain.records import Change, Incident, Record, Ref
from loopbot.domain.wordings import Sought
from loopbot.domain.words import Kind
from loopbot.language.scene import Scene
from loopbot.store import SqlStore, open_store
from loopbot.store.upgrade import MIGRATIONS
from tests.support.made import at


def incident(key: str, **fields: Any) -> Incident:
    given: dict[str, Any] = {"state": "new", "updated_at": at(0), **fields}
    return Incident(ref=Ref("servicenow", "incident", key), ident=key, **given)


def change(key: str, **fields: Any) -> Change:
    return Change(ref=Ref("servicenow", "change", key), ident=key, state="closed", updated_at=at(0), **fields)


INCIDENTS: frozenset[Kind] = frozenset({"incident"})
EXPORT = incident(
    "INC1", title="Export to CSV fails with a timeout", text="The nightly export stops half way.", opened_at=at(-9)
)
LABELS = incident("INC2", title="Label printer prints blank pages", text="Hall 2, since the update.", opened_at=at(-8))
AGAIN = incident("INC3", title="CSV exports failing again", text="Timeouts as last week.", opened_at=at(-1))
CHANGE = change("CHG1", title="New CSV export library", opened_at=at(-20))
ALL = (EXPORT, LABELS, AGAIN, CHANGE)


def put(store: SqlStore, *records: Record) -> None:
    with store.write() as tx:
        tx.mirror.put(records)


def alike(store: SqlStore, of: Record | str, *kinds: Kind, **how: Any) -> list[str]:
    with store.read() as tx:
        return [one.key for one in tx.mirror.alike(of, Sought(kinds=frozenset(kinds or INCIDENTS), **how))]


def test_a_record_finds_those_that_use_its_rare_words_and_not_itself(store: SqlStore) -> None:
    put(store, *ALL)
    assert alike(store, AGAIN) == ["INC1"]
    assert alike(store, LABELS) == []


def test_a_question_finds_records_of_the_kinds_asked_for(store: SqlStore) -> None:
    put(store, *ALL)
    assert alike(store, "why does the csv export time out?", "change") == ["CHG1"]
    assert set(alike(store, "csv export", "change", "incident")) == {"CHG1", "INC1", "INC3"}
    assert alike(store, "") == []


def test_services_and_times_narrow_the_search(store: SqlStore) -> None:
    mail = incident("INC4", title="CSV export by mail", services=frozenset({"mail"}), opened_at=at(-5))
    put(store, *ALL, mail)
    assert alike(store, "csv export", services=frozenset({"mail", "other"})) == ["INC4"]
    assert alike(store, "csv export", since=at(-6), until=at(-2)) == ["INC4"]
    assert len(alike(store, "csv export", limit=2)) == 2


def test_a_changed_text_is_found_by_its_new_words_alone(store: SqlStore) -> None:
    put(store, *ALL)
    put(store, incident("INC1", title="Password reset mails are late", opened_at=at(-9), updated_at=at(5), version=9))
    assert alike(store, "csv export") == ["INC3"]
    assert alike(store, "reset my password") == ["INC1"]


def test_another_state_alone_leaves_the_index_as_it_is(store: SqlStore) -> None:
    put(store, *ALL)
    with store.read() as tx:
        before = tx.neighbours(AGAIN, Sought(kinds=INCIDENTS))
    put(
        store,
        incident("INC1", title=EXPORT.title, text=EXPORT.text, opened_at=at(-9), state="closed", updated_at=at(5)),
    )
    with store.read() as tx:
        after = tx.neighbours(AGAIN, Sought(kinds=INCIDENTS))
    assert (after.docs, after.total) == (before.docs, before.total)
    assert after.found[0].record.state == "closed"


def test_records_that_are_gone_are_not_found_until_they_are_back(store: SqlStore) -> None:
    put(store, *ALL)
    with store.write() as tx:
        tx.mirror.gone([EXPORT.ref])
    assert alike(store, AGAIN) == []
    put(store, EXPORT)
    assert alike(store, AGAIN) == ["INC1"]


def test_the_counts_are_those_of_what_stands_in_the_index(store: SqlStore) -> None:
    put(store, *ALL)
    put(store, incident("INC2", title="Nothing prints", opened_at=at(-8), updated_at=at(5), version=9))
    with store.write() as tx:
        tx.mirror.gone([EXPORT.ref])
    with store.read() as tx:
        near = tx.neighbours("csv blank prints export", Sought(kinds=INCIDENTS))
    assert near.total == 3
    assert near.docs == {"csv": 2, "print": 1, "export": 2}


def test_a_dry_run_leaves_no_trace_in_the_index(store: SqlStore) -> None:
    put(store, EXPORT)
    with store.write(keep=False) as tx:
        tx.mirror.put([AGAIN])
        assert [one.key for one in tx.mirror.alike("csv", Sought(kinds=INCIDENTS))] == ["INC3", "INC1"]
    assert alike(store, "csv") == ["INC1"]
    with store.read() as tx:
        assert tx.neighbours("csv", Sought(kinds=INCIDENTS)).total == 1


def test_a_record_without_a_time_of_its_own_is_found_when_it_last_changed(store: SqlStore) -> None:
    put(store, incident("INC1", title="CSV export", opened_at=None, updated_at=at(-50)))
    put(store, incident("INC1", title="CSV export", opened_at=None, updated_at=at(-5), state="closed"))
    assert alike(store, "csv", since=at(-10)) == ["INC1"]


@pytest.mark.parametrize("asked", ['"', "* OR NOT", "a' OR '1'='1", "{terms}: ^csv", "\x00 csv\ud800", ":t0 %s"])
def test_what_people_write_is_never_read_as_a_query(store: SqlStore, asked: str) -> None:
    put(store, *ALL)
    alike(store, asked)
    put(store, incident("INC9", title=asked, text=asked, opened_at=at(0)))


def test_other_scripts_are_found(store: SqlStore) -> None:
    put(
        store,
        incident("INC1", title="导出文件失败", opened_at=at(-2)),
        incident("INC2", title="Größe des Fensters", opened_at=at(-2)),
    )
    put(store, incident("INC3", title="Печать не работает", opened_at=at(-2)))
    assert alike(store, "文件无法打开") == ["INC1"]
    assert alike(store, "die Fenster haben keine Grösse") == ["INC2"]
    assert alike(store, "печать") == ["INC3"]


def test_both_databases_and_the_memory_of_the_cases_find_the_same(store: SqlStore) -> None:
    records = [
        incident(f"INC{n}", title=f"{'CSV export' if n % 3 else 'Label printer'} number{n % 7}x", opened_at=at(-n))
        for n in range(40)
    ]
    put(store, *records)
    scene = Scene(at(0), {one.ref: one for one in records})
    with store.read() as tx:
        for record in records:
            here, there = (
                tx.neighbours(record, Sought(kinds=INCIDENTS)),
                scene.neighbours(record, Sought(kinds=INCIDENTS)),
            )
            assert [one.record.key for one in here.found] == [one.record.key for one in there.found]
            assert (here.docs, here.total, here.asked) == (there.docs, there.total, there.asked)
            assert here.found[0].wording == there.found[0].wording


@pytest.mark.parametrize("services", [frozenset[str](), frozenset({"mail"}), frozenset({"mail", "shop"})])
def test_each_of_several_searches_about_one_ticket_finds_what_it_finds_alone(
    store: SqlStore, services: frozenset[str]
) -> None:
    made = (incident, change)
    records = [
        made[n % 2](
            f"R{n}",
            title=f"{'CSV export' if n % 3 else 'Label printer'} of hall number{n % 5}x",
            text="It stands still. " * (n % 4),
            opened_at=at(-n),
            services=frozenset({("mail", "shop", "till")[n % 4]} if n % 4 < 3 else ()),
        )
        for n in range(60)
    ]
    put(store, *records)
    asked = incident("INC99", title="CSV export of number2x stands still", opened_at=at(0))
    scene = Scene(at(0), {one.ref: one for one in records})
    spans = [(None, None), (at(-30), None), (at(-45), at(-20)), (at(-45) + timedelta(seconds=1), at(-20))]
    sought = [
        Sought(kinds=kinds, services=services, since=since, until=until, limit=limit)
        for kinds in (INCIDENTS, frozenset({"change"}), frozenset({"incident", "change"}), frozenset({"issue"}))
        for since, until in spans
        for limit in (5, 150)
    ]
    with store.read() as tx:
        together = [tx.neighbours(asked, one).found for one in sought]
    for one, found in zip(sought, together, strict=True):
        with store.read() as tx:
            assert tx.neighbours(asked, one).found == found
        assert [each.record.ref for each in found] == [each.record.ref for each in scene.neighbours(asked, one).found]


def test_an_older_store_is_indexed_when_it_is_upgraded(empty_url: str, tmp_path: Path) -> None:
    newest = f"sqlite:///{tmp_path / 'newest.db'}"
    first = open_store(newest)
    put(first, *ALL)
    first.close()
    engine, older = create_engine(newest), create_engine(empty_url)
    with older.begin() as connection:
        _migrate(connection, "0006")
        columns = {one["name"] for one in inspect(connection).get_columns("record")}
        with engine.connect() as source:
            rows = [dict(row) for row in source.execute(text("SELECT * FROM record")).mappings()]
        for row in rows:
            names = sorted(columns & row.keys())
            values = ", ".join(f":{name}" for name in names)
            connection.execute(text(f"INSERT INTO record ({', '.join(names)}) VALUES ({values})"), row)  # noqa: S608
    engine.dispose()
    older.dispose()
    told: list[tuple[int, int]] = []
    second = open_store(empty_url, progress=lambda done, of: told.append((done, of)))
    assert told == [(4, 4)]
    assert alike(second, AGAIN) == ["INC1"]
    second.close()


def _migrate(connection: object, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def test_ref_of_a_stranger_finds_by_its_words(store: SqlStore) -> None:
    put(store, *ALL)
    stranger = incident("INC77", title="csv", opened_at=at(0))
    assert stranger.ref == Ref("servicenow", "incident", "INC77")
    assert set(alike(store, stranger)) == {"INC1", "INC3"}


def test_what_was_found_is_looked_for_anew_once_something_changed_in_the_same_transaction(store: SqlStore) -> None:
    def found(tx: Any, **how: Any) -> list[str]:
        return [one.key for one in tx.mirror.alike("csv export", Sought(kinds=INCIDENTS, **how))]

    with store.write() as tx:
        tx.mirror.put(ALL)
        assert set(found(tx)) == {"INC1", "INC3"}
        assert found(tx, services=frozenset({"mail"})) == []
        moved = incident(
            "INC1", title=EXPORT.title, text=EXPORT.text, opened_at=at(-9), services=frozenset({"mail"}), version=2
        )
        tx.mirror.put([moved])
        assert found(tx, services=frozenset({"mail"})) == ["INC1"]
        (again,) = tx.mirror.alike("csv export", Sought(kinds=INCIDENTS, services=frozenset({"mail"})))
        assert again == moved, "not as it was read before"
        tx.gone([AGAIN.ref])
        assert found(tx) == ["INC1"]


def test_each_of_a_storm_finds_those_that_came_before_it_and_not_itself(store: SqlStore) -> None:
    storm = [incident(f"INC{n}", title="Payment export stands still", opened_at=at(n)) for n in range(6)]
    with store.write() as tx:
        tx.mirror.put(storm)
        for number, one in enumerate(storm):
            near = tx.mirror.neighbours(one, Sought(kinds=INCIDENTS, since=at(-1), until=one.opened_at, limit=3))
            assert [each.record for each in near.found] == storm[:number][::-1][:3]
            assert near.total == 5
            assert set(near.docs.values()) == {5}
