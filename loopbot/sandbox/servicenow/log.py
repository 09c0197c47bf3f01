"""A recorded incident log: one row for each version of an incident, kept by column so that a hundred thousand stay small."""

import csv
import gzip
import io
import random
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

COLUMNS = (
    "number",
    "incident_state",
    "active",
    "reassignment_count",
    "reopen_count",
    "sys_mod_count",
    "made_sla",
    "caller_id",
    "opened_by",
    "opened_at",
    "sys_created_by",
    "sys_created_at",
    "sys_updated_by",
    "sys_updated_at",
    "contact_type",
    "location",
    "category",
    "subcategory",
    "u_symptom",
    "cmdb_ci",
    "impact",
    "urgency",
    "priority",
    "assignment_group",
    "assigned_to",
    "knowledge",
    "u_priority_confirmation",
    "notify",
    "problem_id",
    "rfc",
    "vendor",
    "caused_by",
    "closed_code",
    "resolved_by",
    "resolved_at",
    "closed_at",
)
UNKNOWN = frozenset({"", "?"})


@dataclass(frozen=True, slots=True)
class Column:
    """The distinct values of a column, and which of them each row has."""

    values: tuple[str, ...]
    codes: Sequence[int]


class Log:
    """The rows of a log in the order in which they happened: by (sys_updated_at, sys_mod_count, row)."""

    def __init__(self, rows: Iterable[Sequence[str]], header: Sequence[str] = COLUMNS) -> None:
        """Take rows in the file's order; raises ValueError when a column that the replay needs is missing."""
        missing = {"number", "incident_state", "sys_mod_count", "sys_updated_at"} - set(header)
        if missing:
            raise ValueError(f"the log lacks the column {', '.join(sorted(missing))}")
        known: list[dict[str, int]] = [{} for _ in header]
        codes = [array("I") for _ in header]
        width = len(header)
        for number, row in enumerate(rows, 1):
            if len(row) != width:
                raise ValueError(f"row {number} of the log has {len(row)} values, not {width}")
            for value, seen, column in zip(row, known, codes, strict=True):
                column.append(seen.setdefault(value, len(seen)))
        self.columns: Mapping[str, Column] = {
            name: Column(tuple(seen), column) for name, seen, column in zip(header, known, codes, strict=True)
        }
        self.order = self._ordered()

    @classmethod
    def from_csv(cls, path: Path) -> "Log":
        """Read a CSV with a header row, compressed by gzip if its name ends so."""
        with path.open("rb") as raw:
            data = gzip.GzipFile(fileobj=raw) if path.suffix == ".gz" else raw
            reader = csv.reader(io.TextIOWrapper(data, "utf-8", newline=""))
            return cls(reader, next(reader))

    def __len__(self) -> int:
        return len(self.order)

    def value(self, column: str, row: int) -> str:
        """What stands in a row as it was read."""
        found = self.columns[column]
        return found.values[found.codes[row]]

    def _ordered(self) -> Sequence[int]:
        stamps, counts = self.columns["sys_updated_at"], self.columns["sys_mod_count"]
        ranks = {
            code: rank for rank, code in enumerate(sorted(range(len(stamps.values)), key=stamps.values.__getitem__))
        }
        sizes = [int(value) for value in counts.values]
        keys = [(ranks[stamp], sizes[count]) for stamp, count in zip(stamps.codes, counts.codes, strict=True)]
        return array("I", sorted(range(len(keys)), key=keys.__getitem__))


def moment(value: str) -> datetime:
    """A stamp of the log: UTC, to the minute."""
    return datetime.fromisoformat(value).replace(tzinfo=UTC)


def sample(seed: int = 0, incidents: int = 300) -> Log:
    """A small made-up log with a real one's awkwardness, for where the data is absent.

    Stamps to the minute with many rows in one, gaps in sys_mod_count, reassignments, reopenings, unknown values.
    """
    chance = random.Random(seed)
    start = datetime(2016, 2, 29, 1, 16, tzinfo=UTC)
    rows: list[list[str]] = []
    for number in range(1, incidents + 1):
        rows.extend(_versions(chance, f"{number:07d}", start + timedelta(minutes=chance.randrange(40 * incidents))))
    return Log(rows)


def _versions(chance: random.Random, number: str, opened: datetime) -> Iterator[list[str]]:
    """The life of one incident; a night job closes all of a day in the same few minutes."""
    row = dict.fromkeys(COLUMNS, "?") | {
        "number": number,
        "made_sla": "true",
        "caller_id": str(chance.randrange(1, 500)),
        "opened_at": _written(opened),
        "contact_type": "Phone",
        "location": str(chance.randrange(1, 20)),
        "category": str(chance.randrange(1, 9)),
        "impact": "2",
        "urgency": chance.choice("123"),
        "priority": "3",
        "knowledge": "false",
        "u_priority_confirmation": "false",
        "notify": "Do Not Notify",
        "sys_created_at": "",
        "resolved_at": "",
        "closed_at": "",
    }
    at, count, group, moved, reopened = opened, 0, chance.choice(["?", "70", "24"]), 0, 0
    path = (
        ["New"]
        + ["Active"] * chance.randrange(4)
        + chance.choices(["Awaiting User Info", "Awaiting Vendor", "Active"], k=2)
    )
    path += ["Resolved", *(["Active", "Resolved"] if chance.random() < 0.2 else []), "Closed"]
    for before, state in zip(["", *path], path, strict=False):
        if before:
            at += timedelta(minutes=chance.choice([0, 0, 1, 7, 55, 600]))
            count += chance.choice([1, 1, 1, 2, 4])
        if state == "Active" and chance.random() < 0.4:
            group, moved = str(chance.randrange(1, 70)), moved + 1
        reopened += before == "Resolved" and state == "Active"
        if state == "Closed":
            at = at.replace(hour=18, minute=40 + chance.randrange(3)) + timedelta(days=5)
        yield list(
            (
                row
                | {
                    "incident_state": state,
                    "active": "false" if state == "Closed" else "true",
                    "sys_mod_count": str(count),
                    "sys_updated_at": _written(at),
                    "sys_updated_by": str(chance.randrange(1, 90)),
                    "assignment_group": group,
                    "reassignment_count": str(moved),
                    "reopen_count": str(reopened),
                }
            ).values(),
        )


def _written(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M")
