"""Backups of a SQLite store: made while it is in use, refused when they can not be trusted; and what a bad disk does."""

import shutil
import sqlite3
import threading
from collections import namedtuple
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from loopbot.domain.errors import ConfigError, StoreTrouble
from loopbot.store import SqlStore, backups, open_store
from loopbot.store.schema import REVISIONS
from tests.support.made import comment, incident


@pytest.fixture
def home(tmp_path: Path, tables: dict[str, str]) -> Path:
    path = tmp_path / "loopbot.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(f"PRAGMA journal_mode = WAL; BEGIN; {tables['sqlite']}; COMMIT")
    return path


def opened(path: Path) -> SqlStore:
    return open_store(f"sqlite:///{path}")


def test_a_backup_made_while_it_is_written_to_is_whole(home: Path, tmp_path: Path) -> None:
    store, stop = opened(home), threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            with store.write() as tx:  # both, or neither
                tx.mirror.put([incident(number)])
                tx.outbox.plan([comment(number)])

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(3):
            store.backup(tmp_path / f"backup{number}.db")
    finally:
        stop.set()
        writer.join()
        store.close()
    for number in range(3):
        backup = tmp_path / f"backup{number}.db"
        assert datetime.now(UTC) - backups.inspected(backup) < timedelta(minutes=5)
        assert backup.stat().st_mode & 0o777 == 0o600
        copy = opened(backup)
        with copy.read() as tx:
            assert tx.mirror.count("servicenow", "incident") == sum(tx.outbox.counts().values())
        copy.close()


def test_a_backup_never_overwrites_anything(home: Path, tmp_path: Path) -> None:
    store = opened(home)
    (tmp_path / "kept").write_text("precious")
    with pytest.raises(ConfigError, match="is there already"):
        store.backup(tmp_path / "kept")
    with pytest.raises(ConfigError, match="could not be written"):
        store.backup(tmp_path / "nowhere" / "backup.db")
    store.close()


def test_what_is_put_back_is_the_backup_and_the_former_file_is_kept(home: Path, tmp_path: Path) -> None:
    store = opened(home)
    with store.write() as tx:
        tx.mirror.put([incident(1)])
    store.backup(tmp_path / "backup.db")
    with store.write() as tx:
        tx.mirror.put([incident(2)])
    store.close()
    former = backups.put_back(tmp_path / "backup.db", home)
    for path, count in ((home, 1), (former, 2)):
        assert path is not None
        store = opened(path)
        with store.read() as tx:
            assert tx.mirror.count("servicenow", "incident") == count
        store.close()


@pytest.mark.parametrize("content", [b"", b"not a database at all, but long enough to be looked at" * 20])
def test_a_backup_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "backup.db").write_bytes(content)
    with pytest.raises(ConfigError, match="is not a backup of loopbot"):
        backups.inspected(tmp_path / "backup.db")
    with pytest.raises(ConfigError, match="no such backup"):
        backups.inspected(tmp_path / "other.db")


def damaged(path: Path) -> None:
    with path.open("r+b") as file:
        size = file.seek(0, 2)
        file.seek(size // 2)
        file.write(b"\xa5" * min(20_000, size // 3))


def test_a_damaged_backup_is_refused(home: Path, tmp_path: Path) -> None:
    store = opened(home)
    with store.write() as tx:
        tx.mirror.put([incident(number) for number in range(500)])
    store.backup(tmp_path / "backup.db")
    store.close()
    damaged(tmp_path / "backup.db")
    with pytest.raises(ConfigError, match=r"damaged|not a backup"):
        backups.inspected(tmp_path / "backup.db")


def test_a_backup_of_a_newer_loopbot_is_refused(home: Path, tmp_path: Path) -> None:
    """D5."""
    store = opened(home)
    store.backup(tmp_path / "backup.db")
    store.close()
    with closing(sqlite3.connect(tmp_path / "backup.db")) as backup:
        backup.execute("UPDATE alembic_version SET version_num = '9999'")
        backup.commit()
    with pytest.raises(ConfigError, match=f"no later one than {REVISIONS[-1]}"):
        backups.inspected(tmp_path / "backup.db")


def test_a_damaged_store_is_told_with_the_remedy(home: Path) -> None:
    """D3."""
    store = opened(home)
    with store.write() as tx:
        tx.mirror.put([incident(number) for number in range(500)])
    store.close()
    backups.check(home)
    damaged(home)
    with pytest.raises(ConfigError) as told:
        backups.check(home)
    assert "loopbot db restore" in told.value.hint


def test_a_full_disk_loses_the_transaction_and_nothing_else(home: Path) -> None:
    """D2: what was committed stays, what could not be is told, and it goes on once there is room."""
    store = opened(home)
    with store.write() as tx:
        tx.mirror.put([incident(1)])
    with store._database.writer.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreTrouble, match="nothing can be written") as told, store.write() as tx:
        tx.mirror.put([incident(number, text="x" * 5000) for number in range(2, 500)])
    assert "make room" in told.value.hint
    with store.read() as tx:
        assert tx.mirror.count("servicenow", "incident") == 1
    with store._database.writer.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    with store.write() as tx:
        tx.mirror.put([incident(number, text="x" * 5000) for number in range(2, 500)])
        assert tx.mirror.count("servicenow", "incident") == 499
    store.close()


def test_little_room_on_the_disk_is_noticed_before_it_is_full(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = opened(home)
    assert store.short_of_room() == ""
    usage = namedtuple("usage", "total used free")  # noqa: PYI024 - as shutil has it
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(10**12, 10**12, 3_000_000))
    assert "only 3 MB are free" in store.short_of_room()
    store.close()


def test_a_store_that_someone_holds_is_waited_for_and_then_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """D1."""
    monkeypatch.setattr("loopbot.store.database.BUSY_SECONDS", 0.2)
    store = opened(home)
    with closing(sqlite3.connect(home, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreTrouble, match="someone else held it"), store.write() as tx:
            tx.mirror.put([incident(1)])
        other.execute("ROLLBACK")
    with store.write() as tx:
        tx.mirror.put([incident(1)])
    store.close()
