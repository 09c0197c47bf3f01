"""GitHub's webhooks: signed with the webhook's secret, and a hint at a deployment, a run or a release."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors.github.settings import GitHubSettings
from loopbot.http.hooks import digest, inner, json_of, signed
from loopbot.ports import Hint, Hook, Refusal


@dataclass(frozen=True, slots=True)
class GitHubHooks:
    """Verifies `X-Hub-Signature-256` over the raw body. GitHub does not say when it sent one."""

    system: str
    settings: GitHubSettings
    secret: str

    def verify(self, headers: Mapping[str, str], body: bytes) -> Hook | Refusal:
        """The signature first; nothing of an unsigned body is looked at."""
        if not signed(self.secret, body, headers.get("x-hub-signature-256", "")):
            return Refusal("its X-Hub-Signature-256 does not fit its body and the configured secret")
        told = json_of(body)
        if told is None:
            return Refusal("its body is no JSON object; set the webhook's content type to application/json")
        # The delivery's id is not signed, so the body's own digest is a name as well.
        names = (headers.get("x-github-delivery", ""), digest(body))
        return Hook(tuple(name for name in names if name), self._hints(headers.get("x-github-event", ""), told))

    def _hints(self, event: str, told: Mapping[str, Any]) -> tuple[Hint, ...]:
        repository = str(inner(told, "repository", "full_name") or "")
        if repository.lower() not in {name.lower() for name in self.settings.repositories}:
            return ()
        read = self.settings
        if event in {"deployment", "deployment_status"} and read.deployments:
            return self._hint("deployment", repository, "#", inner(told, "deployment", "id"))
        if event == "workflow_run" and inner(told, "workflow_run", "name") in read.deploy_workflows:
            return self._hint("run", repository, "!", inner(told, "workflow_run", "id"))
        if event == "release" and read.releases:
            return self._hint("release", repository, "@", inner(told, "release", "tag_name"))
        return ()

    def _hint(self, what: str, repository: str, sign: str, name: object) -> tuple[Hint, ...]:
        key = f"{repository}{sign}{name}" if isinstance(name, int | str) else ""
        return (Hint(f"{self.system}:{what}", key),)
