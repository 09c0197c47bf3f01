"""What a deployment brought to its environment, first of all which issues: over every commit since the last success there.

Keys are looked for in the commits' messages and in the pull requests of the commits on the first-parent line (merged,
squashed or rebased, each change of the main branch is one of them).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from connectors.github.api import Api, NotThereError, has_next
from connectors.github.brought import Delivered, Span, brought, message_of, paths_of, subjects
from connectors.github.issues import Balance, Keys, Mention, balance, of_commit, of_pull
from connectors.github.memory import Success
from loopbot.domain.dora import FIRST_COMMIT
from loopbot.domain.records import Link, Ref
from loopbot.domain.words import Relation

Json = Mapping[str, Any]


class Ranges:
    """Compares what was deployed with what was deployed before."""

    def __init__(self, api: Api) -> None:
        settings = api.settings
        self._api, self._settings = api, settings
        self._keys = Keys(settings.issue_keys, settings.issue_url)

    def delivered(self, repository: str, deployment: Ref, sha: str, base: Success | None) -> Delivered:
        """What the deployment of `sha` delivers and withdraws, after `base`."""
        if base is not None and base.sha == sha:
            return Delivered()
        if base is None:
            return self._first(repository, deployment, sha)
        try:
            span = self._compared(repository, base.sha, sha)
            back = Span(base.sha)
            if span.status in {"behind", "diverged"}:
                back = self._compared(repository, sha, base.sha)
        except NotThereError:
            return self._first(repository, deployment, sha, f"the commit deployed before ({base.sha[:7]}) is gone")
        budget = _Budget(self._settings.most_pull_calls)
        forth = self._balance(repository, span, budget)
        gone = self._balance(repository, back, budget)
        brings = {key: one for key, one in gone.takes.items() if key not in forth.takes} | forth.brings
        takes = {key: one for key, one in gone.brings.items() if key not in forth.brings} | forth.takes
        told = self._stated(deployment, Balance(brings, takes), base, span, back)
        return _described(repository, told, span, back)

    def _first(self, repository: str, deployment: Ref, sha: str, remark: str = "") -> Delivered:
        """The first deployment known: what came before is unknown, so only its last commits count as delivered."""
        count = self._settings.first_commits
        if count == 0:
            return Delivered(extra={"range": remark or "the first deployment known: nothing is taken as delivered"})
        try:
            answer = self._api.get(f"/repos/{repository}/commits", {"sha": sha, "per_page": count})
        except NotThereError:
            return Delivered(extra={"range": f"the commit {sha[:7]} is gone"})
        span = Span(sha, self._api.rows(answer)[::-1])
        told = self._balance(repository, span, _Budget(self._settings.most_pull_calls))
        made = self._stated(deployment, Balance(told.brings, {}), None, span)
        what = f"{remark or 'the first deployment known'}: its last {len(span.commits)} commits"
        return _described(repository, replace(made, extra={**made.extra, "range": what}), span, Span(sha))

    def _compared(self, repository: str, base: str, head: str) -> Span:
        path, size = f"/repos/{repository}/compare/{base}...{head}", self._settings.page_size
        span = Span(head)
        page = 0
        while len(span.commits) < self._settings.most_commits:
            page += 1
            answer = self._api.get(path, {"per_page": size, "page": page})
            body = answer.body if isinstance(answer.body, dict) else {}
            span.status = str(body.get("status", "ahead"))
            rows = body.get("commits") or []
            span.commits += rows
            # GitHub tells the files of the whole range (at most 300) on its first page alone.
            span.files += paths_of(body.get("files")) if page == 1 else []
            if not rows or not has_next(answer):
                return span
        span.left_out.append(f"only the first {len(span.commits)} commits were looked at")
        return span

    def _balance(self, repository: str, span: Span, calls: "_Budget") -> Balance:
        pulls = self._pulls(repository, span, calls)
        mentions: list[Mention] = []
        for commit in span.commits:
            sha = str(commit.get("sha"))
            mentions += pulls.get(sha, [])
            mentions += of_commit(self._keys, sha, message_of(commit))
        return balance(mentions)

    def _pulls(self, repository: str, span: Span, calls: "_Budget") -> dict[str, list[Mention]]:
        """What the pull requests say, under the commit that brought each in; the newest commits are asked about first."""
        found: dict[str, list[Mention]] = {}
        known = span.pulls
        # Without keys to look for, what the messages say of pull requests is enough.
        line = first_parents(span.commits, span.head) if self._settings.issue_keys else []
        for done, sha in enumerate(line):
            if not calls.take():
                span.left_out.append(
                    f"the pull requests of {len(line) - done} of {len(line)} commits were not looked at"
                )
                break
            try:
                answer = self._api.get(f"/repos/{repository}/commits/{sha}/pulls", {"per_page": 100})
            except NotThereError:
                continue
            for pull in self._api.rows(answer):
                number = pull.get("number")
                if not isinstance(number, int) or number in known or not pull.get("merged_at"):
                    continue
                known.add(number)
                branch = str((pull.get("head") or {}).get("ref") or "")
                told = of_pull(self._keys, number, str(pull.get("title") or ""), str(pull.get("body") or ""), branch)
                found.setdefault(sha, []).extend(told)
        return found

    def _stated(self, deployment: Ref, told: Balance, base: Success | None, *spans: Span) -> Delivered:
        links = [self._link(deployment, "delivers", one) for one in told.brings.values()]
        links += [self._link(deployment, "withdraws", one) for one in told.takes.values()]
        count = sum(len(span.commits) for span in spans)
        extra = {"range": f"{count} commits since {base.sha[:7]}"} if base else {}
        made = [
            str(((one.get("commit") or {}).get("author") or {}).get("date") or "")
            for span in spans
            for one in span.commits
        ]
        if base and any(made):
            extra[FIRST_COMMIT] = min(filter(None, made)).replace("Z", "+00:00")
        left_out = list(dict.fromkeys(remark for span in spans for remark in span.left_out))
        if left_out:
            extra["left_out"] = "; ".join(left_out)
        return Delivered(tuple(links), extra)

    def _link(self, deployment: Ref, relation: Relation, one: Mention) -> Link:
        target = Ref(self._settings.issues_in, "issue", one.key)
        because = f"named in the {one.where}" + (", which reverts it" if one.taken_back else "")
        return Link(deployment, relation, target, one.confidence, because, f"system:{deployment.system}")


def _described(repository: str, told: Delivered, forth: Span, back: Span) -> Delivered:
    """With what its commits say and touch."""
    return Delivered(told.links, {**told.extra, **brought(repository, forth, back)}, subjects(forth, back))


def first_parents(commits: Sequence[Json], head: str) -> list[str]:
    """The line of first parents from the head (where a range was cut: from its newest commit), newest first."""
    known = {str(one.get("sha")): one for one in commits}
    line: list[str] = []
    sha = head if head in known or not commits else str(commits[-1].get("sha"))
    while sha in known:
        line.append(sha)
        parents = known.pop(sha).get("parents") or []
        sha = str(parents[0].get("sha")) if parents else ""
    return line


@dataclass(slots=True)
class _Budget:
    left: int

    def take(self) -> bool:
        self.left -= 1
        return self.left >= 0
