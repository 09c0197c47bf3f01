"""What `check` says of GitLab."""

from datetime import timedelta

import pytest

from loopbot.ports import Finding
from loopbot.sandbox.faults import Fault
from loopbot.sandbox.gitlab.twin import TOKEN, GitLabTwin
from tests.connectors.contract import QuickClock
from tests.connectors.gitlab.conftest import PROJECT, Build


def said(build: Build, **told: object) -> dict[str, Finding]:
    return {one.about: one for one in build(**told).check()}


def test_all_is_well(build: Build, twin: GitLabTwin) -> None:
    found = said(build)
    assert {one.level for one in found.values()} == {"ok"}
    assert found[PROJECT].what == "all that is needed can be read"


def test_it_names_what_is_missing(build: Build, twin: GitLabTwin) -> None:
    twin.add_project("shop/old")
    twin.world.rename("shop/old", "shop/new")
    found = said(build, projects=("shop/old", "shop/none"), issues_in="", issue_keys=())
    assert found["shop/old"].level == found["shop/none"].level == "error"
    assert "renamed" in found["shop/old"].hint
    assert found["issues"].level == "warning"


@pytest.mark.parametrize(("days", "level"), [(400, "ok"), (14, "warning"), (3, "warning")])
def test_a_token_that_ends_soon_is_a_warning(
    build: Build, twin: GitLabTwin, clock: QuickClock, days: int, level: str
) -> None:
    twin.world.tokens[TOKEN].expires_at = clock.now().date() + timedelta(days=days)
    assert said(build)["token"].level == level


def test_a_token_that_ended_is_one_error(build: Build, twin: GitLabTwin, clock: QuickClock) -> None:
    twin.world.tokens[TOKEN].expires_at = twin.world.now().date()
    assert [(one.level, one.about) for one in build().check()] == [("error", "token")]


def test_a_token_without_the_scope_is_one_error_that_names_it(build: Build, twin: GitLabTwin) -> None:
    twin.world.tokens[TOKEN].scopes = ("read_repository",)
    found = list(build().check())
    assert [one.level for one in found if one.level == "error"] == ["error"]
    assert found[0].hint == "make one with the scope read_api"


def test_a_server_that_does_not_tell_of_its_tokens_is_judged_by_its_projects(build: Build, twin: GitLabTwin) -> None:
    twin.faults.add(Fault("status", "personal_access_tokens", status=404, body=b'{"error":"404 Not Found"}'))
    assert [(one.level, one.about) for one in build().check()] == [("ok", PROJECT)]


@pytest.mark.parametrize("what", ["deployments", "merge_requests", "releases", "repository"])
def test_what_the_role_may_not_read_is_named(build: Build, twin: GitLabTwin, what: str) -> None:
    token = twin.world.tokens[TOKEN]
    token.may -= {what}
    [error] = [one for one in build().check() if one.level == "error"]
    assert error.about == f"{PROJECT} {what.replace('_', ' ').replace('repository', 'commits')}"
    assert "Reporter" in error.hint


def test_an_empty_project_is_no_error(build: Build, twin: GitLabTwin) -> None:
    twin.add_project("shop/empty")
    assert said(build, projects=("shop/empty",))["shop/empty"].level == "ok"
