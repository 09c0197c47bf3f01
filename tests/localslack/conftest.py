"""The daemon as people run it, its other systems as the sandbox's twins, and local-slack in place of Slack."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from loopbot.sandbox.company import PEOPLE, Company
from loopbot.sandbox.estate import Estate
from loopbot.wiring import starter_rules
from tests.localslack.workspace import APP_TOKEN, BINARY, BOT_TOKEN, SIGNING_SECRET, LocalSlack, free_port, local_slack
from tests.localslack.workspace import raise_loopback as alone
from tests.support.town import launched, until

# A target of its own, not a part of `make test` that is left out: `make slack-local` fetches the program and names it.
collect_ignore_glob = [] if BINARY in os.environ else ["test_*.py"]

HEARD = """
[feedback]
system = "servicenow"
kind = "feedback"
place = "u_feedback"
topic_field = "u_topic"
reactions = { bulb = "feature" }

[reports]
system = "servicenow"
kind = "incident"
place = "incident"

[questions]
channel = "support"
gather_seconds = 0

[roles]
operators = ["tom.brandt@northwind.example"]
agents = ["beth.anglin@northwind.example"]
problem_managers = ["beth.anglin@northwind.example"]
"""


@dataclass
class Here:
    """What a test holds: the workspace, the company behind it, and the daemon that stands between them."""

    slack: LocalSlack
    company: Company
    daemon: "subprocess.Popen[str]"
    folder: Path

    @property
    def estate(self) -> Estate:
        return self.company.estate

    def until(self, true: object, what: str, seconds: float = 30.0) -> None:
        assert callable(true)
        until(true, what, seconds, self.daemon)


@pytest.fixture(scope="session")
def program() -> str:
    """Where local-slack is."""
    alone()
    return os.environ[BINARY]


@pytest.fixture(scope="module", params=["socket", "events"])
def here(request: pytest.FixtureRequest, program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    """Over Socket Mode, and over signed requests."""
    folder = tmp_path_factory.mktemp("loop")
    listens = f"127.0.0.1:{free_port()}"
    people = {f"{name}@northwind.example": shown for name, shown in PEOPLE.items()}
    with ExitStack() as stack:
        slack = stack.enter_context(
            local_slack(
                program, people, request.param, f"http://{listens}/chats/slack" if request.param == "events" else ""
            )
        )
        estate = stack.enter_context(Estate())
        company = Company(estate)
        company.move_in()
        config = estate.write_config(folder, rules=starter_rules(), poll_seconds=0.2)
        _point_at(config, slack, listens if request.param == "events" else "")
        daemon = launched(["run", "-c", str(config)], folder, {})
        stack.callback(_stop, daemon)
        made = Here(slack, company, daemon, folder)
        if request.param == "socket":
            made.until(slack.connected, "loopbot to open a socket")
        made.until(lambda: _alive(config), "loopbot to be at work")
        yield made


def _point_at(config: Path, slack: LocalSlack, listens: str) -> None:
    """The configuration that the estate wrote, with its Slack in place of the twin."""
    before, _, _ = config.read_text(encoding="utf-8").partition("[systems.slack]")
    for name, value in {"bot": BOT_TOKEN, "app": APP_TOKEN, "signing": SIGNING_SECRET}.items():
        secret = config.parent / f"local-{name}.secret"
        secret.write_text(value, encoding="utf-8")
        secret.chmod(0o600)
    way = (
        f'signing_secret = "file:{config.parent}/local-signing.secret"'
        if listens
        else f'app_token = "file:{config.parent}/local-app.secret"'
    )
    told = f"""[systems.slack]
type = "slack"
base_url = "{slack.url}/api/"
token = "file:{config.parent}/local-bot.secret"
{way}
seconds_between_posts = 0
"""
    web = f'\n[web]\nlisten = "{listens}"\n' if listens else ""
    config.write_text(before + told + HEARD + web, encoding="utf-8")


def _alive(config: Path) -> bool:
    done = subprocess.run(  # noqa: S603 - our own command line
        [sys.executable, "-m", "loopbot", "alive", "-c", str(config)], capture_output=True, check=False
    )
    return done.returncode == 0


def _stop(daemon: "subprocess.Popen[str]") -> None:
    daemon.terminate()
    _, log = daemon.communicate(timeout=20)
    sys.stderr.write(log[-6000:])
