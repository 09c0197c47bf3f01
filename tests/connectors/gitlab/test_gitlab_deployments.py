"""Deployments: what they say, what they deliver, and how few calls it takes to know."""

from collections.abc import Callable
from datetime import timedelta

import orjson
import pytest

from connectors.gitlab.connector import GitLab
from loopbot.domain.errors import BrokenAnswer, Rejected, Transient, Unauthorized
from loopbot.sandbox.faults import Fault
from loopbot.sandbox.gitlab.twin import GitLabTwin
from loopbot.sandbox.serving import Served
from tests.connectors.contract import QuickClock
from tests.connectors.gitlab.conftest import PROJECT, Build, Reading, Time
from tests.support.door import Door

Calls = Callable[[], list[str]]
LIST = f"/api/v4/projects/{PROJECT}/deployments"


def test_a_deployment_says_what_where_when_and_by_whom(reading: Reading, twin: GitLabTwin) -> None:
    sha = twin.commit(PROJECT, "LOOP-1 export")
    number = twin.deploy(PROJECT, "main", "prod")
    reading.poll()
    one = reading.one(number)
    job = twin.world.project(PROJECT).deployments[number].job
    assert job is not None
    assert (one.state, one.environment, one.commit) == ("succeeded", "production", sha)
    assert one.title == "shop/apps/web main to production"
    assert one.services == {"Web shop"}
    assert one.url.endswith(f"/shop/apps/web/-/jobs/{job.id}")
    assert [who.person.key for who in one.people] == ["ada"]
    assert one.finished_at is not None
    assert one.opened_at is not None
    assert one.started_at is not None
    assert one.opened_at <= one.started_at <= one.finished_at


def test_it_delivers_every_issue_since_the_last_success_and_not_only_the_last_commits(
    reading: Reading, twin: GitLabTwin
) -> None:
    twin.deploy(PROJECT, "main")
    twin.commit(PROJECT, "LOOP-1 export")
    twin.commit(PROJECT, "tidy up")
    twin.commit(PROJECT, "fixes LOOP-2 and OPS-3")
    twin.commit(PROJECT, "and nothing")
    number = twin.deploy(PROJECT, "main")
    reading.poll()
    assert reading.keys(number) == {"LOOP-1", "LOOP-2", "OPS-3"}


@pytest.mark.parametrize(("status", "state"), [("failed", "failed"), ("canceled", "failed"), ("blocked", "pending")])
def test_what_did_not_succeed_delivers_nothing_and_its_issues_come_with_the_next(
    reading: Reading, twin: GitLabTwin, status: str, state: str
) -> None:
    twin.deploy(PROJECT, "main")
    twin.commit(PROJECT, "LOOP-1 export")
    failed = twin.deploy(PROJECT, "main", status=status)  # type: ignore[arg-type]
    twin.commit(PROJECT, "mend the build")
    number = twin.deploy(PROJECT, "main")
    reading.poll()
    assert reading.one(failed).state == state
    assert reading.keys(failed) == set()
    assert reading.keys(number) == {"LOOP-1"}


def test_what_never_began_is_nothing_to_tell_and_what_was_told_as_coming_came_to_nothing(
    reading: Reading, twin: GitLabTwin
) -> None:
    skipped = twin.deploy(PROJECT, "main", status="skipped")
    coming = twin.deploy(PROJECT, "main", status="created")
    reading.poll()
    assert set(reading.records) == {f"{PROJECT}#{coming}"}
    assert reading.one(coming).state == "pending"
    twin.progress(PROJECT, coming, "skipped")
    reading.poll()
    assert reading.one(coming).state == "failed"
    assert reading.one(coming).extra["note"] == "skipped: nothing was deployed"
    assert f"{PROJECT}#{skipped}" not in reading.records


@pytest.mark.parametrize("how", ["merge", "squash", "rebase"])
def test_merge_requests_speak_by_title_branch_and_description(reading: Reading, twin: GitLabTwin, how: str) -> None:
    twin.deploy(PROJECT, "main")
    request = twin.merge_request(
        PROJECT,
        "LOOP-1 export",
        "See also OPS-9",
        "feature/loop-2-export",
        ["work", "more work"],
        how=how,  # type: ignore[arg-type]
    )
    number = twin.deploy(PROJECT, "main")
    reading.poll()
    assert reading.keys(number) == {"LOOP-1", "LOOP-2", "OPS-9"}
    doubt = {one.target.key: one.confidence for one in reading.one(number).links}
    assert doubt["OPS-9"] < doubt["LOOP-1"] == 1.0
    because = {one.target.key: one.because for one in reading.one(number).links}
    assert because["LOOP-2"] == f"named in the branch of merge request !{request}"
    assert reading.one(number).extra["pulls"] == f"{PROJECT}!{request}"


def test_many_merges_are_asked_about_by_one_call(reading: Reading, twin: GitLabTwin, calls: Calls) -> None:
    twin.deploy(PROJECT, "main")
    for number in range(1, 71):
        twin.merge_request(PROJECT, "Work", f"For LOOP-{number}", f"work-{number}", ["work"])
    twin.merge_request(PROJECT, "Work", "For LOOP-99", "last", ["work"], how="squash")
    number = twin.deploy(PROJECT, "main")
    reading.poll()
    assert reading.keys(number) == {f"LOOP-{number}" for number in [*range(1, 71), 99]}
    asked = [path.rpartition(PROJECT)[2] for path in calls() if path.endswith("/merge_requests")]
    assert asked.count("/merge_requests") == 1
    # For the squashed one, and for the very first commit.
    assert len(asked) == 3


def test_a_commit_that_only_claims_to_be_a_merge_brings_nothing_of_that_merge_request(
    reading: Reading, twin: GitLabTwin
) -> None:
    twin.merge_request(PROJECT, "LOOP-1 export", "", "work", ["work"])
    twin.deploy(PROJECT, "main")
    twin.commit(PROJECT, f"Tidy up\n\nSee merge request {PROJECT}!1")
    number = twin.deploy(PROJECT, "main")
    reading.poll()
    assert reading.keys(number) == set()


def test_a_merge_request_that_is_not_merged_says_nothing(reading: Reading, twin: GitLabTwin) -> None:
    twin.deploy(PROJECT, "main")
    twin.merge_request(PROJECT, "LOOP-1 export", "", "wild", ["work"], how=None)
    number = twin.deploy(PROJECT, "wild")
    reading.poll()
    assert reading.keys(number) == set()


def test_where_merge_requests_may_not_be_read_messages_still_speak_and_it_is_asked_once(
    reading: Reading, twin: GitLabTwin, calls: Calls
) -> None:
    twin.deploy(PROJECT, "main")
    twin.commit(PROJECT, "LOOP-1 export")
    twin.commit(PROJECT, "tidy up")
    number = twin.deploy(PROJECT, "main")
    twin.faults.add(Fault("status", "/merge_requests", times=99, status=403, body=b'{"message":"403 Forbidden"}'))
    reading.poll()
    assert reading.keys(number) == {"LOOP-1"}
    # Once for each of the two ranges.
    assert len([path for path in calls() if path.endswith("/merge_requests")]) == 2


def test_of_a_very_long_range_the_newest_are_looked_at_and_that_is_said(build: Build, twin: GitLabTwin) -> None:
    reading = Reading(build(most_commits=100))
    twin.deploy(PROJECT, "main")
    twin.commit(PROJECT, "LOOP-1 the first")
    for number in range(150):
        twin.commit(PROJECT, f"work {number}")
    twin.commit(PROJECT, "LOOP-2 the last")
    number = twin.deploy(PROJECT, "main")
    reading.poll()
    assert reading.keys(number) == {"LOOP-2"}
    told = reading.one(number).extra["left_out"]
    assert "only the newest 100 of 152 commits were looked at" in told
    assert "the pull requests of 40 of 100 commits were not looked at" in told


def test_going_back_withdraws_what_went_and_coming_again_delivers_it(reading: Reading, twin: GitLabTwin) -> None:
    old = twin.commit(PROJECT, "LOOP-1 export")
    twin.deploy(PROJECT, "main")
    twin.commit(PROJECT, "LOOP-2 import")
    forth = twin.deploy(PROJECT, "main")
    back = twin.deploy(PROJECT, old)
    again = twin.deploy(PROJECT, "main")
    reading.poll()
    assert reading.keys(forth) == {"LOOP-2"}
    assert (reading.keys(back), reading.keys(back, "withdraws")) == (set(), {"LOOP-2"})
    assert reading.keys(again) == {"LOOP-2"}


def test_a_range_that_lies_ahead_is_compared_once_and_one_that_diverged_both_ways(
    reading: Reading, twin: GitLabTwin, calls: Calls
) -> None:
    base = twin.commit(PROJECT, "common")
    twin.deploy(PROJECT, "main")
    twin.merge_request(PROJECT, "OPS-7 ahead", "", "side", ["work"])
    ahead = twin.deploy(PROJECT, "main")
    reading.poll()
    assert reading.keys(ahead) == {"OPS-7"}
    assert len([path for path in calls() if path.endswith("/compare")]) == 1
    twin.commit(PROJECT, "LOOP-2 hotfix", branch="hotfix", parent=base)
    diverged = twin.deploy(PROJECT, "hotfix")
    reading.poll()
    assert (reading.keys(diverged), reading.keys(diverged, "withdraws")) == ({"LOOP-2"}, {"OPS-7"})
    assert len([path for path in calls() if path.endswith("/compare")]) == 2


def test_the_same_commit_again_delivers_nothing(reading: Reading, twin: GitLabTwin, calls: Calls) -> None:
    twin.commit(PROJECT, "LOOP-1")
    twin.deploy(PROJECT, "main")
    number = twin.deploy(PROJECT, "main")
    reading.poll()
    assert reading.one(number).links == ()
    assert not [path for path in calls() if path.endswith("/compare")]


def test_a_revert_in_the_range_withdraws(reading: Reading, twin: GitLabTwin) -> None:
    twin.commit(PROJECT, "LOOP-1 export")
    twin.deploy(PROJECT, "main")
    twin.merge_request(PROJECT, 'Revert "LOOP-1 export"', "", "revert-0a1b2c3d", ['Revert "LOOP-1 export"'])
    twin.commit(PROJECT, "LOOP-2 import")
    number = twin.deploy(PROJECT, "main")
    reading.poll()
    assert reading.keys(number) == {"LOOP-2"}
    assert reading.keys(number, "withdraws") == {"LOOP-1"}


def test_each_environment_has_its_own_range(reading: Reading, twin: GitLabTwin) -> None:
    twin.deploy(PROJECT, "main", "prod")
    twin.commit(PROJECT, "LOOP-1 export")
    staging = twin.deploy(PROJECT, "main", "Staging/eu")
    twin.commit(PROJECT, "LOOP-2 import")
    production = twin.deploy(PROJECT, "main", "prod")
    reading.poll()
    assert reading.keys(production) == {"LOOP-1", "LOOP-2"}
    assert "LOOP-2" not in reading.keys(staging)
    assert reading.one(staging).environment == "staging/eu"


def test_deployments_to_environments_that_nobody_uses_are_passed_over(
    build: Build, twin: GitLabTwin, calls: Calls
) -> None:
    review, other = twin.deploy(PROJECT, "main", "review/loop-1"), twin.deploy(PROJECT, "main", "lab")
    usual, own = Reading(build()), Reading(build(passed_over=("lab", "nightly-?")))
    usual.poll()
    own.poll()
    assert set(usual.records) == {f"{PROJECT}#{other}"}
    assert set(own.records) == {f"{PROJECT}#{review}"}


def test_the_first_deployment_known_counts_its_last_commits_and_says_so(build: Build, twin: GitLabTwin) -> None:
    for number in range(1, 6):
        twin.commit(PROJECT, f"LOOP-{number}")
    number = twin.deploy(PROJECT, "main")
    few, none = Reading(build(first_commits=2)), Reading(build(first_commits=0))
    few.poll()
    none.poll()
    assert few.keys(number) == {"LOOP-4", "LOOP-5"}
    assert "first deployment known" in few.one(number).extra["range"]
    assert none.one(number).links == ()


def test_a_commit_that_was_forced_away_is_said_and_not_fatal(reading: Reading, twin: GitLabTwin) -> None:
    gone = twin.commit(PROJECT, "LOOP-1", branch="wild")
    twin.deploy(PROJECT, "wild")
    twin.commit(PROJECT, "LOOP-2")
    number = twin.deploy(PROJECT, "main")
    project = twin.world.project(PROJECT)
    del project.commits[gone]
    reading.poll()
    assert reading.one(number).extra["range"].startswith(f"the commit deployed before ({gone[:7]}) is gone")
    assert reading.keys(number) == {"LOOP-2"}


def test_where_the_comparison_does_not_answer_the_list_of_commits_does(reading: Reading, twin: GitLabTwin) -> None:
    twin.deploy(PROJECT, "main")
    sha = twin.commit(PROJECT, "LOOP-1 export", files=["a.py"])
    number = twin.deploy(PROJECT, "main")
    reading.poll()
    assert reading.one(number).extra["files"] == "a.py"
    other = Reading(reading.connector)
    twin.faults.add(Fault("status", "/repository/compare", times=3, status=500))
    other.poll()
    assert other.keys(number) == {"LOOP-1"}
    assert "which files differ is not known" in other.one(number).extra["left_out"]
    assert other.one(number).extra["commits"] == sha[:12]


def test_files_that_moved_count_under_both_names(reading: Reading, twin: GitLabTwin) -> None:
    twin.deploy(PROJECT, "main")
    twin.commit(PROJECT, "Move it", files=["old/way.py -> new/way.py"])
    number = twin.deploy(PROJECT, "main")
    reading.poll()
    assert reading.one(number).extra["files"].splitlines() == ["new/way.py", "old/way.py"]
    assert reading.one(number).text == "Move it"


def test_a_running_deployment_is_followed_to_its_end_by_the_list_alone(
    reading: Reading, twin: GitLabTwin, calls: Calls
) -> None:
    twin.deploy(PROJECT, "main")
    twin.commit(PROJECT, "LOOP-1")
    number = twin.deploy(PROJECT, "main", status="created")
    reading.poll()
    assert reading.one(number).state == "pending"
    twin.progress(PROJECT, number, "running")
    reading.poll()
    assert reading.one(number).state == "running"
    calls()
    assert reading.poll() == []
    assert calls() == [LIST]
    twin.progress(PROJECT, number, "success")
    reading.poll()
    assert reading.keys(number) == {"LOOP-1"}


def test_what_ended_first_comes_first_and_not_what_began_first(reading: Reading, twin: GitLabTwin) -> None:
    twin.deploy(PROJECT, "main")
    twin.commit(PROJECT, "LOOP-1")
    slow = twin.deploy(PROJECT, "main", status="running")
    twin.commit(PROJECT, "LOOP-2")
    quick = twin.deploy(PROJECT, "main")
    twin.progress(PROJECT, slow, "success")
    reading.poll()
    assert reading.keys(quick) == {"LOOP-1", "LOOP-2"}
    assert reading.keys(slow, "withdraws") == {"LOOP-2"}


def test_one_that_another_tool_made_through_the_api_ended_when_it_last_changed(
    reading: Reading, twin: GitLabTwin
) -> None:
    number = twin.deploy(PROJECT, "main", by_job=False)
    reading.poll()
    one = reading.one(number)
    assert one.finished_at == one.updated_at
    assert one.started_at is None


@pytest.mark.parametrize("later", [1, 30])
def test_a_success_that_is_only_touched_again_stays_as_it_was_told(
    reading: Reading, twin: GitLabTwin, time: Time, later: int
) -> None:
    twin.commit(PROJECT, "LOOP-1")
    number = twin.deploy(PROJECT, "main")
    reading.poll()
    for _ in range(later):
        twin.commit(PROJECT, "other work")
        twin.deploy(PROJECT, "main")
    reading.poll()
    twin.world.project(PROJECT).deployments[number].updated_at = time()
    assert reading.poll() == []


def test_an_idle_poll_is_one_call_a_project(build: Build, twin: GitLabTwin, calls: Calls) -> None:
    twin.add_project("shop/api")
    twin.deploy(PROJECT, "main")
    reading = Reading(build(projects=(PROJECT, "shop/api")))
    reading.poll()
    calls()
    assert reading.poll() == []
    assert calls() == [LIST, "/api/v4/projects/shop/api/deployments"]


def test_many_deployments_are_read_over_all_pages_once(build: Build, twin: GitLabTwin) -> None:
    made = [twin.deploy(PROJECT, "main") for _ in range(130)]
    reading = Reading(build(page_size=7))
    found = reading.poll()
    assert sorted(one.key for one in found) == sorted(f"{PROJECT}#{number}" for number in made)
    assert reading.poll() == []


def test_a_row_that_changes_while_pages_are_read_pushes_no_other_out(
    build: Build, twin: GitLabTwin, time: Time
) -> None:
    made = [twin.deploy(PROJECT, "main", status="running") for _ in range(30)]
    reading = Reading(build(page_size=10))
    [source] = [one for one in reading.connector.sources() if one.stream == "gitlab:deployment"]
    found: set[str] = set()
    for step, page in enumerate(source.read(reading.cursor)):
        found |= {one.key for one in page.records}
        if step == 0:
            for number in made[:5]:
                twin.world.project(PROJECT).deployments[number].updated_at = time()
    assert found == {f"{PROJECT}#{number}" for number in made}


def test_thousands_of_one_stamp_are_all_read_once(build: Build, twin: GitLabTwin, time: Time) -> None:
    time.step = timedelta(0)
    made = [twin.deploy(PROJECT, "main", status="running") for _ in range(1_200)]
    reading = Reading(build())
    found = [one.key for one in reading.poll()]
    assert sorted(found) == sorted(f"{PROJECT}#{number}" for number in made)
    assert reading.poll() == []


def test_a_reading_that_breaks_off_goes_on_where_it_was(reading: Reading, twin: GitLabTwin) -> None:
    for number in range(1, 61):
        twin.commit(PROJECT, f"LOOP-{number}")
        twin.deploy(PROJECT, "main")
    twin.faults.add(Fault("status", "/merge_requests", skip=30, times=9, status=503))
    with pytest.raises(Transient):
        reading.poll()
    assert len(reading.records) == 25
    twin.faults.clear()
    reading.poll()
    delivered = [link.target.key for one in reading.records.values() for link in one.links]
    assert len(reading.records) == 60
    assert sorted(delivered) == sorted(f"LOOP-{number}" for number in range(1, 61))


def test_what_one_project_could_not_give_out_is_read_again_and_the_others_are_read(
    build: Build, twin: GitLabTwin
) -> None:
    twin.add_project("shop/api")
    twin.commit("shop/api", "The beginning")
    number, other = twin.deploy(PROJECT, "main"), twin.deploy("shop/api", "main")
    reading = Reading(build(projects=(PROJECT, "shop/api")))
    twin.faults.add(Fault("status", f"{PROJECT}/repository", times=9, status=400, body=b'{"error":"bad"}'))
    with pytest.raises(Rejected):
        reading.poll()
    assert set(reading.records) == {f"shop/api#{other}"}
    twin.faults.clear()
    reading.poll()
    assert f"{PROJECT}#{number}" in reading.records


def test_the_first_reading_goes_only_so_far_back(build: Build, twin: GitLabTwin) -> None:
    old = twin.deploy(PROJECT, "main")
    found = twin.world.project(PROJECT).deployments[old]
    found.updated_at -= timedelta(days=60)
    number = twin.deploy(PROJECT, "main")
    reading = Reading(build())
    reading.poll()
    twin.commit(PROJECT, "LOOP-1")
    later = twin.deploy(PROJECT, "main")
    reading.poll()
    assert set(reading.records) == {f"{PROJECT}#{number}", f"{PROJECT}#{later}"}


def test_a_row_that_shows_up_late_is_not_lost(reading: Reading, twin: GitLabTwin) -> None:
    late, number = twin.deploy(PROJECT, "main"), twin.deploy(PROJECT, "main")
    hidden = twin.world.project(PROJECT).deployments.pop(late)
    reading.poll()
    twin.world.project(PROJECT).deployments[late] = hidden
    reading.poll()
    assert set(reading.records) == {f"{PROJECT}#{late}", f"{PROJECT}#{number}"}


def test_a_server_that_does_not_know_the_filter_is_no_answer(reading: Reading, twin: GitLabTwin) -> None:
    twin.deploy(PROJECT, "main")
    reading.poll()
    rows = [{"id": 1, "status": "success", "created_at": "2020-01-01T00:00:00Z", "updated_at": "2020-01-01T00:00:00Z"}]
    twin.faults.add(Fault("body", "/deployments", status=200, body=orjson.dumps(rows)))
    with pytest.raises(BrokenAnswer, match="before the time"):
        reading.poll()


def test_a_project_that_is_gone_or_moved_does_not_keep_the_others_back(build: Build, twin: GitLabTwin) -> None:
    number = twin.deploy(PROJECT, "main")
    twin.add_project("shop/old")
    twin.world.rename("shop/old", "shop/new")
    gone, moved = Reading(build(projects=("shop/gone", PROJECT))), Reading(build(projects=("shop/old", PROJECT)))
    with pytest.raises(Rejected, match="shop/gone"):
        gone.poll()
    with pytest.raises(Unauthorized, match="redirect"):
        moved.poll()
    assert set(gone.records) == set(moved.records) == {f"{PROJECT}#{number}"}


def test_an_unknown_status_is_set_aside_once_with_its_reason(reading: Reading, twin: GitLabTwin) -> None:
    number, good = twin.deploy(PROJECT, "main"), twin.deploy(PROJECT, "main")
    twin.world.project(PROJECT).deployments[number].status = "teleported"  # type: ignore[assignment]
    reading.poll()
    reading.poll()
    assert set(reading.records) == {f"{PROJECT}#{good}"}
    [unmapped] = [one for page in reading.pages for one in page.unmapped]
    assert unmapped.ident == f"{PROJECT}:{number}"
    assert "teleported" in unmapped.why


def test_a_throttle_is_waited_for_as_long_as_gitlab_says(
    build: Build, twin: GitLabTwin, clock: QuickClock, time: Time
) -> None:
    time.step = timedelta(seconds=1)
    twin.deploy(PROJECT, "main")
    reading = Reading(build())
    twin.world.tokens["glpat-twin"].limit = 1
    with pytest.raises(Transient) as raised:
        reading.poll()
    assert 50 <= (raised.value.after or 0) <= 60


def test_a_refusal_that_only_says_until_when_is_waited_for(
    reading: Reading, twin: GitLabTwin, clock: QuickClock
) -> None:
    reset = int((clock.now() + timedelta(seconds=40)).timestamp())
    headers = {"RateLimit-Remaining": "0", "RateLimit-Reset": str(reset), "Content-Type": "text/plain"}
    twin.faults.add(Fault("status", times=3, status=429, headers=headers, body=b"Retry later\n"))
    with pytest.raises(Transient) as raised:
        reading.poll()
    assert 35 <= (raised.value.after or 0) <= 41


def test_a_server_under_a_path_of_its_own_is_read(
    build: Build, twin: GitLabTwin, desk: tuple[Door, Served], time: Time
) -> None:
    own = GitLabTwin(twin.ledger, now=time, base_path="/code/gitlab/api/v4")
    desk[0].app = own.app
    own.add_project(PROJECT)
    own.commit(PROJECT, "LOOP-1")
    number = own.deploy(PROJECT, "main")
    reading = Reading(build(base_url=f"{desk[1].url}/code/gitlab/api/v4/"))
    reading.poll()
    assert reading.keys(number) == {"LOOP-1"}


def test_the_settings_refuse_what_can_not_work() -> None:
    with pytest.raises(ValueError, match="belong together"):
        GitLab.Settings(token="env:T", projects=("a/b",), issues_in="jira")
    with pytest.raises(ValueError, match="use https"):
        GitLab.Settings(token="env:T", projects=("a/b",), base_url="http://gitlab.example/api/v4")
    with pytest.raises(ValueError, match="to its end"):
        GitLab.Settings(token="env:T", projects=("a/b",), base_url="https://gitlab.example")
    for name in ("web", "a/../b", "/a/b", "a/b?x=1"):
        with pytest.raises(ValueError, match="projects"):
            GitLab.Settings(token="env:T", projects=(name,))


def test_it_only_reads(build: Build) -> None:
    assert build().sink() is None
