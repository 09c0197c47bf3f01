"""The webhooks of a Jira twin."""

import uuid

import orjson

from loopbot.sandbox.courier import Letter, signature
from loopbot.sandbox.jira.render import Renderer
from loopbot.sandbox.jira.twin import JiraTwin


def jira_letter(twin: JiraTwin, key: str, secret: str, event: str = "jira:issue_updated") -> Letter:
    """What Jira sends about an issue as it is now."""
    site = twin._site  # noqa: SLF001 - the twin's own other half
    with site.lock:
        issue = twin.issue(key)
        told = {
            "timestamp": int(site.now().timestamp() * 1000),
            "webhookEvent": event,
            "issue_event_type_name": "issue_generic",
            "user": Renderer(site, "http://jira.example", 2).user(next(iter(site.users))),
            "issue": Renderer(site, "http://jira.example", 2).issue(issue, ["*all"]),
        }
    body = orjson.dumps(told)
    headers = {
        "X-Hub-Signature": signature(secret, body),
        "X-Atlassian-Webhook-Identifier": str(uuid.uuid4()),
        "User-Agent": "Atlassian Webhook HTTP Client",
    }
    return Letter(headers, body)
