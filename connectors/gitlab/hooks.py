"""GitLab's webhooks: they show the webhook's secret token, and are a hint at a deployment or a release."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors.gitlab.mapping import passed_over
from connectors.gitlab.settings import GitLabSettings
from loopbot.http.hooks import digest, inner, json_of, same
from loopbot.ports import Hint, Hook, Refusal


@dataclass(frozen=True, slots=True)
class GitLabHooks:
    """Compares `X-Gitlab-Token`, in constant time.

    GitLab switches a webhook off that is refused four times, and after a 4xx it may stay off: so what is refused is
    answered as if it had been taken, and set aside.
    """

    system: str
    settings: GitLabSettings
    secret: str

    def verify(self, headers: Mapping[str, str], body: bytes) -> Hook | Refusal:
        """The secret first; nothing of a stranger's body is looked at."""
        if not same(headers.get("x-gitlab-token", ""), self.secret):
            return Refusal("its X-Gitlab-Token is not the configured secret", tolerant=True)
        told = json_of(body)
        if told is None:
            return Refusal("its body is no JSON object", tolerant=True)
        # A delivery that GitLab tries again has the key of the first; older servers have none, so the body names it as well.
        names = (headers.get("idempotency-key", ""), digest(body))
        return Hook(tuple(name for name in names if name), self._hints(headers.get("x-gitlab-event", ""), told))

    def _hints(self, event: str, told: Mapping[str, Any]) -> tuple[Hint, ...]:
        path = str(inner(told, "project", "path_with_namespace") or "").lower()
        # As it is configured: records are called by that.
        project = next((one for one in self.settings.projects if one.lower() == path), "")
        if not project:
            return ()
        if event == "Deployment Hook" and self.settings.deployments:
            if passed_over(self.settings, str(told.get("environment"))):
                return ()
            return self._hint("deployment", project, "#", told.get("deployment_id"))
        if event == "Release Hook" and self.settings.releases and told.get("action") != "delete":
            return self._hint("release", project, "@", told.get("tag"))
        return ()

    def _hint(self, what: str, project: str, sign: str, name: object) -> tuple[Hint, ...]:
        key = f"{project}{sign}{name}" if isinstance(name, int | str) else ""
        return (Hint(f"{self.system}:{what}", key),)
