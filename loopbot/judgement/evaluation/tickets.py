"""Files of tickets with known duplicates, as records: one pool a project, each ticket with the earlier ones it repeats."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from loopbot.domain.records import Incident, Ref
from loopbot.judgement.evaluation.figures import NotMeasuredError
from loopbot.judgement.evaluation.files import moment_of, named, rows_in

_KEY = re.compile(r"\b[A-Z][A-Z0-9]{1,15}-\d{1,7}\b")
_MANY = re.compile(r"[;|,]")
_SAYS_THE_SAME = frozenset({"duplicate", "cloners"})
"""Kinds of links, and of endings, by which people say that a ticket repeats another one."""


_NO_GROUPS: Mapping[Ref, str] = {}


@dataclass(frozen=True, slots=True)
class Pool:
    """The tickets of one project, oldest first; `groups` holds those that tell of the same pain, by a name for the group.

    `in_history`: those that stand in the history alone; they are candidates, and never asked for. `repeating`: those of which
    somebody said that they repeat another one, which need not be among the tickets: closed as a duplicate, linked as one.
    `taught`: the groups as the history alone tells them.
    """

    name: str
    tickets: tuple[Incident, ...]
    groups: dict[Ref, str]
    in_history: frozenset[Ref] = frozenset()
    repeating: frozenset[Ref] = frozenset()
    taught: Mapping[Ref, str] = field(default_factory=lambda: _NO_GROUPS)

    def earlier(self, ticket: Incident) -> frozenset[Ref]:
        """The earlier tickets of the pool that it repeats."""
        return self._before(ticket, self.groups)

    def known_earlier(self, ticket: Incident) -> frozenset[Ref]:
        """Those of them that the history itself tells."""
        return self._before(ticket, self.taught)

    def _before(self, ticket: Incident, groups: Mapping[Ref, str]) -> frozenset[Ref]:
        mine = groups.get(ticket.ref)
        if mine is None:
            return frozenset()
        moment = (ticket.occurred_at, ticket.ref)
        return frozenset(
            one.ref for one in self.tickets if groups.get(one.ref) == mine and (one.occurred_at, one.ref) < moment
        )


def pools(data: Path, history: Path | None) -> list[Pool]:
    """What is in the folders; raises NotMeasuredError where nothing is there that can be asked for. What both hold is taken once."""
    found = [*_jira(data, history), *_gitbugs(data, history)]
    if not any(pool.groups for pool in found):
        message = (
            f"{data} holds no apache_jira_*_bugs.csv.gz with apache_jira_dup_groups.csv.gz, and no gitbugs_*.csv.gz"
        )
        raise NotMeasuredError(message)
    if not any(pool.earlier(one) for pool in found for one in pool.tickets if one.ref not in pool.in_history):
        where = f"there or in {history}" if history else "there"
        raise NotMeasuredError(
            f"no ticket of {data} has an earlier one, {where}, of which people said that it is the same"
        )
    return found


def _jira(data: Path, history: Path | None) -> Iterator[Pool]:
    tickets: dict[str, dict[str, Incident]] = defaultdict(dict)
    old: dict[str, set[str]] = defaultdict(set)
    repeating = _linked(data, history)
    for folder in (history, data):
        for row in rows_in(folder, "apache_jira_*_bugs.csv.gz", ("key", "created", "summary")):
            key, opened = row["key"], moment_of(row["created"])
            if not key or opened is None:
                continue
            project = key.rpartition("-")[0]
            tickets[project][key] = _ticket(project, key, opened, row)
            (old[project].add if folder is history else old[project].discard)(key)
            if _closed_as_the_same(row):
                repeating.add(key)
    groups, taught = _grouped(history, data), _grouped(history)
    for project in sorted(tickets):
        pool = pool_of(project, list(tickets[project].values()), groups, old[project], repeating)
        yield replace(pool, taught=_by_ref(pool.tickets, taught))


def _grouped(*folders: Path | None) -> Mapping[str, str]:
    """The group of each key. Groups that share a key are one; those of the same name are, where their rows together are as many as they say."""
    joined = Joined()
    members: dict[str, dict[Path, set[str]]] = defaultdict(lambda: defaultdict(set))
    sizes: dict[str, set[str]] = defaultdict(set)
    for folder in folders:
        for row in rows_in(folder, "apache_jira_dup_groups.csv.gz", ("group", "key")):
            if folder is not None and row["key"]:
                joined.join(row["key"], f"{folder} {row['group']}")
                members[row["group"]][folder].add(row["key"])
                sizes[row["group"]].add(row.get("group_size") or "")
    for name, mine in members.items():
        whole = len({key for keys in mine.values() for key in keys})
        if len(mine) > 1 and sizes[name] == {str(whole)}:
            one, other = mine
            joined.join(f"{one} {name}", f"{other} {name}")
    return joined.groups()


def _gitbugs(data: Path, history: Path | None) -> Iterator[Pool]:
    names = sorted(path.name.partition(".")[0] for path in named(data, "gitbugs_*.csv.gz"))
    for name in names:
        if not name.endswith("_dup_pairs"):
            yield _gitbugs_pool(name, data, history)


def _gitbugs_pool(name: str, data: Path, history: Path | None) -> Pool:
    tickets: dict[str, Incident] = {}
    old: set[str] = set()
    repeating: set[str] = set()
    for folder in (history, data):
        for row in rows_in(folder, f"{name}.csv.gz", ("Issue id", "Created", "Summary")):
            key, opened = row["Issue id"], moment_of(row["Created"])
            if key and opened is not None:
                said = {field.lower(): told for field, told in row.items() if told}
                tickets[key] = _ticket(name, key, opened, said)
                if _closed_as_the_same(said):
                    repeating.add(key)
                (old.add if folder is history else old.discard)(key)
    pool = pool_of(name, list(tickets.values()), _paired(name, history, data), old, repeating)
    return replace(pool, taught=_by_ref(pool.tickets, _paired(name, history)))


def _paired(name: str, *folders: Path | None) -> Mapping[str, str]:
    joined = Joined()
    for folder in folders:
        for row in rows_in(folder, f"{name}_dup_pairs.csv.gz", ("Issue id",)):
            others = " ".join(each for column, each in row.items() if each and column != "Issue id")
            for other in filter(None, re.split(r"[,;\s]+", others)):
                joined.join(row["Issue id"], other)
    return joined.groups()


def _linked(data: Path, history: Path | None) -> set[str]:
    """The keys at both ends of links that say so, whatever is at the other end."""
    return {
        key
        for folder in (history, data)
        for row in rows_in(folder, "apache_jira_links.csv.gz", ())
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
        _by_ref(ordered, groups),
        frozenset(one.ref for one in ordered if one.key in old),
        frozenset(one.ref for one in ordered if one.key in repeating),
    )


def _by_ref(tickets: Iterable[Incident], groups: Mapping[str, str]) -> dict[Ref, str]:
    return {one.ref: groups[one.key] for one in tickets if one.key in groups}


def _ticket(project: str, key: str, opened: datetime, row: Mapping[str, str]) -> Incident:
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
