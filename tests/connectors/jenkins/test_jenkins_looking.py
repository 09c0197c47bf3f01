"""What `check` says of a Jenkins, and what its webhooks are taken for."""

from datetime import UTC, datetime

import pytest
import requests

from connectors.jenkins.connector import Jenkins
from loopbot.ports import Finding, Hint, Hook, Refusal
from loopbot.sandbox.courier import Letter
from loopbot.sandbox.faults import Fault
from loopbot.sandbox.jenkins.hooks import jenkins_letter
from loopbot.sandbox.jenkins.twin import JenkinsTwin
from tests.connectors.jenkins.conftest import JOB, Build


def said(connector: Jenkins) -> dict[str, Finding]:
    return {one.about: one for one in connector.check()}


def test_check_tells_the_version_and_that_each_job_can_be_read(build: Build, twin: JenkinsTwin) -> None:
    twin.build(JOB)
    twin.commit(JOB, "LOOP-1")
    twin.build(JOB)
    told = said(build())
    assert (told["credentials"].level, told["credentials"].what) == ("ok", "taken by Jenkins 2.516.3")
    assert told[JOB].level == "ok"
    assert set(told) == {"credentials", JOB}


def test_check_names_jobs_that_are_not_there_may_not_be_seen_or_are_folders(build: Build, twin: JenkinsTwin) -> None:
    twin.add_job("ops/secret")
    twin.hide("ops/secret")
    jobs = {name: {"environment": "production"} for name in ("ops/gone", "ops/secret", "shop", JOB)}
    told = said(build(jobs=jobs))
    assert [told[name].level for name in jobs] == ["error", "error", "error", "warning"]
    assert "/job/ops/job/gone" in told["ops/gone"].hint
    assert "name a job in it" in told["shop"].hint
    assert told[JOB].what == "it has no builds yet"


def test_check_tells_of_a_job_whose_builds_never_say_what_changed(build: Build, twin: JenkinsTwin) -> None:
    twin.add_job("shop/silent", changelog=False)
    for number in range(3):
        twin.commit("shop/silent", f"LOOP-{number + 1}")
        twin.build("shop/silent")
    told = said(build(jobs={"shop/silent": {"environment": "production"}}))["shop/silent"]
    assert told.level == "warning"
    assert "none of its last 3 builds tells what changed" in told.what


def test_check_tells_that_no_issues_are_looked_for(build: Build, twin: JenkinsTwin) -> None:
    assert said(build(issues_in="", issue_keys=()))["issues"].level == "warning"


def test_check_tells_of_a_user_who_may_see_nothing(build: Build, twin: JenkinsTwin) -> None:
    twin.faults.add(Fault("status", times=9, status=403, body=b"<html>loopbot is missing the Overall/Read permission"))
    told = said(build())
    assert list(told) == ["credentials"]
    assert "Overall/Read" in told["credentials"].hint


def test_check_tells_of_something_that_is_no_jenkins(build: Build, twin: JenkinsTwin) -> None:
    twin.faults.add(Fault("body", status=200, body=b"{}"))
    assert "X-Jenkins is missing" in said(build())["credentials"].what


def verified(connector: Jenkins, letter: Letter) -> Hook | Refusal:
    hooks = connector.hooks()
    assert hooks is not None
    return hooks.verify({name.lower(): value for name, value in letter.headers.items()}, letter.body)


def test_a_build_that_tells_is_read_until_it_has_changed_since(build: Build, twin: JenkinsTwin) -> None:
    number = twin.start(JOB)
    letter = jenkins_letter(twin, JOB, number, "WRONG-or-right")
    hook = verified(build(webhook_secret="env:HOOK"), Letter({"X-Loopbot-Secret": "HOOK-value"}, letter.body))
    assert isinstance(hook, Hook)
    [hint] = hook.hints
    assert (hint.stream, hint.key) == ("jenkins:deployment", f"{JOB}#{number}")
    assert hint.changed_at is not None
    assert hint.changed_at.tzinfo is UTC


@pytest.mark.parametrize(
    ("body", "hints"),
    [
        (b'{"job": "shop/deploy-prod", "build": 7}', (Hint("jenkins:deployment", "shop/deploy-prod#7"),)),
        (b'{"job": "shop/deploy-prod"}', (Hint("jenkins:deployment"),)),
        (b'{"job": "shop/deploy-prod", "build": true, "sent_at": 5}', (Hint("jenkins:deployment"),)),
        (
            b'{"job": "shop/deploy-prod", "build": 7, "sent_at": 1772452800000}',
            (Hint("jenkins:deployment", "shop/deploy-prod#7", datetime(2026, 3, 2, 12, tzinfo=UTC)),),
        ),
        (b'{"job": "shop/tests", "build": 7}', ()),
        (b'{"job": ["shop/deploy-prod"], "build": 7}', ()),
        (b"{}", ()),
    ],
)
def test_a_webhook_hints_at_the_builds_of_the_configured_jobs(
    build: Build, body: bytes, hints: tuple[Hint, ...]
) -> None:
    hook = verified(build(webhook_secret="env:HOOK"), Letter({"X-Loopbot-Secret": "HOOK-value"}, body))
    assert isinstance(hook, Hook)
    assert hook.hints == hints


@pytest.mark.parametrize("headers", [{}, {"X-Loopbot-Secret": "wrong"}, {"X-Loopbot-Secret": "HOOK-valu\udcff"}])
def test_a_webhook_without_the_secret_is_refused(build: Build, headers: dict[str, str]) -> None:
    body = b'{"job": "shop/deploy-prod", "build": 7}'
    assert isinstance(verified(build(webhook_secret="env:HOOK"), Letter(headers, body)), Refusal)


def test_a_webhook_that_is_no_json_is_refused(build: Build) -> None:
    letter = Letter({"X-Loopbot-Secret": "HOOK-value"}, b"job=shop/deploy-prod&build=7")
    assert isinstance(verified(build(webhook_secret="env:HOOK"), letter), Refusal)


def test_without_a_secret_no_webhook_is_taken(build: Build) -> None:
    assert build().hooks() is None


def test_a_user_with_another_alphabet_is_sent_as_jenkins_reads_it(build: Build, twin: JenkinsTwin) -> None:
    twin.world.accounts["möller"] = twin.world.accounts["loopbot"]
    told = said(build(user="möller"))
    assert told["credentials"].level == "ok"
    assert requests.codes.unauthorized not in {one[3] for one in twin.ledger.requests()}
