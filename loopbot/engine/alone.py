"""One daemon a SQLite file: a lock of the operating system, which a killed process can not leave behind."""

import fcntl
import os
import socket
from pathlib import Path
from types import TracebackType
from typing import Self

from loopbot.domain.errors import UserError


class Alone:
    """Held while a daemon runs; raises UserError naming pid and host where another one holds it."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(database.name + ".lock")
        self._file: int | None = None

    def __enter__(self) -> Self:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            why = f"the store can not be used: {error.strerror}"
            raise UserError(str(self._path.with_suffix("")), why, "may loopbot write to that folder?") from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            who = os.pread(self._file, 200, 0).decode("utf-8", "replace").strip() or "another process"
            os.close(self._file)
            self._file = None
            what = f"another loopbot is at work on this store: {who}"
            raise UserError(
                str(self._path.with_suffix("")), what, "stop it first, or use Postgres for more than one"
            ) from None
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"pid {os.getpid()} on {socket.gethostname()}\n".encode(), 0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
