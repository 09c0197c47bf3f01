"""The JSON GitLab answers with; stamps have milliseconds, though the server keeps and compares microseconds."""

import hashlib
from datetime import UTC, datetime

from loopbot.sandbox.commits import Commit, Comparison
from loopbot.sandbox.gitlab.project import Deployment, Job, Json, MergeRequest, Project, Release


def stamp(at: datetime | None) -> str | None:
    """2026-11-01T09:00:00.123Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z" if at else None


class Shapes:
    """Renders one project's things; `html` is the root of its addresses, without trailing slash."""

    def __init__(self, html: str, project: Project) -> None:
        self._html, self.project = html, project
        self.page = f"{html}/{project.name}"

    def whole(self) -> Json:
        """GET /projects/:id."""
        one = self.project
        return {
            "id": one.id,
            "name": one.name.rpartition("/")[2],
            "path": one.name.rpartition("/")[2],
            "path_with_namespace": one.name,
            "default_branch": one.default_branch,
            "visibility": "private",
            "web_url": self.page,
            "created_at": stamp(one.created_at),
            "last_activity_at": stamp(one.created_at),
            "empty_repo": not one.commits,
            "archived": False,
        }

    def account(self, username: str) -> Json:
        """A person or bot in short."""
        number = int(hashlib.sha256(username.encode()).hexdigest()[:7], 16)
        return {
            "id": number,
            "username": username,
            "name": username.title(),
            "state": "active",
            "avatar_url": None,
            "web_url": f"{self._html}/{username}",
        }

    def commit(self, one: Commit) -> Json:
        """A commit of a list or a comparison."""
        return {
            "id": one.sha,
            "short_id": one.sha[:8],
            "created_at": stamp(one.at),
            "parent_ids": list(one.parents),
            "title": one.message.partition("\n")[0],
            "message": one.message,
            "author_name": one.name,
            "author_email": one.email,
            "authored_date": stamp(one.at),
            "committer_name": one.name,
            "committer_email": one.email,
            "committed_date": stamp(one.at),
            "trailers": {},
            "web_url": f"{self.page}/-/commit/{one.sha}",
        }

    def comparison(self, told: Comparison, head: str, most_files: int) -> Json:
        """GET /repository/compare: never in pages, the files from the merge base to the head."""
        files = sorted({name for one in told.ahead for name in one.files})
        shown = [self.commit(one) for one in told.ahead]
        return {
            "commit": shown[-1] if shown else None,
            "commits": shown,
            "diffs": [self.diff(name) for name in files[:most_files]],
            "compare_timeout": len(files) > most_files,
            "compare_same_ref": told.base.sha == head,
            "web_url": f"{self.page}/-/compare/{told.base.sha}...{head}",
        }

    def diff(self, name: str) -> Json:
        """A changed file; `old -> new` in a commit's files is one that was moved."""
        old, arrow, new = name.partition(" -> ")
        return {
            "old_path": old,
            "new_path": new if arrow else old,
            "a_mode": "100644",
            "b_mode": "100644",
            "diff": "@@ -1 +1 @@\n-old\n+new\n",
            "new_file": False,
            "renamed_file": bool(arrow),
            "deleted_file": False,
        }

    def merge_request(self, one: MergeRequest) -> Json:
        """A merge request of a list."""
        return {
            "id": one.id,
            "iid": one.iid,
            "project_id": self.project.id,
            "title": one.title,
            "description": one.description or None,
            "state": one.state,
            "created_at": stamp(one.created_at),
            "updated_at": stamp(one.merged_at or one.created_at),
            "merged_at": stamp(one.merged_at),
            "source_branch": one.branch,
            "target_branch": one.target,
            "author": self.account(one.author),
            "merge_commit_sha": one.merge_commit,
            "squash_commit_sha": one.squash_commit,
            "sha": one.commits[-1] if one.commits else None,
            "reference": f"!{one.iid}",
            "references": {"short": f"!{one.iid}", "relative": f"!{one.iid}", "full": f"{self.project.name}!{one.iid}"},
            "web_url": f"{self.page}/-/merge_requests/{one.iid}",
        }

    def deployment(self, one: Deployment) -> Json:
        """A deployment, with its state; when it ended only its job tells."""
        return {
            "id": one.id,
            "iid": one.iid,
            "ref": one.ref,
            "sha": one.sha,
            "created_at": stamp(one.created_at),
            "updated_at": stamp(one.updated_at),
            "user": self.account(one.user),
            "environment": {
                "id": self.project.environments[one.environment],
                "name": one.environment,
                "slug": one.environment.replace("/", "-"),
                "external_url": None,
            },
            "deployable": self._job(one, one.job) if one.job else None,
            "status": one.status,
        }

    def _job(self, deployment: Deployment, one: Job) -> Json:
        commit = self.project.commits.get(deployment.sha)
        return {
            "id": one.id,
            "status": deployment.status,
            "stage": "deploy",
            "name": one.name,
            "ref": deployment.ref,
            "tag": deployment.ref in self.project.tags,
            "created_at": stamp(one.created_at),
            "started_at": stamp(one.started_at),
            "finished_at": stamp(one.finished_at),
            "user": self.account(one.user),
            "commit": self.commit(commit) if commit else None,
            "web_url": f"{self.page}/-/jobs/{one.id}",
        }

    def release(self, one: Release, now: datetime) -> Json:
        """A release; one whose day has not come is upcoming."""
        return {
            "tag_name": one.tag,
            "name": one.name,
            "description": one.description,
            "created_at": stamp(one.created_at),
            "released_at": stamp(one.released_at),
            "upcoming_release": bool(one.released_at and one.released_at > now),
            "author": self.account(one.author),
            "assets": {"count": 0, "sources": [], "links": []},
            "evidences": [],
            "_links": {"self": f"{self.page}/-/releases/{one.tag}"},
        }
