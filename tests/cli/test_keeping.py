"""`db` and `sweep` against the twins, whose ledgers judge: a restored, damaged or lost store sends nothing twice."""

import re
import shutil
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from loopbot.engine.alone import Alone
from loopbot.store.backups import MADE_AT
from tests.faults.catalogue import fault
from tests.support.town import ITEM, NOTE, SHOUT, Town


@pytest.fixture
def busy(town: Town) -> Town:
    """A town in which each rule has written something."""
    return begun(town)


def begun(town: Town) -> Town:
    town.rule("note", NOTE)
    town.rule("item", ITEM)
    town.rule("shout", SHOUT)
    town.company.say("ines.moreau", "A spreadsheet, please", "CSV always asks me about separators.", "feature")
    town.company.change("Order export reads in pages", "1,000 rows a page", "Order Export", minutes_ago=35)
    assert town.says("once").code == 0
    return town


def database(town: Town) -> Path:
    return town.folder / "loopbot.db"


def made_an_hour_ago(backup: Path) -> None:
    """So that nobody waits for writes that may still be on their way."""
    with closing(sqlite3.connect(backup)) as copy:
        copy.execute("UPDATE fact SET value = datetime('now', '-1 hour') || '+00:00' WHERE name = ?", (MADE_AT,))
        copy.commit()


def writes(town: Town) -> list[tuple[str, str]]:
    return sorted((one.system, one.action) for one in town.estate.ledger.entries())


def more_happens(town: Town) -> None:
    town.company.say("mara.lindqvist", "A darker mode", "My eyes hurt in the evening.", "feature")
    town.company.report("jonas.weber", "The search finds nothing", "Since noon.", "Order Export", minutes_ago=3)
    town.company.change("Search index anew", "Built from nothing", "Order Export", minutes_ago=2)


@fault("D4")
def test_an_old_backup_is_put_back_and_nothing_is_sent_twice(busy: Town) -> None:
    backup = busy.folder / "backup.db"
    assert busy.says("db", "backup", str(backup)).code == 0
    more_happens(busy)
    assert busy.says("once").code == 0
    before = writes(busy)
    made_an_hour_ago(backup)
    said = busy.says("db", "restore", str(backup))
    assert said.code == 0, said.err
    assert "The former store is kept" in said.out
    assert "looked for before it is sent" in busy.says("check").out
    for _ in range(2):
        busy.says("once")
    assert writes(busy) == before
    states = {one["state"] for one in busy.says("outbox", "list", "--json").json["effects"]}
    assert states == {"settled"}, "found by their marks, and adopted"


@dataclass(frozen=True)
class Dumped:
    """A schema of Postgres, dumped and put back by its own tools, as docs/operations.md says."""

    url: str
    file: Path

    def dump(self) -> None:
        self._run("pg_dump", "-Fc", "--schema", self._schema, "--file", str(self.file), self._server)

    def put_back(self) -> None:
        self._run("pg_restore", "--clean", "--if-exists", "--dbname", self._server, str(self.file))

    @property
    def _schema(self) -> str:
        (found,) = re.findall(r"search_path%3D(\w+)", self.url)
        return found

    @property
    def _server(self) -> str:
        return make_url(self.url).set(drivername="postgresql", query={}).render_as_string(hide_password=False)

    def _run(self, tool: str, *arguments: str) -> None:
        found = shutil.which(tool)
        if found is None:
            pytest.skip(f"{tool} is not here")
        done = subprocess.run([found, *arguments], capture_output=True, text=True, check=False)  # noqa: S603 - Postgres' own
        if "version mismatch" in done.stderr:
            pytest.skip(done.stderr)
        assert done.returncode == 0, done.stderr


@fault("D4")
@pytest.mark.parametrize("says_so", [True, False], ids=["said", "left out"])
def test_a_postgres_that_was_put_back_sends_nothing_twice_once_that_is_said(
    town: Town, postgres_url: str, says_so: bool
) -> None:
    """Put back by other means than ours; the other half shows that `restored` is what holds it."""
    town.change(("sqlite:///loopbot.db", postgres_url))
    dumped = Dumped(postgres_url, town.folder / "loopbot.dump")
    begun(town)
    dumped.dump()
    more_happens(town)
    assert town.says("once").code == 0
    before = writes(town)
    dumped.put_back()
    known = len(town.says("outbox", "list", "--json").json["effects"])
    assert known < len(before), "time was lost"
    if not says_so:
        town.says("once")
        assert writes(town) != before
        return
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    assert town.says("db", "restored", "--since", hour_ago.strftime("%Y-%m-%dT%H:%M:%S")).code == 0
    assert "looked for before it is sent" in town.says("check").out
    for _ in range(2):
        town.says("once")
    assert writes(town) == before
    effects = town.says("outbox", "list", "--json").json["effects"]
    assert {one["state"] for one in effects} == {"settled"}, "found by their marks, and adopted"
    assert len(effects) > known


@fault("D3")
def test_a_lost_store_is_rebuilt_from_the_marks(busy: Town) -> None:
    before = writes(busy)
    with database(busy).open("r+b") as file:
        file.write(b"\0" * 50_000)
    said = busy.says("once")
    assert said.code == 2
    assert "loopbot db rebuild" in said.err
    said = busy.says("db", "rebuild")
    assert said.code == 0, said.err
    for _ in range(2):
        busy.says("once")
    assert writes(busy) == before


def test_a_store_is_not_replaced_while_somebody_works_on_it(busy: Town) -> None:
    backup = busy.folder / "backup.db"
    with Alone(database(busy)):
        assert busy.says("db", "backup", str(backup)).code == 0, "copying is always possible"
        for command in (("restore", str(backup)), ("rebuild",), ("upgrade",)):
            said = busy.says("db", *command)
            assert said.code == 2
            assert "another loopbot is at work" in said.err
    assert busy.says("db", "upgrade").code == 0


def test_what_is_no_backup_is_refused_and_the_store_stays(busy: Town) -> None:
    before = database(busy).read_bytes()
    (busy.folder / "picture.db").write_bytes(b"\x89PNG and so on")
    said = busy.says("db", "restore", str(busy.folder / "picture.db"))
    assert said.code == 2
    assert "is not a backup of loopbot" in said.err
    assert database(busy).read_bytes() == before


def test_a_sweep_accounts_for_every_record(busy: Town) -> None:
    said = busy.says("sweep")
    assert said.code == 0, said.out + said.err
    assert "none is missing" in said.out
    assert said.out.count("read") >= 4
    assert "none is missing" in busy.says("check").out


def test_a_deleted_issue_and_a_moved_one_are_told_apart(busy: Town) -> None:
    """L1."""
    first, second, *_ = busy.estate.jira.issues()
    third = busy.estate.jira.create_issue("LOOP", "Stays").key
    busy.says("once")
    busy.estate.jira.delete(first.key)
    busy.estate.jira.archive(second.key)
    (stream,) = busy.says("sweep", "jira:issue", "--json").json["streams"]
    assert (stream["gone"], stream["elsewhere"], stream["unexplained"]) == (1, 1, 0), stream["statement"]
    assert busy.says("explain", third).code == 0
    assert busy.says("explain", first.key).code == 2


def test_incidents_that_rights_hide_are_not_deleted(busy: Town) -> None:
    """A2."""
    rows = busy.estate.servicenow.rows("incident")
    busy.estate.servicenow.hide_row("incident", rows[0]["number"])
    busy.estate.servicenow.delete("incident", rows[1]["number"])
    said = busy.says("sweep", "servicenow:incident", "--json")
    (stream,) = said.json["streams"]
    assert (stream["gone"], stream["unexplained"]) == (1, 1), stream["statement"]
    assert "may not see it" in stream["why"]
    assert said.code == 1, "somebody should look"


def test_a_stream_that_is_not_read_is_told_with_those_that_are(busy: Town) -> None:
    said = busy.says("sweep", "jira:incident")
    assert said.code == 2
    assert "jira:issue" in said.err
