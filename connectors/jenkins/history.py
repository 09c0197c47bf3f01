"""The builds of one job as they are remembered between readings: the one line of commits that Jenkins tells of.

Each change set is relative to the job's build before, whatever became of it. So the commits of all builds in a row are one
line, each build stands at some place of it, and what a deployment brings is what lies between the place of the success
before it and its own: forwards delivered, backwards withdrawn.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Final

import orjson

from connectors.jenkins.mapping import Build, Change
from loopbot.ci.commits import Commit, Span
from loopbot.ci.successes import Success, Successes, successes_of
from loopbot.domain.holdings import SHORT

# So many builds of a job are remembered, as far as their messages fit into so many characters, and their paths into fewer: the
# cursor is written with each page.
_KEPT: Final = 200
_MESSAGES: Final = 120_000
_PATHS: Final = 40_000
_NAMED: Final = 5

_ALL: Final = 1_000_000
Place = tuple[int, int]
"""How far along the line: a build's number, and how many of its commits."""


@dataclass(slots=True)
class Known:
    """A build that was read: the mark it had, the commit it was of, its commits; `after` is the success it was compared with.

    `cut`: its change set was longer than what is read of one. `after` is 0 for the first known, None where it did not succeed.
    """

    mark: str
    revision: str = ""
    changes: tuple[Change, ...] = ()
    cut: bool = False
    after: int | None = None

    @property
    def size(self) -> tuple[int, int]:
        """How many characters the messages of its commits take, and their paths."""
        commits = sum(len(one.commit.message) + 40 for one in self.changes)
        return commits, sum(len(path) for one in self.changes for path in one.files)


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
        self.builds[build.number] = Known(build.summary.mark, build.revision[:SHORT], changes, build.cut, after)
        if build.summary.begun_at is not None:
            self.begun_at = max(self.begun_at, build.summary.begun_at.isoformat())
        if build.summary.state == "running":
            self.pending.add(build.number)
        else:
            self.pending.discard(build.number)

    def trim(self) -> None:
        """Forget what is long past; what still runs stays."""
        messages, paths = _MESSAGES, _PATHS
        for place, number in enumerate(sorted(self.builds, reverse=True)):
            known = self.builds[number]
            messages, paths = messages - known.size[0], paths - known.size[1]
            if paths < 0:
                known.changes = tuple(Change(one.commit) for one in known.changes)
            if (place >= _KEPT or messages < 0) and place and number not in self.pending:
                self.floor = max(self.floor, number)
        self.builds = {
            number: one for number, one in self.builds.items() if number > self.floor or number in self.pending
        }

    def place(self, number: int) -> Place | None:
        """Where a build stands; None where its commit is named by no change set that is remembered."""
        known = self.builds.get(number)
        if known is None or not known.revision:
            return (number, len(known.changes)) if known else None
        line = sorted(one for one in self.builds if one <= number)
        for other in line:
            names = [one.commit.sha for one in self.builds[other].changes]
            if known.revision in names:
                return (other, names.index(known.revision) + 1)
            if self.builds[other].revision == known.revision:
                # A merge's own commit is in no change set: it stands behind all that came with it.
                return (other, len(names)) if names or other == line[0] else None
        return None

    def between(self, base: Success, number: int) -> tuple[Span, Span]:
        """What a build holds that the success before did not, and what that held and the build does not."""
        before = self._held(self.place(base.ident) or (base.ident, _ALL))
        after = self._held(self.place(number) or (number, _ALL))
        return (
            _span([one for sha, one in after.items() if sha not in before]),
            _span([one for sha, one in before.items() if sha not in after]),
        )

    def own(self, number: int) -> Span:
        """What the build's own change sets name."""
        return _span(self.builds[number].changes)

    def unknown(self, base: int, number: int) -> list[str]:
        """What is not known of the builds after one up to another, in words."""
        told: list[str] = []
        if base < self.floor:
            told.append(f"what the builds up to #{self.floor} brought is not remembered")
        between = range(max(base, self.floor) + 1, number + 1)
        line = [one for one in sorted(self.builds) if one in between]
        found = {
            # People may also let the numbers leap, so they are not all written down.
            "deleted before loopbot read it": islice((one for one in between if one not in self.builds), _NAMED + 1),
            "no change set": (one for one in line if self._silent(one)),
            "only the first commits were looked at": (one for one in line if self.builds[one].cut),
        }
        return told + [f"{shown}: {what}" for what, numbers in found.items() if (shown := _numbers(numbers))]

    def _silent(self, number: int) -> bool:
        """Whether it is of another commit than all before, or of one that is not known, and names none that it brought."""
        known = self.builds.get(number)
        if known is None or known.changes or number in self.pending:
            return False
        if not known.revision:
            return known.after is not None
        return self.place(number) is None

    def _held(self, place: Place) -> dict[str, Change]:
        last, count = place
        held: dict[str, Change] = {}
        for number in sorted(one for one in self.builds if one <= last):
            changes = self.builds[number].changes
            for one in changes[:count] if number == last else changes:
                held.setdefault(one.commit.sha, one)
        return held


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
        {int(number): _known(*one) for number, one in told.get("builds", {}).items()},
        set(told.get("pending", [])),
        successes_of(told.get("live", {})),
    )


def _known(mark: str, revision: str, changes: list[list[Any]], cut: bool, after: int | None) -> Known:  # noqa: FBT001 - as it is kept
    made = (
        Change(Commit(sha, message, datetime.fromtimestamp(at, UTC) if at else None), tuple(files))
        for sha, message, at, files in changes
    )
    return Known(mark, revision, tuple(made), cut, after)


def _shown(one: History) -> Mapping[str, Any]:
    return {
        "floor": one.floor,
        "begun_at": one.begun_at,
        "builds": {
            str(number): [known.mark, known.revision, [*map(_change, known.changes)], known.cut, known.after]
            for number, known in one.builds.items()
        },
        "pending": sorted(one.pending),
        "live": one.live.dumped(),
    }


def _change(one: Change) -> list[Any]:
    at = one.commit.made_at
    return [one.commit.sha, one.commit.message, int(at.timestamp()) if at else 0, list(one.files)]
