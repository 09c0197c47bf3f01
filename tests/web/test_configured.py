"""The web server as `loopbot run` builds it from a configuration file."""

import contextlib
from pathlib import Path
from typing import Any

import pytest
import requests

from loopbot.cli.listening import listening
from loopbot.config import load_config
from loopbot.domain.errors import ConfigError, UserError
from loopbot.sandbox.courier import Courier
from loopbot.sandbox.jira.hooks import jira_letter
from loopbot.sandbox.jira.twin import JiraTwin
from loopbot.sandbox.ledger import Ledger
from loopbot.wiring import Outfit, installed
from tests.web.conftest import until

SECRET = "the-secret-of-the-hook"
JIRA = """
[systems.jira]
type = "jira"
base_url = "http://127.0.0.1:1"
email = "loopbot@example.com"
token = "env:HOOK_SECRET"
projects = ["LOOP"]
webhook_secret = "env:HOOK_SECRET"
"""


@contextlib.contextmanager
def running(folder: Path, text: str, rung: list[str]) -> Any:
    (folder / "rules").mkdir(exist_ok=True)
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    outfit = Outfit()
    with installed(load_config(path), outfit) as here, listening(here, outfit, rung.append) as server:
        yield here, server


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_SECRET", SECRET)


def test_a_configured_daemon_hears_its_systems_and_rings(tmp_path: Path) -> None:
    rung: list[str] = []
    token = '[web.hooks.gitlab]\nheader = "X-Gitlab-Token"\nsecret = "env:HOOK_SECRET"\nstreams = ["jira:issue"]\n'
    with running(tmp_path, '[web]\nlisten = "127.0.0.1:0"\n' + token + JIRA, rung) as (here, server):
        twin = JiraTwin(Ledger())
        twin.add_project("LOOP")
        letter = jira_letter(twin, twin.create_issue("LOOP", "One").key, SECRET)
        assert Courier(f"{server.url}/hooks/jira").bring(letter) == 202
        header = {"X-Gitlab-Token": SECRET}
        assert requests.post(f"{server.url}/hooks/gitlab", data=b"{}", headers=header, timeout=5).status_code == 202
        until(lambda: rung == ["hints", "hints"])
        with here.store.read() as tx:
            assert [one.hints for one in tx.inbox.waiting()] == [2]


def test_without_the_table_nothing_listens(tmp_path: Path) -> None:
    with running(tmp_path, JIRA, []) as (_, server):
        assert server is None


def test_a_stream_nobody_reads_and_a_taken_address_are_told_with_what_to_do(tmp_path: Path) -> None:
    token = '[web.hooks.x]\nheader = "X-Token"\nsecret = "env:HOOK_SECRET"\nstreams = ["jira:isue"]\n'
    with (
        pytest.raises(ConfigError, match=r"web.hooks.x: 'jira:isue' is not a stream \(known: jira:issue"),
        running(tmp_path, "[web]\n" + token + JIRA, []),
    ):
        pass
    with running(tmp_path, '[web]\nlisten = "127.0.0.1:0"\n' + JIRA, []) as (_, server):
        other = tmp_path / "other"
        other.mkdir()
        text = f'[web]\nlisten = "127.0.0.1:{server.port}"\n' + JIRA
        with pytest.raises(UserError, match="can not be listened on"), running(other, text, []):
            pass


@pytest.mark.parametrize(
    "text",
    ['listen = "8080"', 'listen = "127.0.0.1:99999"', 'hosts = ["https://loopbot.example.com"]', 'hosts = ["a:8080"]'],
)
def test_a_mistake_in_the_table_is_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="web"), running(tmp_path, f"[web]\n{text}\n", []):
        pass


def test_a_secret_of_a_hook_in_clear_text_is_refused(tmp_path: Path) -> None:
    token = f'[web.hooks.x]\nheader = "X-Token"\nsecret = "{SECRET}"\nstreams = ["jira:issue"]\n'
    with (
        pytest.raises(ConfigError, match=r"web\.hooks\.x\.secret: holds a secret"),
        running(tmp_path, token + JIRA, []),
    ):
        pass
