"""ServiceNow's webhooks: sent by a business rule (README.md holds it), with a shared secret, about one row of one table."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from connectors.servicenow.articles import key_of
from connectors.servicenow.settings import Settings
from loopbot.http.hooks import digest, json_of, moment_of, same, stale
from loopbot.ports import Clock, Hint, Hook, Refusal

LATE = timedelta(minutes=30)
"""An asynchronous rule runs within seconds, on a busy instance within minutes."""


@dataclass(frozen=True, slots=True)
class ServiceNowHooks:
    """Verifies `X-Loopbot-Secret`."""

    system: str
    settings: Settings
    secret: str
    clock: Clock

    def verify(self, headers: Mapping[str, str], body: bytes) -> Hook | Refusal:
        """The secret first; nothing of a stranger's body is looked at."""
        if not same(headers.get("x-loopbot-secret", ""), self.secret):
            return Refusal("its X-Loopbot-Secret is not the configured secret")
        told = json_of(body)
        sent_at = moment_of((told or {}).get("sent_at"))
        if told is None or sent_at is None:
            return Refusal("its body is not the business rule's: no JSON object with sent_at in milliseconds")
        why = stale(sent_at, self.clock.now(), LATE)
        if why:
            return Refusal(why)
        return Hook((str(told.get("id") or digest(body)),), self._hints(told))

    def _hints(self, told: Mapping[str, object]) -> tuple[Hint, ...]:
        for kind, table in self.settings.tables():
            if table.table == told.get("table") and kind in self.settings.streams:
                what = table.table if kind == "feedback" else kind
                number = told.get("number") or told.get("sys_id")
                key = number if isinstance(number, str) else ""
                return (Hint(f"{self.system}:{what}", key, _stamp(told.get("sys_updated_on")) if key else None),)
        articles = self.settings.articles
        if articles is not None and articles.table == told.get("table"):
            named = (told.get("number"), told.get("sys_id"))
            key = key_of(*map(str, named)) if all(isinstance(one, str) and one for one in named) else ""
            return (Hint(f"{self.system}:article", key, _stamp(told.get("sys_updated_on")) if key else None),)
        return ()


def _stamp(text: object) -> datetime | None:
    try:
        return datetime.strptime(str(text), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None
