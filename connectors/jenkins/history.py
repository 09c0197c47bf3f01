"""The builds of one job as they are remembered between readings."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

import orjson

from connectors.jenkins.lineage import Known, Lineage
from connectors.jenkins.mapping import Build, Change
from loopbot.ci.commits import Commit, Span
from loopbot.ci.successes import Success, Successes, successes_of
from loopbot.domain.holdings import SHORT

# So many builds of a job are remembered, as far as their messages fit into so many characters, and their paths into fewer: the
# cursor is written with each page.
_KEPT: Final = 200
# What is older than every success that is remembered is of no use any more, but the newest may still be named or described.
_NEWEST: Final = 30
# A parameter may name an environment for each branch.
_ENVIRONMENTS: Final = 50
_MESSAGES: Final = 120_000
_PATHS: Final = 40_000
_NAMED: Final = 5


@dataclass(slots=True)
class History:
    """One job as last read. Up to `floor` all is over and forgotten; `begun_at` is when the newest build was (ISO, UTC)."""

    floor: int = 0
    begun_at: str = ""
    builds: dict[int, Known] = field(default_factory=dict)
    pending: set[int] = field(default_factory=set)
    live: Successes = field(default_factory=Successes)

    @property
    def newest(self) -> int:
        """The greatest number seen."""
        return max(self.builds, default=self.floor)

    def note(self, build: Build) -> None:
        """Remember a build as it is now."""
        known = self.builds.get(build.number)
        after = known.after if known else None
        changes = tuple(
            Change(Commit(one.commit.sha[:SHORT], one.commit.message, one.commit.made_at), one.files)
            for one in build.changes
        )
        revision, branch = build.revision[:SHORT], build.branch
        self.builds[build.number] = Known(build.summary.mark, revision, branch, changes, build.cut, after)
        if build.summary.begun_at is not None:
            self.begun_at = max(self.begun_at, build.summary.begun_at.isoformat())
        if build.summary.state == "running":
            self.pending.add(build.number)
        else:
            self.pending.discard(build.number)

    def trim(self) -> None:
        """Forget what is long past; what still runs stays."""
        self.live.keep(_ENVIRONMENTS)
        messages, paths = _MESSAGES, _PATHS
        used = min((one.ident for rows in self.live.live.values() for one in rows), default=0)
        for place, number in enumerate(sorted(self.builds, reverse=True)):
            known = self.builds[number]
            messages, paths = messages - known.size[0], paths - known.size[1]
            if paths < 0:
                known.changes = tuple(Change(one.commit) for one in known.changes)
            if place >= _KEPT or (place >= _NEWEST and number < used) or (place and messages < 0):
                self.floor = max(self.floor, number)
        self.builds = {
            number: one for number, one in self.builds.items() if number > self.floor or number in self.pending
        }

    def lineage(self) -> Lineage:
        """Which commits each of the builds holds."""
        return Lineage(self.builds)

    def between(self, base: Success, number: int, environment: str) -> tuple[Span, Span]:
        """What a build brings to an environment after the success before, and what it takes away."""
        lineage = self.lineage()
        after, before = lineage.contents(number), lineage.contents(base.ident)
        if after.root == before.root:
            forth, back = _span(after.without(before.changes)), _span(before.without(after.changes))
        else:
            # Branches share commits from before they were first built, which no change set names. What is known to have been
            # brought there is not brought again.
            had = [
                lineage.contents(one.ident).changes
                for one in self.live.live.get(environment, [])
                if one.ident != number
            ]
            forth, back = _span(after.without({sha: one for changes in had for sha, one in changes.items()})), Span("")
            forth.left_out.append(
                f"no change set leads here from #{base.ident}: what else it brought or took is not known"
            )
        if not back.commits:
            forth.left_out += self._unknown(base.ident, number, after.chain, lineage)
        return forth, back

    def own(self, number: int) -> Span:
        """What the build's own change sets name."""
        return _span(self.builds[number].changes)

    def _unknown(self, base: int, number: int, chain: Sequence[int], lineage: Lineage) -> list[str]:
        """What is not known of the builds after one up to another, in words."""
        told: list[str] = []
        if base <= self.floor and base not in self.builds:
            told.append(f"what the builds up to #{self.floor} brought is not remembered")
        between = range(max(base, self.floor) + 1, number + 1)
        line = sorted(one for one in chain if one in between)
        found = {
            # People may also let the numbers leap, so they are not all written down.
            "deleted before loopbot read it": islice((one for one in between if one not in self.builds), _NAMED + 1),
            "no change set": (one for one in line if one not in self.pending and lineage.silent(one)),
            "only the first commits were looked at": (one for one in line if self.builds[one].cut),
        }
        return told + [f"{shown}: {what}" for what, numbers in found.items() if (shown := _numbers(numbers))]


def loaded(position: str, jobs: Iterable[str]) -> dict[str, History]:
    """The history of each job, empty for those never read."""
    told = orjson.loads(position) if position else {}
    return {name: _history(told.get(name, {})) for name in jobs}


def dumped(histories: Mapping[str, History]) -> str:
    """The cursor."""
    return orjson.dumps({name: _shown(one) for name, one in histories.items()}).decode()


def _span(changes: Iterable[Change]) -> Span:
    kept = list(changes)
    files = [path for one in reversed(kept) for path in one.files]
    return Span(kept[-1].commit.sha if kept else "", [one.commit for one in kept], files=files)


def _numbers(numbers: Iterable[int]) -> str:
    named = [f"#{one}" for one in numbers]
    return ", ".join(named[:_NAMED]) + (" ..." if len(named) > _NAMED else "")


def _history(told: Mapping[str, Any]) -> History:
    return History(
        told.get("floor", 0),
        told.get("begun_at", ""),
        {int(number): _known(one) for number, one in told.get("builds", {}).items()},
        set(told.get("pending", [])),
        successes_of(told.get("live", {})),
    )


def _known(told: Sequence[Any]) -> Known:
    mark, revision, branch, changes, cut, after = told
    made = (
        Change(Commit(sha, message, datetime.fromtimestamp(at, UTC) if at else None), tuple(files))
        for sha, message, at, files in changes
    )
    return Known(mark, revision, branch, tuple(made), cut, after)


def _shown(one: History) -> Mapping[str, Any]:
    return {
        "floor": one.floor,
        "begun_at": one.begun_at,
        "builds": {
            str(number): [
                known.mark,
                known.revision,
                known.branch,
                [*map(_change, known.changes)],
                known.cut,
                known.after,
            ]
            for number, known in one.builds.items()
        },
        "pending": sorted(one.pending),
        "live": one.live.dumped(),
    }


def _change(one: Change) -> list[Any]:
    at = one.commit.made_at
    return [one.commit.sha, one.commit.message, int(at.timestamp()) if at else 0, list(one.files)]
