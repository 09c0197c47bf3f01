"""GitLab's webhooks: who may bring one, and what it hints at."""

from typing import Any

import pytest

from loopbot.ports import Hint, Hook, HookVerifier, Refusal
from loopbot.sandbox.courier import Letter
from loopbot.sandbox.gitlab.hooks import deployment_letter, release_letter
from loopbot.sandbox.gitlab.twin import GitLabTwin
from tests.connectors.gitlab.conftest import PROJECT, Build

SECRET = "a secret of thirty-two characters"


def verified(verifier: HookVerifier, letter: Letter, **headers: str) -> Hook | Refusal:
    sent = {name.lower(): value for name, value in letter.headers.items()} | headers
    return verifier.verify(sent, letter.body)


@pytest.fixture
def verifier(build: Build) -> HookVerifier:
    found = build(webhook_secret="env:HOOK").hooks()
    assert found is not None
    return found


def test_a_deployment_is_hinted_at_by_its_key(verifier: HookVerifier, twin: GitLabTwin) -> None:
    number = twin.deploy(PROJECT, "main")
    hook = verified(verifier, deployment_letter(twin, PROJECT, number, SECRET))
    assert isinstance(hook, Hook)
    assert hook.hints == (Hint("gitlab:deployment", f"{PROJECT}#{number}"),)
    assert len(hook.deliveries) == 2


def test_a_release_is_hinted_at_unless_it_was_deleted(verifier: HookVerifier, twin: GitLabTwin) -> None:
    hook = verified(verifier, release_letter(twin, PROJECT, "v1.0", SECRET))
    gone = verified(verifier, release_letter(twin, PROJECT, "v1.0", SECRET, "delete"))
    assert isinstance(hook, Hook)
    assert isinstance(gone, Hook)
    assert hook.hints == (Hint("gitlab:release", f"{PROJECT}@v1.0"),)
    assert gone.hints == ()


@pytest.mark.parametrize("token", ["", "wrong", SECRET + " ", "\udcff"])
def test_a_wrong_token_is_refused_as_if_it_had_been_taken(verifier: HookVerifier, twin: GitLabTwin, token: str) -> None:
    letter = deployment_letter(twin, PROJECT, twin.deploy(PROJECT, "main"), SECRET)
    found = verified(verifier, letter, **{"x-gitlab-token": token})
    assert isinstance(found, Refusal)
    assert found.tolerant
    assert SECRET not in found.why


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"not json", b"\xff", b'{"project": 1}', b'{"project": {"path_with_namespace": []}}']
)
def test_whatever_else_comes_with_the_right_token_hints_at_nothing(verifier: HookVerifier, body: bytes) -> None:
    headers = {"X-Gitlab-Token": SECRET, "X-Gitlab-Event": "Deployment Hook"}
    found = verified(verifier, Letter(headers, body))
    assert found.tolerant if isinstance(found, Refusal) else found.hints == ()


def test_other_projects_and_events_are_of_no_account(verifier: HookVerifier, twin: GitLabTwin) -> None:
    twin.add_project("shop/api")
    twin.commit("shop/api", "The beginning")
    number = twin.deploy("shop/api", "main")
    other = verified(verifier, deployment_letter(twin, "shop/api", number, SECRET))
    letter = deployment_letter(twin, PROJECT, twin.deploy(PROJECT, "main"), SECRET)
    review = verified(verifier, deployment_letter(twin, PROJECT, twin.deploy(PROJECT, "main", "review/loop-1"), SECRET))
    push = verified(verifier, letter, **{"x-gitlab-event": "Push Hook"})
    assert [found.hints for found in (other, push, review) if isinstance(found, Hook)] == [()] * 3


def test_streams_that_are_not_read_are_not_hinted_at(build: Build, twin: GitLabTwin) -> None:
    told: dict[str, Any] = {"webhook_secret": "env:HOOK", "deployments": False}
    quiet = build(**told).hooks()
    assert quiet is not None
    found = verified(quiet, deployment_letter(twin, PROJECT, twin.deploy(PROJECT, "main"), SECRET))
    assert isinstance(found, Hook)
    assert found.hints == ()


def test_without_a_secret_nobody_verifies(build: Build) -> None:
    assert build().hooks() is None
