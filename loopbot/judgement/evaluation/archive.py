"""Reads the files of tickets, changes and known causes, and lets them come into a store in the order of time."""

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import cast

from loopbot.domain.records import Change, Issue, Link, Record, Ref, Release
from loopbot.judgement.evaluation.figures import NotMeasuredError
from loopbot.judgement.evaluation.files import moment_of, named, rows_in
from loopbot.ports import Store, Tx

TICKETS, CHANGES, PAIRS = "apache_jira_*bugs.csv.gz", "apache_jira_changes.csv.gz", "apache_jira_cause_pairs.csv.gz"
_TICKET = ("key", "created", "summary")
_CHANGE = ("change_key", "first_commit")
_PAIR = ("incident_key", "cause_key")
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


def read_archive(folders: Sequence[Path]) -> Archive:
    """Tickets, changes and causes of the Jira files; a later file's row stands for an earlier one's of the same key."""
    tickets: dict[str, Issue] = {}
    releases: dict[Ref, Release] = {}
    for row in _every(folders, TICKETS, _TICKET):
        created = moment_of(row["created"])
        if row["key"] and created is not None:
            tickets[row["key"]] = _ticket(row, created)
            releases |= {one.ref: one for one in _releases(row)}
    changes: dict[str, Change] = {}
    for row in _every(folders, CHANGES, _CHANGE):
        begun = moment_of(row["first_commit"])
        if row["change_key"] and begun is not None:
            changes[row["change_key"]] = _change(row, begun)
    if not tickets or not changes:
        raise NotMeasuredError(_missing(folders, *((CHANGES, _CHANGE) if tickets else (TICKETS, _TICKET))))
    causes: dict[str, set[Ref]] = {}
    for row in _every(folders, PAIRS, _PAIR):
        if row.get("git_pool") == "True" or row["cause_key"] in changes:
            causes.setdefault(row["incident_key"], set()).add(Ref("git", "change", row["cause_key"]))
    every: list[tuple[datetime, Record]] = [(one.occurred_at, one) for one in (*tickets.values(), *changes.values())]
    every += [(one.released_at, one) for one in releases.values() if one.released_at]
    every.sort(key=lambda one: (one[0], one[1].ref))
    return Archive(every, tickets, {key: frozenset(found) for key, found in causes.items()}, changes)


def with_causes(folder: Path) -> frozenset[str]:
    """The tickets of which a folder tells the cause, wherever they themselves and the change are told."""
    return frozenset(row["incident_key"] for row in rows_in(folder, PAIRS, _PAIR) if row["incident_key"])


def _every(folders: Iterable[Path], pattern: str, needed: Sequence[str]) -> Iterator[Mapping[str, str]]:
    for folder in folders:
        yield from rows_in(folder, pattern, needed)


def _missing(folders: Sequence[Path], pattern: str, needed: Sequence[str]) -> str:
    places = " or ".join(str(folder) for folder in folders)
    if any(named(folder, pattern) for folder in folders):
        return f"no row of {pattern} in {places} has {' and '.join(needed[:2])}"
    return f"there is no {pattern} in {places}"


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


def _ticket(row: Mapping[str, str], created: datetime) -> Issue:
    project = row["key"].rpartition("-")[0]
    versions = ", ".join(_listed(row.get("affects_versions")))
    return Issue(
        ref=Ref("jira", "issue", row["key"]),
        ident=row["key"],
        title=row["summary"],
        text=row.get("description") or "",
        state="todo",
        opened_at=created,
        updated_at=created,
        project=project,
        services=frozenset({project, *_listed(row.get("components"))}),
        extra={"versions": versions} if versions else {},
    )


def _releases(row: Mapping[str, str]) -> Iterator[Release]:
    project = row["key"].rpartition("-")[0]
    for part in _listed(row.get("fix_versions")):
        name, _, day = part.partition("@")
        at = moment_of(day)
        if name.strip() and at is not None:
            yield Release(
                ref=Ref("jira", "release", f"{project}/{name.strip()}"),
                ident=f"{project}/{name.strip()}",
                title=name.strip(),
                state="released",
                updated_at=at,
                opened_at=at,
                released_at=at,
            )


def _change(row: Mapping[str, str], at: datetime) -> Change:
    key = row["change_key"]
    ref = Ref("git", "change", key)
    return Change(
        ref=ref,
        ident=row.get("sha") or key,
        title=row.get("subject") or "",
        text=(row.get("files") or "").replace("|", "\n"),
        state="closed",
        outcome="successful",
        updated_at=at,
        opened_at=at,
        started_at=at,
        services=frozenset({key.rpartition("-")[0]}),
        links=(Link(ref, "delivers", Ref("jira", "issue", key), by="system:git"),),
    )


def _listed(cell: str | None) -> list[str]:
    """What stands between the bars of a cell."""
    return [one.strip() for one in (cell or "").split("|") if one.strip()]
