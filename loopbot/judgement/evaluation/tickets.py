"""Files of tickets with known duplicates, as records: one pool a project, each ticket with the earlier ones it repeats."""

import csv
import gzip
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from loopbot.domain.records import Incident, Ref
from loopbot.judgement.evaluation.figures import NotMeasuredError

_KEY = re.compile(r"\b[A-Z][A-Z0-9]{1,15}-\d{1,7}\b")
_DATES = ("%d/%b/%y %H:%M", "%Y-%m-%d %H:%M:%S")
_MANY = re.compile(r"[;|,]")
_SAYS_THE_SAME = frozenset({"duplicate", "cloners"})
"""Kinds of links, and of endings, by which people say that a ticket repeats another one."""


@dataclass(frozen=True, slots=True)
class Pool:
    """The tickets of one project, oldest first; `groups` holds those that tell of the same pain, by a name for the group.

    `in_history`: those that stand in the history alone; they are candidates, and never asked for. `repeating`: those of which
    somebody said that they repeat another one, which need not be among the tickets: closed as a duplicate, linked as one.
    """

    name: str
    tickets: tuple[Incident, ...]
    groups: dict[Ref, str]
    in_history: frozenset[Ref] = frozenset()
    repeating: frozenset[Ref] = frozenset()

    def earlier(self, ticket: Incident) -> frozenset[Ref]:
        """The earlier tickets of the pool that it repeats."""
        mine = self.groups.get(ticket.ref)
        if mine is None:
            return frozenset()
        moment = (ticket.occurred_at, ticket.ref)
        return frozenset(
            one.ref for one in self.tickets if self.groups.get(one.ref) == mine and (one.occurred_at, one.ref) < moment
        )


def pools(data: Path, history: Path | None) -> list[Pool]:
    """What is in the folder; raises NotMeasuredError where there is nothing. What the history holds too is taken once."""
    found = [*_jira(data, history), *_gitbugs(data, history)]
    if not any(pool.groups for pool in found):
        message = (
            f"{data} holds no apache_jira_*_bugs.csv.gz with apache_jira_dup_groups.csv.gz, and no gitbugs_*.csv.gz"
        )
        raise NotMeasuredError(message)
    return found


def rows(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a gzipped CSV file; none where the file is not there."""
    if not path.exists():
        return
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    with gzip.open(path, "rt", encoding="utf-8", errors="replace", newline="") as lines:
        yield from csv.DictReader(lines)


def moment_of(text: str | None) -> datetime | None:
    """A time as such files write it; None where there is none."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        for form in _DATES:
            try:
                found = datetime.strptime(text, form)  # noqa: DTZ007 - made aware below
            except ValueError:
                continue
            break
        else:
            return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _jira(data: Path, history: Path | None) -> Iterator[Pool]:
    tickets: dict[str, dict[str, Incident]] = defaultdict(dict)
    old: dict[str, set[str]] = defaultdict(set)
    repeating = _linked(data, history)
    for folder in (history, data):
        for path in sorted(folder.glob("apache_jira_*_bugs.csv.gz")) if folder else ():
            for row in rows(path):
                key, opened = row.get("key") or "", moment_of(row.get("created"))
                if not key or opened is None:
                    continue
                project = key.rpartition("-")[0]
                tickets[project][key] = _ticket(project, key, opened, row)
                (old[project].add if folder is history else old[project].discard)(key)
                if _closed_as_the_same(row):
                    repeating.add(key)
    groups: dict[str, str] = {}
    for folder in (history, data):
        for row in rows(folder / "apache_jira_dup_groups.csv.gz") if folder else ():
            if row.get("key"):
                groups[row["key"]] = f"{'' if folder is data else 'old'}{row.get('group')}"
    for project in sorted(tickets):
        yield pool_of(project, list(tickets[project].values()), groups, old[project], repeating)


def _gitbugs(data: Path, history: Path | None) -> Iterator[Pool]:
    names = sorted(
        path.name.removesuffix(".csv.gz") for path in data.glob("gitbugs_*.csv.gz") if "_dup_pairs" not in path.name
    )
    for name in names:
        tickets: dict[str, Incident] = {}
        old: set[str] = set()
        repeating: set[str] = set()
        joined = Joined()
        for folder in (history, data):
            for row in rows(folder / f"{name}.csv.gz") if folder else ():
                key, opened = row.get("Issue id") or "", moment_of(row.get("Created"))
                if key and opened is not None:
                    said = {field.lower(): told for field, told in row.items() if told}
                    tickets[key] = _ticket(name, key, opened, said)
                    if _closed_as_the_same(said):
                        repeating.add(key)
                    (old.add if folder is history else old.discard)(key)
            for row in rows(folder / f"{name}_dup_pairs.csv.gz") if folder else ():
                one = row.get("Issue id") or ""
                others = " ".join(each for column, each in row.items() if each and column != "Issue id")
                for other in filter(None, re.split(r"[,;\s]+", others)):
                    joined.join(one, other)
        yield pool_of(name, list(tickets.values()), joined.groups(), old, repeating)


def _linked(data: Path, history: Path | None) -> set[str]:
    """The keys at both ends of links that say so, whatever is at the other end."""
    return {
        key
        for folder in (history, data)
        for row in (rows(folder / "apache_jira_links.csv.gz") if folder else ())
        if (row.get("link_type") or "").lower() in _SAYS_THE_SAME
        for key in (row.get("from_key"), row.get("to_key"))
        if key
    }


def _closed_as_the_same(row: Mapping[str, str]) -> bool:
    return (row.get("resolution") or "").lower() in _SAYS_THE_SAME


def pool_of(
    name: str,
    tickets: Sequence[Incident],
    groups: Mapping[str, str],
    old: AbstractSet[str],
    repeating: AbstractSet[str],
) -> Pool:
    """The tickets in their order, with what is known of each by its key."""
    ordered = tuple(sorted(tickets, key=lambda one: (one.occurred_at, one.ref)))
    return Pool(
        name,
        ordered,
        {one.ref: groups[one.key] for one in ordered if one.key in groups},
        frozenset(one.ref for one in ordered if one.key in old),
        frozenset(one.ref for one in ordered if one.key in repeating),
    )


def _ticket(project: str, key: str, opened: datetime, row: dict[str, str]) -> Incident:
    """A ticket as it was opened, the keys of other tickets masked: that one names the other would be no feat."""
    resolved = moment_of(row.get("resolved"))
    return Incident(
        ref=Ref(project, "incident", key),
        ident=key,
        title=_KEY.sub(" ", row.get("summary") or ""),
        text=_KEY.sub(" ", row.get("description") or ""),
        state="closed" if resolved else "new",
        opened_at=opened,
        updated_at=opened,
        resolved_at=resolved,
        services=frozenset(filter(None, map(str.strip, _MANY.split(row.get("components") or "")))),
    )


class Joined:
    """Pairs that become groups."""

    def __init__(self) -> None:
        self._under: dict[str, str] = {}

    def join(self, one: str, other: str) -> None:
        """Both are the same."""
        self._under[self._root(one)] = self._root(other)

    def groups(self) -> dict[str, str]:
        """Each member, and its group's name."""
        return {member: self._root(member) for member in self._under}

    def _root(self, member: str) -> str:
        self._under.setdefault(member, member)
        while self._under[member] != member:
            member = self._under[member]
        return member
