"""Reads the files of tickets, changes and known causes, and lets them come into a store in the order of time."""

import csv
import gzip
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from loopbot.domain.records import Change, Issue, Link, Record, Ref, Release
from loopbot.judgement.evaluation.figures import NotMeasuredError
from loopbot.ports import Store, Tx

_LONGEST = 10_000_000
_PUT = 500


@dataclass(frozen=True, slots=True)
class KnownCause:
    """A ticket and the changes that caused it (empty: nobody said). `outspoken`: nobody recorded it, its own words do."""

    ticket: Issue
    causes: frozenset[Ref]
    outspoken: bool = False


@dataclass(frozen=True, slots=True)
class Archive:
    """What the files hold: records with the moment from which they are known, and tickets whose cause is known."""

    records: Sequence[tuple[datetime, Record]]
    tickets: dict[str, Issue] = field(default_factory=dict)
    causes: dict[str, frozenset[Ref]] = field(default_factory=dict)
    changes: dict[str, Change] = field(default_factory=dict)

    def known(self, keys: Iterable[str]) -> list[KnownCause]:
        """Those of the tickets, in order of time, with the causes that were there before them."""
        found = []
        for key in keys:
            ticket = self.tickets.get(key)
            if ticket is None or ticket.opened_at is None:
                continue
            causes = frozenset(
                ref
                for ref in self.causes.get(key, frozenset())
                if ref.key in self.changes and self.changes[ref.key].occurred_at < ticket.opened_at
            )
            found.append(KnownCause(ticket, causes))
        return sorted(found, key=lambda one: (one.ticket.occurred_at, one.ticket.ref))


def rows(folders: Iterable[Path], pattern: str) -> Iterator[dict[str, str]]:
    """The rows of the files of that name in the folders, the earlier folder first."""
    csv.field_size_limit(_LONGEST)
    for folder in folders:
        for path in sorted(folder.glob(pattern)):
            with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
                yield from csv.DictReader(file)


def read_archive(folders: Sequence[Path]) -> Archive:
    """Tickets, changes and causes of the Jira files; a later file's row stands for an earlier one's of the same key."""
    tickets: dict[str, Issue] = {}
    releases: dict[Ref, Release] = {}
    for row in rows(folders, "apache_jira_*bugs.csv.gz"):
        tickets[row["key"]] = _ticket(row)
        releases |= {one.ref: one for one in _releases(row)}
    changes = {row["change_key"]: _change(row) for row in rows(folders, "apache_jira_changes.csv.gz")}
    if not tickets or not changes:
        missing = "apache_jira_*bugs.csv.gz" if not tickets else "apache_jira_changes.csv.gz"
        raise NotMeasuredError(f"there is no {missing} in {', '.join(str(folder) for folder in folders)}")
    causes: dict[str, set[Ref]] = {}
    for row in rows(folders, "apache_jira_cause_pairs.csv.gz"):
        if row.get("git_pool") == "True" or row["cause_key"] in changes:
            causes.setdefault(row["incident_key"], set()).add(Ref("git", "change", row["cause_key"]))
    every: list[tuple[datetime, Record]] = [(one.occurred_at, one) for one in (*tickets.values(), *changes.values())]
    every += [(one.released_at, one) for one in releases.values() if one.released_at]
    every.sort(key=lambda one: (one[0], one[1].ref))
    return Archive(every, tickets, {key: frozenset(found) for key, found in causes.items()}, changes)


@contextmanager
def growing_store(archive: Archive) -> "Iterator[Growing]":
    """A store of its own into which the archive comes as time goes on."""
    from loopbot.store import open_store

    with tempfile.TemporaryDirectory(prefix="loopbot-evaluate-") as folder:
        store = cast("Store", open_store(f"sqlite:///{Path(folder) / 'evaluate.db'}"))
        try:
            yield Growing(store, archive.records)
        finally:
            store.close()


@dataclass
class Growing:
    """A store and how far the archive has come into it."""

    store: Store
    records: Sequence[tuple[datetime, Record]]
    place: int = 0

    def until(self, moment: datetime) -> None:
        """Let everything come that was there before the moment."""
        while self.place < len(self.records) and self.records[self.place][0] < moment:
            some: list[Record] = []
            while len(some) < _PUT and self.place < len(self.records) and self.records[self.place][0] < moment:
                some.append(self.records[self.place][1])
                self.place += 1
            with self.store.write() as tx:
                _enter(tx, some)


def _enter(tx: Tx, records: Sequence[Record]) -> None:
    tx.mirror.put(records)
    tx.links.state([one for one in records if one.links])


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text.strip())
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _ticket(row: dict[str, str]) -> Issue:
    project = row["key"].rpartition("-")[0]
    created = _moment(row["created"])
    parts = [one.strip() for one in row["components"].split("|") if one.strip()]
    versions = ", ".join(one.strip() for one in row["affects_versions"].split("|") if one.strip())
    return Issue(
        ref=Ref("jira", "issue", row["key"]),
        ident=row["key"],
        title=row["summary"],
        text=row["description"],
        state="todo",
        opened_at=created,
        updated_at=created,
        project=project,
        services=frozenset({project, *parts}),
        extra={"versions": versions} if versions else {},
    )


def _releases(row: dict[str, str]) -> Iterator[Release]:
    project = row["key"].rpartition("-")[0]
    for part in row["fix_versions"].split("|"):
        name, _, day = part.partition("@")
        if name.strip() and day.strip():
            at = _moment(day)
            yield Release(
                ref=Ref("jira", "release", f"{project}/{name.strip()}"),
                ident=f"{project}/{name.strip()}",
                title=name.strip(),
                state="released",
                updated_at=at,
                opened_at=at,
                released_at=at,
            )


def _change(row: dict[str, str]) -> Change:
    key = row["change_key"]
    at = _moment(row["first_commit"])
    ref = Ref("git", "change", key)
    return Change(
        ref=ref,
        ident=row["sha"],
        title=row["subject"],
        text=row["files"].replace("|", "\n"),
        state="closed",
        outcome="successful",
        updated_at=at,
        opened_at=at,
        started_at=at,
        services=frozenset({key.rpartition("-")[0]}),
        links=(Link(ref, "delivers", Ref("jira", "issue", key), by="system:git"),),
    )
