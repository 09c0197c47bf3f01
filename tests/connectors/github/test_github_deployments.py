"""Deployments: what they say, what they deliver, and how few calls it takes to know."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from connectors.github.connector import GitHub
from loopbot.domain.errors import Rejected, Transient
from loopbot.sandbox.faults import Fault
from loopbot.sandbox.github.twin import GitHubTwin
from loopbot.sandbox.serving import Served
from tests.connectors.contract import QuickClock
from tests.connectors.github.conftest import REPO, Build, Reading
from tests.support.door import Door

Calls = Callable[[], list[str]]


def test_a_deployment_says_what_where_and_when(reading: Reading, twin: GitHubTwin) -> None:
    sha = twin.commit(REPO, "LOOP-1 export")
    number = twin.deploy(REPO, "main", "prod")
    reading.poll()
    one = reading.one(number)
    assert (one.state, one.environment, one.commit) == ("succeeded", "production", sha)
    assert one.title == "shop/web main to production"
    assert one.services == {"Web shop"}
    assert one.finished_at is not None
    assert one.opened_at is not None
    assert one.finished_at >= one.opened_at


def test_it_delivers_every_issue_since_the_last_success_and_not_only_the_last_commits(
    reading: Reading, twin: GitHubTwin
) -> None:
    twin.deploy(REPO, "main")
    twin.commit(REPO, "LOOP-1 export")
    twin.commit(REPO, "tidy up")
    twin.commit(REPO, "fixes LOOP-2 and OPS-3")
    twin.commit(REPO, "and nothing")
    number = twin.deploy(REPO, "main")
    reading.poll()
    assert reading.keys(number) == {"LOOP-1", "LOOP-2", "OPS-3"}


def test_a_failed_deployment_delivers_nothing_and_its_issues_come_with_the_next(
    reading: Reading, twin: GitHubTwin
) -> None:
    twin.deploy(REPO, "main")
    twin.commit(REPO, "LOOP-1 export")
    failed = twin.deploy(REPO, "main", state="failure")
    twin.commit(REPO, "mend the build")
    number = twin.deploy(REPO, "main")
    reading.poll()
    assert reading.one(failed).state == "failed"
    assert reading.keys(failed) == set()
    assert reading.keys(number) == {"LOOP-1"}


@pytest.mark.parametrize("how", ["merge", "squash", "rebase"])
def test_pull_requests_speak_by_title_branch_and_body(reading: Reading, twin: GitHubTwin, how: str) -> None:
    twin.deploy(REPO, "main")
    pull = twin.pull_request(
        REPO, "LOOP-1 export", "See also OPS-9", "feature/loop-2-export", ["work", "more work"], merged=False
    )
    twin.merge(REPO, pull, how=how)  # type: ignore[arg-type]
    number = twin.deploy(REPO, "main")
    reading.poll()
    assert reading.keys(number) == {"LOOP-1", "LOOP-2", "OPS-9"}
    doubt = {one.target.key: one.confidence for one in reading.one(number).links}
    assert doubt["OPS-9"] < doubt["LOOP-1"] == 1.0
    because = {one.target.key: one.because for one in reading.one(number).links}
    assert because["LOOP-2"] == f"named in the branch of pull request #{pull}"


def test_a_range_of_more_than_one_page_is_read_to_its_end(reading: Reading, twin: GitHubTwin) -> None:
    twin.deploy(REPO, "main")
    twin.commit(REPO, "LOOP-1 the first")
    for number in range(340):
        twin.commit(REPO, f"work {number}")
    twin.commit(REPO, "LOOP-2 the last")
    number = twin.deploy(REPO, "main")
    reading.poll()
    assert reading.keys(number) == {"LOOP-1", "LOOP-2"}
    assert reading.one(number).extra["left_out"] == "the pull requests of 282 of 342 commits were not looked at"


def test_going_back_withdraws_what_went_and_coming_again_delivers_it(reading: Reading, twin: GitHubTwin) -> None:
    old = twin.commit(REPO, "LOOP-1 export")
    twin.deploy(REPO, "main")
    twin.commit(REPO, "LOOP-2 import")
    forth = twin.deploy(REPO, "main")
    back = twin.deploy(REPO, old)
    again = twin.deploy(REPO, "main")
    reading.poll()
    assert reading.keys(forth) == {"LOOP-2"}
    assert (reading.keys(back), reading.keys(back, "withdraws")) == (set(), {"LOOP-2"})
    assert reading.keys(again) == {"LOOP-2"}


def test_the_same_commit_again_delivers_nothing(reading: Reading, twin: GitHubTwin, calls: Calls) -> None:
    twin.commit(REPO, "LOOP-1")
    twin.deploy(REPO, "main")
    number = twin.deploy(REPO, "main")
    reading.poll()
    assert reading.one(number).links == ()
    assert not [path for path in calls() if "/compare/" in path]


def test_a_diverged_branch_delivers_its_own_and_withdraws_the_other(reading: Reading, twin: GitHubTwin) -> None:
    base = twin.commit(REPO, "common")
    twin.commit(REPO, "LOOP-1 on main")
    twin.deploy(REPO, "main")
    twin.commit(REPO, "LOOP-2 hotfix", branch="hotfix", parent=base)
    number = twin.deploy(REPO, "hotfix")
    reading.poll()
    assert reading.keys(number) == {"LOOP-2"}
    assert reading.keys(number, "withdraws") == {"LOOP-1"}


def test_a_revert_in_the_range_withdraws(reading: Reading, twin: GitHubTwin) -> None:
    twin.commit(REPO, "LOOP-1 export")
    twin.deploy(REPO, "main")
    twin.commit(REPO, 'Revert "LOOP-1 export"')
    twin.commit(REPO, "LOOP-2 import")
    number = twin.deploy(REPO, "main")
    reading.poll()
    assert reading.keys(number) == {"LOOP-2"}
    assert reading.keys(number, "withdraws") == {"LOOP-1"}


def test_a_merged_pull_request_that_reverts_withdraws(reading: Reading, twin: GitHubTwin) -> None:
    twin.commit(REPO, "LOOP-1 export")
    twin.deploy(REPO, "main")
    twin.pull_request(REPO, 'Revert "LOOP-1 export"', "", "revert-7-export", ['Revert "LOOP-1 export"'])
    number = twin.deploy(REPO, "main")
    reading.poll()
    assert (reading.keys(number), reading.keys(number, "withdraws")) == (set(), {"LOOP-1"})


def test_each_environment_has_its_own_range(reading: Reading, twin: GitHubTwin) -> None:
    twin.deploy(REPO, "main", "prod")
    twin.commit(REPO, "LOOP-1 export")
    staging = twin.deploy(REPO, "main", "staging")
    twin.commit(REPO, "LOOP-2 import")
    production = twin.deploy(REPO, "main", "prod")
    reading.poll()
    assert reading.keys(production) == {"LOOP-1", "LOOP-2"}
    assert "LOOP-2" not in reading.keys(staging)


def test_the_first_deployment_known_counts_its_last_commits_and_says_so(build: Build, twin: GitHubTwin) -> None:
    for number in range(1, 6):
        twin.commit(REPO, f"LOOP-{number}")
    number = twin.deploy(REPO, "main")
    few, none = Reading(build(first_commits=2)), Reading(build(first_commits=0))
    few.poll()
    none.poll()
    assert few.keys(number) == {"LOOP-4", "LOOP-5"}
    assert "first deployment known" in few.one(number).extra["range"]
    assert none.one(number).links == ()


def test_a_replaced_deployment_is_no_failure_and_keeps_what_it_delivered(
    reading: Reading, twin: GitHubTwin, calls: Calls
) -> None:
    twin.commit(REPO, "LOOP-1")
    first = twin.deploy(REPO, "main", "staging")
    reading.poll()
    twin.commit(REPO, "LOOP-2")
    second = twin.deploy(REPO, "main", "staging")
    assert "inactive" in twin.statuses(REPO, first)
    assert [one.key for one in reading.poll()] == [f"{REPO}#{second}"]
    assert reading.one(first).state == "succeeded"
    assert reading.keys(first) == {"LOOP-1"}
    fresh = Reading(reading.connector)
    fresh.poll()
    assert fresh.one(first).state == "succeeded"


def test_a_success_that_is_taken_back_delivers_nothing_and_nothing_follows_it(
    reading: Reading, twin: GitHubTwin
) -> None:
    twin.deploy(REPO, "main")
    twin.commit(REPO, "LOOP-1")
    number = twin.deploy(REPO, "main")
    reading.poll()
    assert reading.keys(number) == {"LOOP-1"}
    twin.deployment_status(REPO, number, "failure")
    reading.poll()
    assert reading.one(number).state == "failed"
    assert reading.one(number).links == ()
    again = twin.deploy(REPO, "main")
    reading.poll()
    assert reading.keys(again) == {"LOOP-1"}


def test_enterprise_server_is_read_under_its_own_path(
    build: Build, desk: tuple[Door, Served], twin: GitHubTwin
) -> None:
    own = GitHubTwin(twin.ledger, base_path="/api/v3")
    desk[0].app = own.app
    own.add_repo(REPO)
    own.commit(REPO, "LOOP-1")
    number = own.deploy(REPO, "main")
    reading = Reading(build(base_url=f"{desk[1].url}/api/v3/"))
    reading.poll()
    assert reading.keys(number) == {"LOOP-1"}


def test_a_running_deployment_is_followed_to_its_end(reading: Reading, twin: GitHubTwin) -> None:
    twin.deploy(REPO, "main")
    twin.commit(REPO, "LOOP-1")
    number = twin.deploy(REPO, "main", state=None)
    reading.poll()
    assert reading.one(number).state == "pending"
    twin.deployment_status(REPO, number, "in_progress")
    reading.poll()
    assert reading.one(number).state == "running"
    assert reading.poll() == []
    twin.deployment_status(REPO, number, "success")
    reading.poll()
    assert reading.keys(number) == {"LOOP-1"}
    assert reading.one(number).started_at is not None


def test_its_end_is_seen_even_where_the_list_does_not_show_it(reading: Reading, twin: GitHubTwin) -> None:
    number = twin.deploy(REPO, "main", state="in_progress")
    reading.poll()
    found = twin.world.repository(REPO).deployments[number]
    stamp = found.updated_at
    twin.deployment_status(REPO, number, "success")
    found.updated_at = stamp
    reading.poll()
    assert reading.one(number).state == "succeeded"


def test_what_ended_first_comes_first_and_not_what_began_first(reading: Reading, twin: GitHubTwin) -> None:
    twin.deploy(REPO, "main")
    twin.commit(REPO, "LOOP-1")
    slow = twin.deploy(REPO, "main", state="in_progress")
    twin.commit(REPO, "LOOP-2")
    quick = twin.deploy(REPO, "main")
    twin.deployment_status(REPO, slow, "success")
    reading.poll()
    assert reading.keys(quick) == {"LOOP-1", "LOOP-2"}
    assert reading.keys(slow, "withdraws") == {"LOOP-2"}


def test_an_idle_poll_is_one_call_a_repository_that_costs_nothing(build: Build, twin: GitHubTwin, calls: Calls) -> None:
    twin.add_repo("shop/api")
    twin.deploy(REPO, "main")
    reading = Reading(build(repositories=(REPO, "shop/api")))
    reading.poll()
    calls()
    used = [account.used for account in twin.world.accounts.values()]
    assert reading.poll() == []
    assert calls() == ["/repos/shop/web/deployments", "/repos/shop/api/deployments"]
    assert [status for *_, status in twin.ledger.requests("github")][-2:] == [304, 304]
    assert [account.used for account in twin.world.accounts.values()] == used


def test_many_deployments_are_read_over_all_pages_once(build: Build, twin: GitHubTwin) -> None:
    made = [twin.deploy(REPO, "main") for _ in range(130)]
    reading = Reading(build(page_size=50))
    found = reading.poll()
    assert sorted(one.key for one in found) == sorted(f"{REPO}#{number}" for number in made)
    assert reading.poll() == []


def test_a_reading_that_breaks_off_goes_on_where_it_was(reading: Reading, twin: GitHubTwin) -> None:
    for number in range(1, 121):
        twin.commit(REPO, f"LOOP-{number}")
        twin.deploy(REPO, "main")
    twin.faults.add(Fault("status", "statuses", skip=70, times=9, status=503))
    with pytest.raises(Transient):
        reading.poll()
    assert len(reading.records) == 50
    twin.faults.clear()
    reading.poll()
    delivered = [link.target.key for one in reading.records.values() for link in one.links]
    assert len(reading.records) == 120
    assert sorted(delivered) == sorted(f"LOOP-{number}" for number in range(1, 121))


def test_the_first_reading_goes_only_so_far_back(build: Build, twin: GitHubTwin) -> None:
    old = twin.deploy(REPO, "main")
    found = twin.world.repository(REPO).deployments[old]
    found.created_at -= timedelta(days=60)
    number = twin.deploy(REPO, "main")
    reading = Reading(build())
    reading.poll()
    twin.commit(REPO, "LOOP-1")
    later = twin.deploy(REPO, "main")
    reading.poll()
    assert set(reading.records) == {f"{REPO}#{number}", f"{REPO}#{later}"}


def test_a_row_that_shows_up_late_is_not_lost(reading: Reading, twin: GitHubTwin) -> None:
    late, number = twin.deploy(REPO, "main"), twin.deploy(REPO, "main")
    hidden = twin.world.repository(REPO).deployments.pop(late)
    reading.poll()
    twin.world.repository(REPO).deployments[late] = hidden
    reading.poll()
    assert set(reading.records) == {f"{REPO}#{late}", f"{REPO}#{number}"}


def test_a_repository_that_is_gone_does_not_keep_the_others_back(build: Build, twin: GitHubTwin) -> None:
    number = twin.deploy(REPO, "main")
    reading = Reading(build(repositories=("shop/gone", REPO)))
    with pytest.raises(Rejected, match="shop/gone"):
        reading.poll()
    assert set(reading.records) == {f"{REPO}#{number}"}


def test_an_unknown_state_is_set_aside_with_its_reason(reading: Reading, twin: GitHubTwin) -> None:
    number, good = twin.deploy(REPO, "main"), twin.deploy(REPO, "main")
    twin.faults.add(
        Fault(
            "body",
            f"{number}/statuses",
            status=200,
            body=b'[{"id":1,"state":"teleported","created_at":"2026-03-02T09:00:00Z"}]',
        )
    )
    reading.poll()
    assert set(reading.records) == {f"{REPO}#{good}"}
    [unmapped] = [one for page in reading.pages for one in page.unmapped]
    assert unmapped.ident == f"{REPO}:{number}"
    assert "teleported" in unmapped.why


def test_a_commit_that_is_gone_is_said_and_not_fatal(reading: Reading, twin: GitHubTwin) -> None:
    twin.deploy(REPO, "main")
    twin.commit(REPO, "LOOP-1")
    number = twin.deploy(REPO, "main")
    twin.faults.add(Fault("status", "/compare/", status=404, body=b'{"message":"Not Found"}'))
    reading.poll()
    assert "is gone" in reading.one(number).extra["range"]


@pytest.mark.parametrize(("asked", "after"), [(45, 45), (None, 60)])
def test_the_secondary_limit_is_waited_for_with_and_without_a_word(
    reading: Reading, twin: GitHubTwin, asked: int | None, after: float
) -> None:
    twin.secondary_limit(retry_after=asked, times=3)
    with pytest.raises(Transient) as raised:
        reading.poll()
    assert raised.value.after == after


def test_the_hourly_limit_is_waited_for_until_its_reset(reading: Reading, twin: GitHubTwin, clock: QuickClock) -> None:
    headers = {
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset": str(int((clock.now() + timedelta(minutes=20)).timestamp())),
    }
    twin.faults.add(Fault("status", status=403, headers=headers, body=b'{"message":"API rate limit exceeded"}'))
    with pytest.raises(Transient) as raised:
        reading.poll()
    assert 1100 < (raised.value.after or 0) <= 1201


def test_a_deploying_run_is_a_deployment_and_other_runs_are_passed_over(build: Build, twin: GitHubTwin) -> None:
    reading = Reading(build(deploy_workflows={"Deploy": "production"}), "run")
    twin.workflow_run(REPO, "Deploy")
    twin.commit(REPO, "LOOP-1")
    twin.workflow_run(REPO, "Tests")
    run = twin.workflow_run(REPO, "Deploy", status="in_progress", conclusion=None)
    reading.poll()
    assert reading.records[f"{REPO}!{run}"].state == "running"
    twin.finish_run(REPO, run)
    reading.poll()
    one = reading.records[f"{REPO}!{run}"]
    assert one.state == "succeeded"
    assert {link.target.key for link in one.links} == {"LOOP-1"}
    assert len(reading.records) == 2


def test_running_an_old_deployment_again_is_another_deployment_that_goes_back(build: Build, twin: GitHubTwin) -> None:
    reading = Reading(build(deploy_workflows={"Deploy": "production"}), "run")
    twin.commit(REPO, "LOOP-1")
    first = twin.workflow_run(REPO, "Deploy")
    twin.commit(REPO, "LOOP-2")
    twin.workflow_run(REPO, "Deploy")
    reading.poll()
    twin.rerun(REPO, first)
    reading.poll()
    again = reading.records[f"{REPO}!{first}.2"]
    assert [(one.relation, one.target.key) for one in again.links] == [("withdraws", "LOOP-2")]
    assert "LOOP-1" in {one.target.key for one in reading.records[f"{REPO}!{first}"].links}


def test_a_release_includes_what_its_notes_name(build: Build, twin: GitHubTwin) -> None:
    reading = Reading(build(), "release")
    twin.release(REPO, "v1.2", "Spring", "* LOOP-1 export\n* https://elsewhere.example/LOOP-2\n* OPS-3")
    twin.release(REPO, "v1.3", "Summer", draft=True)
    reading.poll()
    spring, summer = reading.records[f"{REPO}@v1.2"], reading.records[f"{REPO}@v1.3"]
    assert (spring.state, summer.state) == ("released", "planned")
    assert {one.target.key for one in spring.links if one.relation == "includes"} == {"LOOP-1", "OPS-3"}


def test_check_names_what_is_missing(build: Build, twin: GitHubTwin) -> None:
    twin.rename_repo(REPO, "shop/front")
    said = {one.about: one for one in build(repositories=(REPO, "shop/none"), issues_in="", issue_keys=()).check()}
    assert said[REPO].level == said["shop/none"].level == "error"
    assert "renamed" in said[REPO].hint
    assert said["issues"].level == "warning"


def test_the_settings_refuse_what_can_not_work() -> None:
    with pytest.raises(ValueError, match="belong together"):
        GitHub.Settings(token="env:T", repositories=("a/b",), issues_in="jira")
    with pytest.raises(ValueError, match="use https"):
        GitHub.Settings(token="env:T", repositories=("a/b",), base_url="http://github.example/api/v3")
    with pytest.raises(ValueError, match="repositories"):
        GitHub.Settings(token="env:T", repositories=("a/b/../c",))


def test_it_only_reads(build: Build) -> None:
    assert build().sink() is None
