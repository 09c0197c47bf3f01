"""Jenkins' webhooks: a build tells that it ends (README.md holds the step), with a shared secret in a header."""

from collections.abc import Mapping
from dataclasses import dataclass

from connectors.jenkins.settings import JenkinsSettings
from loopbot.http.hooks import digest, json_of, moment_of, same
from loopbot.ports import Hint, Hook, Refusal


@dataclass(frozen=True, slots=True)
class JenkinsHooks:
    """Verifies `X-Loopbot-Secret`."""

    system: str
    settings: JenkinsSettings
    secret: str

    def verify(self, headers: Mapping[str, str], body: bytes) -> Hook | Refusal:
        """The secret first; nothing of a stranger's body is looked at."""
        if not same(headers.get("x-loopbot-secret", ""), self.secret):
            return Refusal("its X-Loopbot-Secret is not the configured secret")
        told = json_of(body)
        if told is None:
            return Refusal('its body is no JSON object, such as {"job": "folder/job", "build": 12}')
        return Hook((digest(body),), self._hints(told))

    def _hints(self, told: Mapping[str, object]) -> tuple[Hint, ...]:
        job, number = told.get("job"), told.get("build")
        if not isinstance(job, str) or job not in self.settings.jobs:
            return ()
        whole = isinstance(number, int) and not isinstance(number, bool)
        # The step runs before its build is done: it is read until it has changed since then.
        sent_at = moment_of(told.get("sent_at")) if whole else None
        return (Hint(f"{self.system}:deployment", f"{job}#{number}" if whole else "", sent_at),)
