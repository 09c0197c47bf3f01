"""The JSON GitHub answers with about deliveries: deployments, workflow runs, releases, environments, comments."""

import hashlib
from datetime import datetime

from loopbot.sandbox.github.repository import Comment, Deployment, Json, Release, Run, Status
from loopbot.sandbox.github.shapes import Shapes, node_id, stamp


class DeliveryShapes:
    """Renders one repository's deliveries; addresses and accounts come from the shapes of its code."""

    def __init__(self, code: Shapes) -> None:
        self._code = code

    def deployment(self, one: Deployment) -> Json:
        """A deployment: without its state."""
        url = f"{self._code.url}/deployments/{one.id}"
        return {
            "url": url,
            "id": one.id,
            "node_id": node_id("Deployment", one.id),
            "sha": one.sha,
            "ref": one.ref,
            "task": one.task,
            "payload": one.payload,
            "original_environment": one.environment,
            "environment": one.environment,
            "description": one.description or None,
            "creator": self._code.account(one.creator),
            "created_at": stamp(one.created_at),
            "updated_at": stamp(one.updated_at),
            "statuses_url": f"{url}/statuses",
            "repository_url": self._code.url,
            "transient_environment": one.transient,
            "production_environment": one.production,
            "performed_via_github_app": None,
        }

    def status(self, deployment: Deployment, one: Status) -> Json:
        """A status of a deployment."""
        url = f"{self._code.url}/deployments/{deployment.id}"
        return {
            "url": f"{url}/statuses/{one.id}",
            "id": one.id,
            "node_id": node_id("DeploymentStatus", one.id),
            "state": one.state,
            "creator": self._code.account(one.creator),
            "description": one.description,
            "environment": one.environment,
            "target_url": one.target_url,
            "log_url": one.target_url,
            "environment_url": one.environment_url,
            "created_at": stamp(one.at),
            "updated_at": stamp(one.at),
            "deployment_url": url,
            "repository_url": self._code.url,
        }

    def run(self, one: Run) -> Json:
        """A workflow run."""
        url = f"{self._code.url}/actions/runs/{one.id}"
        commit = self._code.repo.commits[one.sha]
        who = {"name": commit.name, "email": commit.email}
        pulls = [pull for pull in self._code.repo.pulls.values() if pull.state == "open" and one.sha in pull.commits]
        return {
            "id": one.id,
            "name": one.name,
            "node_id": node_id("WorkflowRun", one.id),
            "head_branch": one.branch,
            "head_sha": one.sha,
            "path": f".github/workflows/{one.name.lower().replace(' ', '-')}.yml",
            "display_title": commit.message.split("\n", 1)[0],
            "run_number": one.number,
            "run_attempt": one.attempt,
            "event": one.event,
            "status": one.status,
            "conclusion": one.conclusion,
            "workflow_id": one.workflow,
            "check_suite_id": one.id + 1,
            "url": url,
            "html_url": f"{self._code.page}/actions/runs/{one.id}",
            "jobs_url": f"{url}/jobs",
            "logs_url": f"{url}/logs",
            "pull_requests": [
                {"id": pull.id, "number": pull.number, "url": f"{self._code.url}/pulls/{pull.number}"} for pull in pulls
            ],
            "created_at": stamp(one.created_at),
            "updated_at": stamp(one.updated_at),
            "run_started_at": stamp(one.started_at),
            "actor": self._code.account(one.actor),
            "triggering_actor": self._code.account(one.actor),
            "head_commit": {
                "id": commit.sha,
                "tree_id": hashlib.sha1(commit.sha.encode(), usedforsecurity=False).hexdigest(),
                "message": commit.message,
                "timestamp": stamp(commit.at),
                "author": who,
                "committer": who,
            },
            "repository": {"id": self._code.repo.id, "full_name": self._code.repo.name, "url": self._code.url},
        }

    def release(self, one: Release) -> Json:
        """A release."""
        return {
            "url": f"{self._code.url}/releases/{one.id}",
            "html_url": f"{self._code.page}/releases/tag/{one.tag}",
            "id": one.id,
            "node_id": node_id("Release", one.id),
            "tag_name": one.tag,
            "target_commitish": one.target,
            "name": one.name,
            "body": one.body,
            "draft": one.draft,
            "prerelease": one.prerelease,
            "created_at": stamp(one.created_at),
            "published_at": stamp(one.published_at),
            "author": self._code.account(one.author),
            "assets": [],
        }

    def environment(self, name: str, number: int, at: datetime) -> Json:
        """A deployment environment."""
        return {
            "id": number,
            "node_id": node_id("Environment", number),
            "name": name,
            "url": f"{self._code.url}/environments/{name}",
            "html_url": f"{self._code.page}/deployments/activity_log?environments_filter={name}",
            "created_at": stamp(at),
            "updated_at": stamp(at),
            "protection_rules": [],
            "deployment_branch_policy": None,
        }

    def comment(self, one: Comment) -> Json:
        """A comment of an issue or pull request."""
        return {
            "id": one.id,
            "node_id": node_id("IssueComment", one.id),
            "url": f"{self._code.url}/issues/comments/{one.id}",
            "html_url": f"{self._code.page}/issues/{one.issue}#issuecomment-{one.id}",
            "issue_url": f"{self._code.url}/issues/{one.issue}",
            "body": one.body,
            "user": self._code.account(one.author),
            "created_at": stamp(one.at),
            "updated_at": stamp(one.at),
            "author_association": "MEMBER",
        }
