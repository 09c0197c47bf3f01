"""What `check` says before the first message."""

import re
from pathlib import Path

from connectors.slack import checking
from connectors.slack.connector import Slack
from connectors.slack.handling import SHORTCUT
from loopbot.sandbox.slack import APP_TOKEN, BOT_TOKEN, SCOPES, SlackTwin
from loopbot.usecases.listen import SHORTCUTS
from tests.connectors.slack.conftest import Build


def levels(slack: Slack) -> dict[str, str]:
    return {one.about: one.level for one in slack.check()}


def test_all_is_well(build: Build, twin: SlackTwin) -> None:
    twin.add_channel("ops")
    said = levels(build(channels={"ops": "ops"}))
    assert said == {"token": "ok", "scopes": "ok", "app token": "ok", "channel ops": "ok"}
    assert not twin.ledger.entries("slack")


def test_a_missing_scope_says_what_is_lost_and_where_to_add_it(slack: Slack, twin: SlackTwin) -> None:
    twin.tokens.granted[BOT_TOKEN] = SCOPES - {"users:read.email", "im:history"}
    found = {one.about: one for one in slack.check()}
    assert found["scope users:read.email"].level == "error"
    assert found["scope im:history"].level == "warning"
    assert "install the app again" in found["scope im:history"].hint


def test_channels_it_is_not_in_or_can_not_see_are_errors(build: Build, twin: SlackTwin) -> None:
    twin.add_channel("outside", bot=False)
    said = {one.about: one for one in build(channels={"a": "#outside", "b": "nowhere"}).check()}
    assert said["channel a (#outside)"].level == said["channel b (nowhere)"].level == "error"
    assert "/invite @loopbot" in said["channel a (#outside)"].hint


def test_wrong_tokens_are_errors(build: Build, twin: SlackTwin) -> None:
    assert levels(build(token="env:WRONG")) == {"token": "error"}
    twin.revoke(APP_TOKEN)
    assert levels(build())["app token"] == "error"
    assert levels(build(app_token=None))["app token"] == "warning"


def test_the_people_of_a_user_group_are_known_by_their_ids(slack: Slack, twin: SlackTwin) -> None:
    mara = twin.add_user("mara", "mara@example.com")
    crew = twin.add_group("crew", [mara])
    assert slack.members(crew) == {mara}
    assert slack.members("S0123NONE") == frozenset()
    assert slack.members("mara@example.com") == frozenset()


def test_the_manifest_asks_for_what_check_looks_for_and_its_shortcuts_are_heard() -> None:
    manifest = (Path(checking.__file__).parent / "manifest.yaml").read_text(encoding="utf-8")
    scopes = re.search(r"bot:\n((?:      - .*\n)+)", manifest)
    assert scopes
    asked = {line.split("- ")[1].split(" #")[0].strip() for line in scopes[1].splitlines()}
    assert asked == {*checking.NEEDED, *checking.WANTED}
    callbacks = set(re.findall(r"callback_id: (\S+)", manifest))
    assert callbacks == {f"{SHORTCUT}{name}" for name in SHORTCUTS}


def test_over_http_the_signing_secret_is_looked_for(build: Build) -> None:
    assert levels(build(app_token=None, signing_secret="env:SIGNING"))["signing secret"] == "ok"
