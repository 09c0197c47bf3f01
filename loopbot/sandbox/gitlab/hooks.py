"""The webhooks of a GitLab twin: they show a secret, and do not sign what they say."""

import uuid

import orjson

from loopbot.sandbox.courier import Letter
from loopbot.sandbox.gitlab.project import Json
from loopbot.sandbox.gitlab.twin import GitLabTwin


def deployment_letter(twin: GitLabTwin, project: str, deployment: int, secret: str) -> Letter:
    """What GitLab sends when a deployment moves on."""
    with twin.world.lock:
        one = twin.world.project(project).deployments[deployment]
        told = {
            "object_kind": "deployment",
            "status": one.status,
            "status_changed_at": one.updated_at.strftime("%Y-%m-%d %H:%M:%S %z"),
            "deployment_id": one.id,
            "deployable_id": one.job.id if one.job else None,
            "environment": one.environment,
            "project": _project(twin, project),
            "ref": one.ref,
            "short_sha": one.sha[:8],
        }
    return _letter("Deployment Hook", told, secret)


def release_letter(twin: GitLabTwin, project: str, tag: str, secret: str, action: str = "update") -> Letter:
    """What GitLab sends when a release is made, changed or deleted."""
    told = {"object_kind": "release", "id": 1, "tag": tag, "name": tag, "action": action}
    return _letter("Release Hook", told | {"project": _project(twin, project)}, secret)


def _project(twin: GitLabTwin, name: str) -> Json:
    return {"id": twin.world.project(name).id, "name": name.rpartition("/")[2], "path_with_namespace": name}


def _letter(event: str, told: Json, secret: str) -> Letter:
    headers = {
        "X-Gitlab-Token": secret,
        "X-Gitlab-Event": event,
        "X-Gitlab-Event-UUID": str(uuid.uuid4()),
        "Idempotency-Key": str(uuid.uuid4()),
        "User-Agent": "GitLab/twin",
    }
    return Letter(headers, orjson.dumps(told))
