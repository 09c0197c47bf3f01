"""Which commits each build of a job holds, by what its change sets tell. Pure.

A change set is relative to the job's last build of the same branch, whatever became of that. So a build holds what that one held
and what its own change sets name; one of a commit that was built or named before holds what was held there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from connectors.jenkins.mapping import Change

_ALL: Final = 1_000_000
# What is known of a commit wherever it was named or built, and where it was built.
_ANYWHERE: Final = "* named"
_BUILT: Final = "* built"
DETACHED: Final = "detached"
"""What the git plugin calls the branch of a build that was given a commit or a tag: the next one need not come after it."""


@dataclass(slots=True)
class Known:
    """A build that was read: the mark it had, of which commit and branch it was, its commits; `after` is the success it was compared with.

    `cut`: its change set was longer than what is read of one. `after` is 0 for the first known, None where it did not succeed.
    """

    mark: str
    revision: str = ""
    branch: str = ""
    changes: tuple[Change, ...] = ()
    cut: bool = False
    after: int | None = None

    @property
    def size(self) -> tuple[int, int]:
        """How many characters the messages of its commits take, and their paths."""
        commits = sum(len(one.commit.message) + 40 for one in self.changes)
        return commits, sum(len(path) for one in self.changes for path in one.files)


@dataclass(frozen=True, slots=True)
class Contents:
    """The commits that a build is known to hold, oldest first, by the builds that brought them; `root` is the first of these."""

    root: int
    changes: Mapping[str, Change]
    chain: tuple[int, ...]

    def without(self, other: Mapping[str, Change]) -> list[Change]:
        """What is not in the other one."""
        return [one for sha, one in self.changes.items() if sha not in other]


class Lineage:
    """The builds of one job, as one looks back from any of them."""

    def __init__(self, builds: Mapping[int, Known]) -> None:
        self._builds = builds
        self._first = _first(builds)
        self._before = _before(builds)

    def contents(self, number: int) -> Contents:
        """What is known of what a build holds: perhaps nothing."""
        chain: list[tuple[int, int]] = []
        at = number if number in self._builds else 0
        while at:
            known = self._builds[at]
            named = [one.commit.sha for one in known.changes]
            chain.append((at, _ALL) if known.revision in named else self._earlier(at, known))
            at = self._before[chain[-1][0]]
        held: dict[str, Change] = {}
        for build, count in reversed(chain):
            held.update((one.commit.sha, one) for one in self._builds[build].changes[:count])
        return Contents(chain[-1][0] if chain else 0, held, tuple(build for build, _ in chain))

    def _earlier(self, number: int, known: Known) -> tuple[int, int]:
        """Where its commit was built or named first, on its own branch if it was there; else the build itself.

        Another branch may name it among commits that only a merge brought together with it.
        """
        for branch in (known.branch, _ANYWHERE if known.branch == DETACHED else _BUILT):
            place = self._first.get((branch, known.revision))
            if place is not None and place[0] < number:
                return place
        return (number, _ALL)

    def tells(self, number: int) -> bool:
        """Whether anything is known of what a build holds: not of a commit that nothing names, on a branch that is new."""
        known = self._builds[number]
        return bool(known.changes or not known.revision) or self.contents(number).chain != (number,)

    def silent(self, number: int) -> bool:
        """Whether it is of another commit than all before, or of one that is not known, and names none that it brought."""
        known = self._builds[number]
        if known.changes:
            return False
        if not known.revision:
            return known.after is not None
        return self._earlier(number, known)[0] == number


def _before(builds: Mapping[int, Known]) -> Mapping[int, int]:
    """For each build the one that its change set is relative to; 0 where there is none."""
    last: dict[str, int] = {}
    found: dict[int, int] = {}
    for number, known in sorted(builds.items()):
        alone = known.branch == DETACHED and not known.changes
        found[number] = 0 if alone else last.get(known.branch, 0)
        last[known.branch] = number
    return found


def _first(builds: Mapping[int, Known]) -> Mapping[tuple[str, str], tuple[int, int]]:
    """For each branch and commit the first build that names it, or is of it, and how many of that build's commits are no later.

    The same for all branches: there of a branch rather than of none, since a branch is known further back.
    """
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for number, known in sorted(builds.items(), key=lambda pair: (pair[1].branch == DETACHED, pair[0])):
        for count, one in enumerate(known.changes, 1):
            found.setdefault((known.branch, one.commit.sha), (number, count))
            found.setdefault((_ANYWHERE, one.commit.sha), (number, count))
        if known.revision and (known.changes or known.branch != DETACHED):
            # A merge's own commit is in no change set: it stands behind all that came with it.
            for branch in (known.branch, _ANYWHERE, _BUILT):
                found.setdefault((branch, known.revision), (number, _ALL))
    return found
