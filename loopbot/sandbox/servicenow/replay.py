"""Plays a recorded incident log into the twin, faithfully: the log's own stamps and counters, row after row."""

import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from loopbot.sandbox.servicenow.log import UNKNOWN, Log, moment
from loopbot.sandbox.servicenow.log_fields import HOLD_REASONS, LOG_FIELDS, described, stable_id, translations
from loopbot.sandbox.servicenow.rows import Row
from loopbot.sandbox.servicenow.twin import ServiceNowTwin


class Truth(NamedTuple):
    """How an incident stands in the log: the log's word for its state, the group's name ("" unknown), the counter."""

    state: str
    assignment_group: str
    sys_mod_count: int


class Replay:
    """One playing of a log; not to be advanced from two threads at once."""

    def __init__(self, log: Log, twin: ServiceNowTwin) -> None:
        self.twin = twin
        self._log = log
        self._position = 0
        self._last: dict[str, int] = {}
        self.start = moment(log.value("sys_updated_at", log.order[0]))
        self.end = moment(log.value("sys_updated_at", log.order[-1]))
        self.present = self.start - timedelta(minutes=1)
        """The log's time up to which everything is played."""
        for field, kind in LOG_FIELDS.items():
            twin.add_field("incident", field, kind)
        twin.storage.schema.choices["incident", "hold_reason"].update(HOLD_REASONS)
        # Each distinct value is translated once, not each row: the groups and users are made here as well.
        self._fields = [
            (field, log.columns[column].codes, tuple(map(translated, log.columns[column].values)))
            for field, column, translated in translations(self._reference)
            if column in log.columns
        ]

    @classmethod
    def from_csv(cls, path: Path, twin: ServiceNowTwin) -> "Replay":
        """A replay of a log file."""
        return cls(Log.from_csv(path), twin)

    @property
    def rows(self) -> int:
        """How many rows the log has."""
        return len(self._log)

    @property
    def rows_played(self) -> int:
        """How many of them the twin has been through."""
        return self._position

    @property
    def incidents(self) -> int:
        """How many incidents the whole log is about."""
        return len(self._log.columns["number"].values)

    @property
    def done(self) -> bool:
        """Whether the whole log is played."""
        return self._position == len(self._log)

    def advance(self, to: datetime) -> int:
        """Play all rows stamped up to `to`; returns how many."""
        limit, stamps, order = to.strftime("%Y-%m-%dT%H:%M"), self._log.columns["sys_updated_at"], self._log.order
        last = self._position
        while last < len(order) and stamps.values[stamps.codes[order[last]]] <= limit:
            last += 1
        self.present = max(self.present, to)
        return self.play(last - self._position)

    def play(self, count: int) -> int:
        """Play the next `count` rows, even where that stops within a minute; returns how many there were."""
        chosen = self._log.order[self._position : self._position + count]
        with self.twin.storage.lock:
            for index in chosen:
                row = self._row(index)
                self.twin.storage.put("incident", row)
                self._last[row["number"]] = index
            self._position += len(chosen)
        if chosen:
            self.present = max(self.present, moment(self._log.value("sys_updated_at", chosen[-1])))
        return len(chosen)

    def run(self, speed: float, stop: threading.Event, chunk: int = 1000, patience: float = 30.0) -> None:
        """Play until the end or `stop`: `speed` seconds of the log in each second.

        With speed 0, as fast as the reader keeps up: `chunk` rows, then wait until a list of incidents was read to its end
        (or `patience` seconds passed without one, so that a reader that went away holds nothing up).
        """
        if speed > 0:
            self._run_timed(speed, stop)
            return
        while not self.done and not stop.is_set():
            with self.twin.storage.lock:
                # Counted under the lock that answers are made under: what was read before these rows does not count.
                self.play(chunk)
                before = self.twin.finished("incident")
            waited = 0.0
            while waited < patience and not stop.is_set() and not self.twin.wait_finished("incident", before, 0.2):
                waited += 0.2

    def truth(self) -> dict[str, Truth]:
        """Every incident that has begun, as it stands in the log at present, by the twin's number (INC0000045)."""
        with self.twin.storage.lock:
            return {number: self._truth(index) for number, index in self._last.items()}

    def _run_timed(self, speed: float, stop: threading.Event) -> None:
        tick = 0.05
        at = self.start
        while not self.done and not stop.is_set():
            self.advance(at)
            stop.wait(tick)
            at += timedelta(seconds=speed * tick)

    def _truth(self, index: int) -> Truth:
        group = self._log.value("assignment_group", index)
        return Truth(
            self._log.value("incident_state", index),
            "" if group in UNKNOWN else f"Group {group}",
            int(self._log.value("sys_mod_count", index)),
        )

    def _row(self, index: int) -> Row:
        row = {"sys_class_name": "incident", "sys_domain": "global", "sys_domain_path": "/"}
        for field, codes, values in self._fields:
            value = values[codes[index]]
            if value:
                row[field] = value
        if "opened_at" in row:
            row.setdefault("sys_created_on", row["opened_at"])
        return row

    def _reference(self, table: str, name: str) -> str:
        """The sys_id of what the log refers to, with its row: the group 56 is the row "Group 56"."""
        sys_id = stable_id(table, name)
        if self.twin.storage.find(table, sys_id) is None:
            self.twin.insert(table, described(table, name) | {"sys_id": sys_id})
        return sys_id
