"""Which service depends on which, read from the twin's cmdb_rel_ci."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from loopbot.ports import Cursor, Page
from tests.connectors.contract import QuickClock

ON: Mapping[str, Any] = {"dependencies": {}}


def _services(stage: Any, *names: str) -> dict[str, str]:
    return {name: stage.twin.insert("cmdb_ci_service", {"name": name})["sys_id"] for name in names}


def _source(connector: Any) -> Any:
    return next(one for one in connector.sources() if one.stream == "servicenow:dependency")


def _read(connector: Any, cursor: Cursor | None = None) -> Iterator[Page]:
    return _source(connector).read(cursor or Cursor())  # type: ignore[no-any-return]


def test_without_the_table_in_the_settings_nothing_is_read(connected: Any) -> None:
    assert all(one.stream != "servicenow:dependency" for one in connected().sources())


@pytest.mark.parametrize("size", [2, 1000])
def test_the_parent_of_a_relation_depends_on_the_child(stage: Any, connected: Any, size: int) -> None:
    ids = _services(stage, "shop", "database", "queue", "mail")
    for parent, child in (("shop", "database"), ("shop", "queue"), ("queue", "database"), ("mail", "mail")):
        stage.twin.insert("cmdb_rel_ci", {"parent": ids[parent], "child": ids[child]})
    (page,) = _read(connected(page_size=size, **ON))
    assert page.depends == {"queue": ("database",), "shop": ("database", "queue")}
    assert page.records == ()
    assert (page.counted, page.there) == (4, 4)
    assert page.calls == (1 if size == 1000 else 2)


def test_relations_that_access_rules_hide_do_not_end_the_reading(stage: Any, connected: Any) -> None:
    ids = _services(stage, *(f"s{number}" for number in range(8)))
    rows = [stage.twin.insert("cmdb_rel_ci", {"parent": ids[f"s{n}"], "child": ids[f"s{n + 1}"]}) for n in range(7)]
    ordered = sorted(rows, key=lambda row: str(row["sys_id"]))
    for row in ordered[2:6]:
        stage.twin.hide_row("cmdb_rel_ci", row["sys_id"])
    (page,) = _read(connected(page_size=2, **ON))
    assert page.counted == 3


def test_it_is_read_once_a_day_and_costs_no_call_between(stage: Any, connected: Any, clock: QuickClock) -> None:
    connector = connected(**ON)
    (first,) = _read(connector)
    asked = stage.ledger.calls()
    assert list(_read(connector, first.cursor)) == []
    assert stage.ledger.calls() == asked
    clock.sleep(timedelta(days=1).total_seconds())
    assert len(list(_read(connector, first.cursor))) == 1
