"""What a deployment brought to its environment, first of all which issues: over every commit since the last success there.

Keys are looked for in the commits' messages and in the pull requests of the commits on the first-parent line (merged,
squashed or rebased, each change of the main branch is one of them).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from loopbot.ci.commits import Delivered, Naming, Span, first_parents, spoken
from loopbot.ci.mentions import Balance, Mention, Pull, balance, of_commit, of_pull
from loopbot.ci.statements import Statements, Tracker, described, turned
from loopbot.ci.successes import Success
from loopbot.domain.records import Ref


class GoneError(Exception):
    """The build system knows no such commit, or not any more."""


class Repository(Protocol):
    """Where the commits of one repository are read."""

    @property
    def naming(self) -> Naming:
        """How its commits name pull requests."""

    def compared(self, base: str, head: str) -> Span:
        """What `head` holds and `base` does not; raises GoneError where one of them is not there, and what reading raises."""

    def last(self, head: str, count: int) -> Span:
        """The last commits up to `head`; raises GoneError, and what reading raises."""

    def pulls(self, sha: str) -> Sequence[Pull]:
        """The merged pull requests that brought a commit, by one call; raises GoneError, and what reading raises."""


class Wanted(Tracker, Protocol):
    """What the settings of every build system say of it."""

    @property
    def first_commits(self) -> int:
        """How many of its last commits the first known deployment to an environment counts as delivered; 0: none."""

    @property
    def most_pull_calls(self) -> int:
        """How many calls one deployment may take to find its pull requests."""


class Ranges:
    """Compares what was deployed with what was deployed before."""

    def __init__(self, settings: Wanted) -> None:
        self._settings = settings
        self._statements = Statements(settings)
        self._keys = self._statements.keys

    def delivered(self, repository: Repository, deployment: Ref, sha: str, base: Success | None) -> Delivered:
        """What the deployment of `sha` delivers and withdraws, after `base`. Raises what reading raises."""
        if base is not None and base.sha == sha:
            return Delivered()
        if base is None:
            return self._first(repository, deployment, sha)
        try:
            span = repository.compared(base.sha, sha)
            back = Span(base.sha)
            if span.status in {"behind", "diverged"}:
                back = repository.compared(sha, base.sha)
        except GoneError:
            return self._first(repository, deployment, sha, f"the commit deployed before ({base.sha[:7]}) is gone")
        budget = _Budget(self._settings.most_pull_calls)
        forth = self._balance(repository, span, budget)
        gone = self._balance(repository, back, budget)
        told = self._statements.stated(deployment, turned(forth, gone), (span, back), base.sha[:7])
        return described(told, span, back, repository.naming)

    def _first(self, repository: Repository, deployment: Ref, sha: str, remark: str = "") -> Delivered:
        """The first deployment known: what came before is unknown, so only its last commits count as delivered."""
        count = self._settings.first_commits
        if count == 0:
            return Delivered(extra={"range": remark or "the first deployment known: nothing is taken as delivered"})
        try:
            span = repository.last(sha, count)
        except GoneError:
            return Delivered(extra={"range": f"the commit {sha[:7]} is gone"})
        told = self._balance(repository, span, _Budget(self._settings.most_pull_calls))
        made = self._statements.stated(deployment, Balance(told.brings, {}), (span,), "")
        what = f"{remark or 'the first deployment known'}: its last {len(span.commits)} commits"
        return described(replace(made, extra={**made.extra, "range": what}), span, Span(sha), repository.naming)

    def _balance(self, repository: Repository, span: Span, calls: "_Budget") -> Balance:
        pulls = self._pulls(repository, span, calls)
        mentions: list[Mention] = []
        for commit in span.commits:
            mentions += pulls.get(commit.sha, [])
            mentions += of_commit(self._keys, commit.sha, spoken(commit.message, repository.naming))
        return balance(mentions)

    def _pulls(self, repository: Repository, span: Span, calls: "_Budget") -> dict[str, list[Mention]]:
        """What the pull requests say, under the commit that brought each in; the newest commits are asked about first."""
        found: dict[str, list[Mention]] = {}
        # Without keys to look for, what the messages say of pull requests is enough.
        line = first_parents(span.commits, span.head) if self._settings.issue_keys else []
        missed = 0
        for sha in line:
            if sha not in span.asked and not calls.take():
                missed += 1
                continue
            try:
                pulls = span.asked[sha] if sha in span.asked else repository.pulls(sha)
            except GoneError:
                continue
            for pull in pulls:
                if pull.number not in span.pulls:
                    span.pulls.add(pull.number)
                    found.setdefault(sha, []).extend(of_pull(self._keys, pull))
        if missed:
            span.left_out.append(f"the pull requests of {missed} of {len(line)} commits were not looked at")
        return found


@dataclass(slots=True)
class _Budget:
    left: int

    def take(self) -> bool:
        self.left -= 1
        return self.left >= 0
