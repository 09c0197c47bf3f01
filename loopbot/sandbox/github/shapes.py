"""The JSON GitHub answers with about code: repositories, commits, comparisons, pull requests; stamps have one second."""

import base64
import hashlib
from datetime import UTC, datetime

from loopbot.sandbox.commits import Commit, Comparison
from loopbot.sandbox.github.repository import Json, Pull, Repository


def stamp(at: datetime | None) -> str | None:
    """2026-11-01T09:00:00Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None


def node_id(kind: str, number: object) -> str:
    """An opaque id as the GraphQL API uses it."""
    return base64.b64encode(f"{kind}:{number}".encode()).decode()


def account_id(login: str) -> int:
    """A number that belongs to this login."""
    return int(hashlib.sha256(login.encode()).hexdigest()[:7], 16)


class Shapes:
    """Renders one repository's things; `api` and `html` are the roots of its addresses, without trailing slash."""

    def __init__(self, api: str, html: str, repository: Repository) -> None:
        self._api, self._html, self.repo = api, html, repository
        self.url = f"{api}/repos/{repository.name}"
        self.page = f"{html}/{repository.name}"

    def repository(self) -> Json:
        """GET /repos/{owner}/{repo}."""
        one = self.repo
        owner, _, name = one.name.partition("/")
        return {
            "id": one.id,
            "node_id": node_id("Repository", one.id),
            "name": name,
            "full_name": one.name,
            "owner": account(self._api, self._html, owner, kind="Organization"),
            "private": one.private,
            "visibility": "private" if one.private else "public",
            "html_url": self.page,
            "url": self.url,
            "description": None,
            "fork": False,
            "archived": False,
            "disabled": False,
            "default_branch": one.default_branch,
            "created_at": stamp(one.created_at),
            "updated_at": stamp(one.created_at),
            "pushed_at": stamp(max((commit.at for commit in one.commits.values()), default=one.created_at)),
            "permissions": {"admin": False, "push": True, "pull": True},
        }

    def commit(self, one: Commit, *, with_files: bool = False) -> Json:
        """A commit of a list; with its files as GET /commits/{sha} shows it."""
        who = {"name": one.name, "email": one.email, "date": stamp(one.at)}
        account_of = self.account(one.login) if one.login else None
        url, tree = f"{self.url}/commits/{one.sha}", hashlib.sha1(one.sha.encode(), usedforsecurity=False).hexdigest()
        shown: Json = {
            "sha": one.sha,
            "node_id": node_id("Commit", one.sha),
            "url": url,
            "html_url": f"{self.page}/commit/{one.sha}",
            "comments_url": f"{url}/comments",
            "commit": {
                "url": f"{self.url}/git/commits/{one.sha}",
                "author": who,
                "committer": who,
                "message": one.message,
                "tree": {"url": f"{self.url}/git/trees/{tree}", "sha": tree},
                "comment_count": 0,
                "verification": {"verified": False, "reason": "unsigned", "signature": None, "payload": None},
            },
            "author": account_of,
            "committer": account_of,
            "parents": [
                {
                    "url": f"{self.url}/commits/{sha}",
                    "html_url": f"{self.page}/commit/{sha}",
                    "sha": sha,
                }
                for sha in one.parents
            ],
        }
        if with_files:
            count = len(one.files)
            shown["stats"] = {"additions": count, "deletions": 0, "total": count}
            shown["files"] = [self.file(name) for name in one.files[:300]]
        return shown

    def file(self, name: str) -> Json:
        """A changed file."""
        return {"filename": name, "status": "modified", "additions": 1, "deletions": 0, "changes": 1}

    def comparison(self, told: Comparison, base: str, head: str, commits: list[Commit], files: list[str]) -> Json:
        """GET /compare/{base}...{head}, with the commits and files of this page."""
        link = f"{self.page}/compare/{base}...{head}"
        return {
            "url": f"{self.url}/compare/{base}...{head}",
            "html_url": link,
            "permalink_url": link,
            "diff_url": f"{link}.diff",
            "patch_url": f"{link}.patch",
            "base_commit": self.commit(told.base),
            "merge_base_commit": self.commit(told.merge_base) if told.merge_base else None,
            "status": told.status,
            "ahead_by": len(told.ahead),
            "behind_by": told.behind,
            "total_commits": len(told.ahead),
            "commits": [self.commit(one) for one in commits],
            "files": [self.file(name) for name in files],
        }

    def pull(self, one: Pull, *, whole: bool = False) -> Json:
        """A pull request of a list; only the whole one says `merged`, `merged_by` and counts."""
        url = f"{self.url}/pulls/{one.number}"
        owner = self.repo.name.partition("/")[0]
        head = one.commits[-1] if one.commits else one.base_sha
        shown: Json = {
            "id": one.id,
            "node_id": node_id("PullRequest", one.id),
            "url": url,
            "html_url": f"{self.page}/pull/{one.number}",
            "issue_url": f"{self.url}/issues/{one.number}",
            "commits_url": f"{url}/commits",
            "number": one.number,
            "state": one.state,
            "locked": False,
            "title": one.title,
            "user": self.account(one.author),
            "body": one.body or None,
            "labels": [],
            "draft": False,
            "created_at": stamp(one.created_at),
            "updated_at": stamp(one.updated_at),
            "closed_at": stamp(one.closed_at),
            "merged_at": stamp(one.merged_at),
            "merge_commit_sha": one.merge_commit,
            "head": {"label": f"{owner}:{one.branch}", "ref": one.branch, "sha": head},
            "base": {"label": f"{owner}:{one.base}", "ref": one.base, "sha": one.base_sha},
            "author_association": "MEMBER",
        }
        if whole:
            shown |= {
                "merged": one.merged_at is not None,
                "mergeable": None,
                "merged_by": self.account(one.merged_by) if one.merged_by else None,
                "commits": len(one.commits),
                "comments": sum(comment.issue == one.number for comment in self.repo.comments),
                "changed_files": len({name for sha in one.commits for name in self.repo.commits[sha].files}),
            }
        return shown

    def account(self, login: str) -> Json:
        """A person or bot in short."""
        return account(self._api, self._html, login, kind="Bot" if login.endswith("[bot]") else "User")


def account(api: str, html: str, login: str, kind: str = "User") -> Json:
    """An account in short."""
    number = account_id(login)
    return {
        "login": login,
        "id": number,
        "node_id": node_id("User", number),
        "avatar_url": f"{html}/avatars/u/{number}",
        "url": f"{api}/users/{login}",
        "html_url": f"{html}/{login}",
        "type": kind,
        "site_admin": False,
    }
