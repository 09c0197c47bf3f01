"""What a deployment brought to its environment, first of all which issues: over every commit since the last success there.

Keys are looked for in the commits' messages and in the pull requests of the commits on the first-parent line (merged,
squashed or rebased, each change of the main branch is one of them).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC
from typing import Protocol

from loopbot.ci.commits import Commit, Delivered, Naming, Span, brought, first_parents, subjects
from loopbot.ci.mentions import Balance, Keys, Mention, Pull, balance, of_commit, of_pull
from loopbot.ci.successes import Success
from loopbot.domain.dora import FIRST_COMMIT
from loopbot.domain.records import Link, Ref
from loopbot.domain.words import Relation


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


class Wanted(Protocol):
    """What the settings of every build system say of it."""

    @property
    def issues_in(self) -> str:
        """The configured system that holds the issues; "" where none are looked for."""

    @property
    def issue_keys(self) -> tuple[str, ...]:
        """The project keys to recognise."""

    @property
    def issue_url(self) -> str:
        """What addresses begin with in which a key counts."""

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
        self._keys = Keys(settings.issue_keys, settings.issue_url)

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
        brings = {key: one for key, one in gone.takes.items() if key not in forth.takes} | forth.brings
        takes = {key: one for key, one in gone.brings.items() if key not in forth.brings} | forth.takes
        told = self._stated(deployment, Balance(brings, takes), base, span, back)
        return _described(told, span, back, repository.naming)

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
        made = self._stated(deployment, Balance(told.brings, {}), None, span)
        what = f"{remark or 'the first deployment known'}: its last {len(span.commits)} commits"
        return _described(replace(made, extra={**made.extra, "range": what}), span, Span(sha), repository.naming)

    def _balance(self, repository: Repository, span: Span, calls: "_Budget") -> Balance:
        pulls = self._pulls(repository, span, calls)
        mentions: list[Mention] = []
        for commit in span.commits:
            mentions += pulls.get(commit.sha, [])
            mentions += of_commit(self._keys, commit.sha, commit.message)
        return balance(mentions)

    def _pulls(self, repository: Repository, span: Span, calls: "_Budget") -> dict[str, list[Mention]]:
        """What the pull requests say, under the commit that brought each in; the newest commits are asked about first."""
        found: dict[str, list[Mention]] = {}
        # Without keys to look for, what the messages say of pull requests is enough.
        line = first_parents(span.commits, span.head) if self._settings.issue_keys else []
        for done, sha in enumerate(line):
            if not calls.take():
                span.left_out.append(
                    f"the pull requests of {len(line) - done} of {len(line)} commits were not looked at"
                )
                break
            try:
                pulls = repository.pulls(sha)
            except GoneError:
                continue
            for pull in pulls:
                if pull.number not in span.pulls:
                    span.pulls.add(pull.number)
                    found.setdefault(sha, []).extend(of_pull(self._keys, pull))
        return found

    def _stated(self, deployment: Ref, told: Balance, base: Success | None, *spans: Span) -> Delivered:
        links = [self._link(deployment, "delivers", one) for one in told.brings.values()]
        links += [self._link(deployment, "withdraws", one) for one in told.takes.values()]
        commits: list[Commit] = [one for span in spans for one in span.commits]
        extra = {"range": f"{len(commits)} commits since {base.sha[:7]}"} if base else {}
        made = [one.made_at for one in commits if one.made_at is not None]
        if base and made:
            extra[FIRST_COMMIT] = min(made).astimezone(UTC).isoformat()
        left_out = list(dict.fromkeys(remark for span in spans for remark in span.left_out))
        if left_out:
            extra["left_out"] = "; ".join(left_out)
        return Delivered(tuple(links), extra)

    def _link(self, deployment: Ref, relation: Relation, one: Mention) -> Link:
        target = Ref(self._settings.issues_in, "issue", one.key)
        because = f"named in the {one.where}" + (", which reverts it" if one.taken_back else "")
        return Link(deployment, relation, target, one.confidence, because, f"system:{deployment.system}")


def _described(told: Delivered, forth: Span, back: Span, naming: Naming) -> Delivered:
    """With what its commits say and touch."""
    return Delivered(told.links, {**told.extra, **brought(forth, back, naming)}, subjects(forth, back, naming))


@dataclass(slots=True)
class _Budget:
    left: int

    def take(self) -> bool:
        self.left -= 1
        return self.left >= 0
