"""The whole sandbox: four twins on loopback ports, one ledger, and the configuration that points loopbot at them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from loopbot.sandbox.github.twin import TOKEN as GITHUB_TOKEN
from loopbot.sandbox.github.twin import GitHubTwin
from loopbot.sandbox.jira.twin import JiraTwin
from loopbot.sandbox.ledger import Ledger
from loopbot.sandbox.servicenow.twin import ServiceNowTwin
from loopbot.sandbox.serving import Served
from loopbot.sandbox.slack.twin import APP_TOKEN, BOT_TOKEN, SlackTwin

PROJECT = "LOOP"
REPOSITORY = "northwind/shop"


@dataclass(slots=True)
class Estate:
    """Twins of ServiceNow, Jira, GitHub and Slack, served while the block lasts; `port` is the first of four, 0: any free."""

    port: int = 0
    now: Callable[[], datetime] | None = None
    ledger: Ledger = field(default_factory=Ledger)
    servicenow: ServiceNowTwin = field(init=False)
    jira: JiraTwin = field(init=False)
    github: GitHubTwin = field(init=False)
    slack: SlackTwin = field(init=False)
    urls: dict[str, str] = field(init=False, default_factory=dict)
    _served: list[Served] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.servicenow = ServiceNowTwin(self.ledger, now=self.now)
        self.jira = JiraTwin(self.ledger, now=self.now) if self.now else JiraTwin(self.ledger)
        self.github = GitHubTwin(self.ledger, now=self.now)
        self.slack = SlackTwin(self.ledger, now=self.now)

    def __enter__(self) -> Self:
        apps = {
            "servicenow": self.servicenow.app,
            "jira": self.jira.app,
            "github": self.github.app,
            "slack": self.slack.app,
        }
        for place, (name, app) in enumerate(apps.items()):
            one = Served(app, self.port + place if self.port else 0)
            one.start()
            self._served.append(one)
            self.urls[name] = one.url
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in self._served:
            one.stop()

    def write_config(
        self, folder: Path, *, rules: Path, poll_seconds: float = 1.0, log_level: str = "info", more: str = ""
    ) -> Path:
        """Write a configuration (and the twins' made-up credentials, beside it) with which loopbot works on this sandbox; `more` is added to it."""
        secrets = {
            "servicenow": self.servicenow.access.users["loopbot"],
            "jira": self.jira.token,
            "github": GITHUB_TOKEN,
            "slack": BOT_TOKEN,
            "slack-app": APP_TOKEN,
        }
        for name, value in secrets.items():
            place = folder / f"{name}.secret"
            place.write_text(value, encoding="utf-8")
            place.chmod(0o600)
        path = folder / "config.toml"
        path.write_text(
            f"""# Points loopbot at the sandbox on this machine.
[loopbot]
store = "sqlite:///loopbot.db"
rules = "{rules}"
poll_seconds = {poll_seconds}
log_level = "{log_level}"

# In this story everything happens within a minute: nobody waits for a digest.
[telling]
digest_seconds = 0

[systems.servicenow]
type = "servicenow"
base_url = "{self.urls["servicenow"]}"
user = "loopbot"
password = "file:{folder / "servicenow.secret"}"
incidents = {{ table = "incident", environment_field = "u_environment" }}
feedback = [{{ table = "u_feedback", title = "u_title", text = "u_text", topic = "u_topic", reporter = "u_said_by", environment_field = "u_environment" }}]

[systems.jira]
type = "jira"
base_url = "{self.urls["jira"]}"
email = "{self.jira.email}"
token = "file:{folder / "jira.secret"}"
projects = ["{PROJECT}"]

[systems.github]
type = "github"
base_url = "{self.urls["github"]}"
token = "file:{folder / "github.secret"}"
repositories = ["{REPOSITORY}"]
issues_in = "jira"
issue_keys = ["{PROJECT}"]

[systems.slack]
type = "slack"
base_url = "{self.urls["slack"]}/api/"
token = "file:{folder / "slack.secret"}"
app_token = "file:{folder / "slack-app.secret"}"
{more}""",
            encoding="utf-8",
        )
        return path
