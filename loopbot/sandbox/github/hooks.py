"""The webhooks of a GitHub twin."""

import uuid

import orjson

from loopbot.sandbox.courier import Letter, signature
from loopbot.sandbox.github.twin import GitHubTwin


def github_letter(twin: GitHubTwin, repo: str, deployment: int, secret: str) -> Letter:
    """What GitHub sends when a deployment gets a status."""
    with twin.world.lock:
        repository = twin.world.repository(repo)
        code, deliveries = twin.world.shapes(repository, "http://github.example", "http://github.example")
        one = repository.deployments[deployment]
        told = {
            "action": "created",
            "deployment": deliveries.deployment(one),
            "deployment_status": deliveries.status(one, one.statuses[-1]) if one.statuses else None,
            "repository": code.repository() | {"full_name": repo},
        }
    body = orjson.dumps(told)
    headers = {
        "X-Hub-Signature-256": signature(secret, body),
        "X-GitHub-Event": "deployment_status",
        "X-GitHub-Delivery": str(uuid.uuid4()),
        "User-Agent": "GitHub-Hookshot/twin",
    }
    return Letter(headers, body)
