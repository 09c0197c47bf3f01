"""Jira's webhooks: signed with the webhook's secret, and a hint at the issue or the project's versions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from connectors.jira.settings import Settings
from loopbot.http.hooks import digest, inner, json_of, moment_of, signed, stale
from loopbot.ports import Clock, Hint, Hook, Refusal

LATE = timedelta(hours=1)
"""Atlassian tells of deliveries half an hour late; older ones are somebody else's."""


@dataclass(frozen=True, slots=True)
class JiraHooks:
    """Verifies `X-Hub-Signature: sha256=...` over the raw body."""

    system: str
    settings: Settings
    secret: str
    clock: Clock

    def verify(self, headers: Mapping[str, str], body: bytes) -> Hook | Refusal:
        """The signature first; nothing of an unsigned body is looked at."""
        if not signed(self.secret, body, headers.get("x-hub-signature", "")):
            return Refusal("its X-Hub-Signature does not fit its body and the configured secret")
        told = json_of(body)
        sent_at = moment_of(inner(told, "timestamp"))
        if told is None or sent_at is None:
            return Refusal("its body is not Jira's: no JSON object with a timestamp")
        why = stale(sent_at, self.clock.now(), LATE)
        if why:
            return Refusal(why)
        # The identifier is not signed, so the body's own digest is a name as well.
        names = (headers.get("x-atlassian-webhook-identifier", ""), digest(body))
        return Hook(tuple(name for name in names if name), self._hints(told))

    def _hints(self, told: Mapping[str, Any]) -> tuple[Hint, ...]:
        event = str(told.get("webhookEvent") or "")
        if event.startswith("jira:version_"):
            return (Hint(f"{self.system}:release"),) if self.settings.read_releases else ()
        key = inner(told, "issue", "key")
        if isinstance(key, str):
            ours = key.rpartition("-")[0] in self.settings.projects
            return (Hint(f"{self.system}:issue", key, _updated(event, told)),) if ours else ()
        if event.startswith("issuelink_"):
            return (Hint(f"{self.system}:issue"),)
        return ()


def _updated(event: str, told: Mapping[str, Any]) -> datetime | None:
    """The issue's own stamp; a deleted issue will not be seen as new as that."""
    stamp = inner(told, "issue", "fields", "updated")
    if event == "jira:issue_deleted" or not isinstance(stamp, str):
        return None
    try:
        found = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    return found if found.tzinfo else None
