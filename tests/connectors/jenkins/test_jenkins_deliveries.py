"""What a build delivers: the change sets since the last success in its environment, over failed builds, back and forth."""

import pytest

from loopbot.sandbox.jenkins.twin import JenkinsTwin
from tests.connectors.jenkins.conftest import JOB, Build, Reading


def test_it_delivers_its_change_sets_with_what_else_is_kept(reading: Reading, twin: JenkinsTwin) -> None:
    twin.build(JOB)
    first = twin.commit(JOB, "LOOP-1 export", files=["shop/export.py"])
    second = twin.commit(JOB, "Read every page (#12)\n\nCloses OPS-2", files=["shop/pages.py", "shop/export.py"])
    number = twin.build(JOB)
    reading.poll()
    one = reading.one(number)
    assert reading.keys(number) == {"LOOP-1", "OPS-2"}
    assert {link.because for link in one.links} == {
        f"named in the commit {first[:7]}",
        f"named in the commit {second[:7]}",
    }
    assert one.extra["range"] == "2 commits since #1"
    assert one.extra["commits"] == f"{second[:12]} {first[:12]}"
    assert one.extra["pulls"] == "shop/web#12"
    assert set(one.extra["files"].splitlines()) == {"shop/export.py", "shop/pages.py"}
    assert one.text == "Read every page (#12)\nLOOP-1 export"
    assert "first_commit_at" in one.extra
    assert "left_out" not in one.extra


def test_freestyle_jobs_tell_the_same(build: Build, twin: JenkinsTwin) -> None:
    twin.add_job("shop/old", "freestyle")
    twin.commit("shop/old", "The beginning")
    twin.build("shop/old")
    twin.commit("shop/old", "LOOP-1")
    number = twin.build("shop/old")
    reading = Reading(build(jobs={"shop/old": {"environment": "production"}}))
    reading.poll()
    assert reading.keys(number, job="shop/old") == {"LOOP-1"}


def test_failed_and_aborted_builds_deliver_nothing_and_their_issues_come_with_the_next_success(
    reading: Reading, twin: JenkinsTwin
) -> None:
    twin.build(JOB)
    twin.commit(JOB, "LOOP-1")
    failed = twin.build(JOB, "FAILURE")
    reading.poll()
    twin.commit(JOB, "LOOP-2")
    aborted = twin.build(JOB, "ABORTED")
    early = twin.build(JOB, "FAILURE", revision=None)
    twin.commit(JOB, "LOOP-3")
    number = twin.build(JOB)
    reading.poll()
    assert [reading.keys(one) for one in (failed, aborted, early)] == [set(), set(), set()]
    assert reading.keys(number) == {"LOOP-1", "LOOP-2", "LOOP-3"}
    assert "left_out" not in reading.one(number).extra


def test_the_same_commit_again_after_a_failure_delivers_it(reading: Reading, twin: JenkinsTwin) -> None:
    """Its own change set is empty: the failed build before had the same commit."""
    twin.build(JOB)
    twin.commit(JOB, "LOOP-1")
    twin.build(JOB, "FAILURE")
    number, again = twin.build(JOB), twin.build(JOB)
    reading.poll()
    assert reading.keys(number) == {"LOOP-1"}
    assert reading.one(again).links == ()
    assert "left_out" not in reading.one(number).extra


def test_going_back_withdraws_what_went_and_coming_again_delivers_it(reading: Reading, twin: JenkinsTwin) -> None:
    twin.build(JOB)
    old = twin.commit(JOB, "LOOP-1")
    twin.build(JOB)
    twin.commit(JOB, "LOOP-2")
    forth = twin.build(JOB)
    reading.poll()
    back = twin.build(JOB, revision=old)
    twin.commit(JOB, "LOOP-3")
    again = twin.build(JOB)
    reading.poll()
    assert reading.keys(forth) == {"LOOP-2"}
    assert (reading.keys(back), reading.keys(back, "withdraws")) == (set(), {"LOOP-2"})
    assert reading.one(back).text == "Taken back: LOOP-2"
    assert (reading.keys(again), reading.keys(again, "withdraws")) == ({"LOOP-2", "LOOP-3"}, set())


def test_going_back_twice_withdraws_only_what_is_there(reading: Reading, twin: JenkinsTwin) -> None:
    first = twin.commit(JOB, "LOOP-1")
    twin.build(JOB)
    second = twin.commit(JOB, "LOOP-2")
    twin.build(JOB)
    twin.build(JOB, revision=first)
    twin.commit(JOB, "LOOP-3")
    twin.build(JOB)
    back = twin.build(JOB, revision=second)
    reading.poll()
    assert reading.keys(back, "withdraws") == {"LOOP-3"}


def test_going_back_to_the_very_first_known_build_is_known(reading: Reading, twin: JenkinsTwin) -> None:
    first = twin.world.job(JOB).line[-1].sha
    twin.build(JOB)
    twin.commit(JOB, "LOOP-1")
    twin.build(JOB)
    back = twin.build(JOB, revision=first)
    reading.poll()
    assert reading.keys(back, "withdraws") == {"LOOP-1"}


def test_going_back_to_what_was_before_loopbot_says_that_it_is_not_known(reading: Reading, twin: JenkinsTwin) -> None:
    old = twin.commit(JOB, "LOOP-1")
    twin.commit(JOB, "LOOP-2")
    twin.build(JOB)
    twin.commit(JOB, "LOOP-3")
    twin.build(JOB)
    back = twin.build(JOB, revision=old)
    twin.commit(JOB, "LOOP-4")
    later = twin.build(JOB)
    reading.poll()
    assert reading.one(back).links == ()
    assert reading.one(back).extra["left_out"] == (
        f"what it brought is not known: no change set names the commit {old[:7]}"
    )
    assert reading.keys(later) == {"LOOP-4"}
    assert reading.one(later).extra["range"] == f"1 commits since #{back - 1}"


def test_a_merge_is_in_no_change_set_and_its_build_stands_behind_what_it_merged(
    reading: Reading, twin: JenkinsTwin
) -> None:
    twin.build(JOB)
    twin.commit(JOB, "LOOP-1")
    merge = twin.commit(JOB, "Merge branch 'main'", merge=True)
    first = twin.build(JOB)
    twin.commit(JOB, "LOOP-2")
    twin.commit(JOB, "Merge branch 'main'", merge=True)
    twin.build(JOB)
    back = twin.build(JOB, revision=merge)
    reading.poll()
    assert reading.keys(first) == {"LOOP-1"}
    assert reading.keys(back, "withdraws") == {"LOOP-2"}


def test_a_revert_in_the_range_withdraws_and_the_last_word_counts(reading: Reading, twin: JenkinsTwin) -> None:
    twin.build(JOB)
    twin.commit(JOB, "LOOP-1 export")
    twin.build(JOB)
    twin.commit(JOB, 'Revert "LOOP-1 export"')
    twin.commit(JOB, "LOOP-2 import")
    twin.commit(JOB, 'Revert "LOOP-2 import"')
    twin.commit(JOB, 'Revert "Revert "LOOP-2 import""')
    number = twin.build(JOB)
    reading.poll()
    assert reading.keys(number) == {"LOOP-2"}
    assert reading.keys(number, "withdraws") == {"LOOP-1"}


def test_each_environment_has_its_own_range_by_the_parameter(build: Build, twin: JenkinsTwin) -> None:
    jobs = {JOB: {"environment_parameter": "TARGET", "environments": {"prod": "production"}, "environment": "staging"}}
    reading = Reading(build(jobs=jobs))
    prod, staging = {"TARGET": "prod"}, {"TARGET": "Staging"}
    twin.build(JOB, parameters=prod)
    twin.commit(JOB, "LOOP-1")
    first = twin.build(JOB, parameters=staging)
    reading.poll()
    twin.commit(JOB, "LOOP-2")
    second = twin.build(JOB)
    third = twin.build(JOB, parameters=prod)
    reading.poll()
    assert [reading.one(one).environment for one in (first, second, third)] == ["staging", "staging", "production"]
    assert reading.keys(third) == {"LOOP-1", "LOOP-2"}


def test_an_environment_that_follows_another_gets_only_as_far_as_its_commit(build: Build, twin: JenkinsTwin) -> None:
    """Production gets what staging had last week; the change sets in between go further."""
    reading = Reading(build(jobs={JOB: {"environment_parameter": "TARGET"}}))
    twin.build(JOB, parameters={"TARGET": "production"})
    twin.commit(JOB, "LOOP-1")
    tried = twin.commit(JOB, "LOOP-2")
    twin.commit(JOB, "LOOP-3")
    twin.build(JOB, parameters={"TARGET": "staging"})
    number = twin.build(JOB, revision=tried, parameters={"TARGET": "production"})
    twin.commit(JOB, "LOOP-4")
    later = twin.build(JOB, parameters={"TARGET": "production"})
    reading.poll()
    assert reading.keys(number) == {"LOOP-1", "LOOP-2"}
    assert reading.keys(later) == {"LOOP-3", "LOOP-4"}


def test_a_branch_that_staging_tries_is_not_in_production_until_it_is_merged(build: Build, twin: JenkinsTwin) -> None:
    reading = Reading(build(jobs={JOB: {"environment_parameter": "TARGET"}}))
    staging, production = {"TARGET": "staging"}, {"TARGET": "production"}
    twin.build(JOB, parameters=production)
    twin.commit(JOB, "begin LOOP-8", branch="feature/x")
    twin.build(JOB, branch="feature/x", parameters=staging)
    twin.commit(JOB, "LOOP-9", branch="feature/x")
    tried = twin.build(JOB, branch="feature/x", parameters=staging)
    twin.commit(JOB, "LOOP-1")
    first = twin.build(JOB, parameters=production)
    reading.poll()
    twin.merge(JOB, "feature/x")
    second = twin.build(JOB, parameters=production)
    reading.poll()
    assert reading.keys(tried) == {"LOOP-9"}
    assert reading.keys(first) == {"LOOP-1"}
    assert reading.keys(second) == {"LOOP-8", "LOOP-9"}


def test_coming_back_from_a_branch_brings_only_what_was_not_there_before(reading: Reading, twin: JenkinsTwin) -> None:
    twin.build(JOB)
    for number in range(1, 6):
        twin.commit(JOB, f"LOOP-{number}")
        twin.build(JOB)
    for text in ("OPS-1", "OPS-2"):
        twin.commit(JOB, text, branch="hotfix")
        twin.build(JOB, branch="hotfix")
    twin.commit(JOB, "LOOP-6")
    back = twin.build(JOB)
    reading.poll()
    assert reading.keys(back) == {"LOOP-6"}
    assert (
        reading.one(back).extra["left_out"]
        == f"no change set leads here from #{back - 1}: what else it brought or took is not known"
    )


def test_the_first_build_of_a_branch_says_that_it_is_not_known_and_the_next_delivers_its_own(
    reading: Reading, twin: JenkinsTwin
) -> None:
    twin.build(JOB, branch="main")
    twin.commit(JOB, "LOOP-1", branch="release/1.5")
    first = twin.build(JOB, branch="release/1.5")
    twin.commit(JOB, "LOOP-2", branch="release/1.5")
    second = twin.build(JOB, branch="release/1.5")
    reading.poll()
    assert reading.keys(first) == set()
    assert "no change set names the commit" in reading.one(first).extra["left_out"]
    assert reading.keys(second) == {"LOOP-2"}


def test_what_a_merge_brought_together_is_not_in_the_branch_that_was_merged(
    reading: Reading, twin: JenkinsTwin
) -> None:
    twin.build(JOB)
    twin.commit(JOB, "LOOP-1", branch="feature")
    twin.commit(JOB, "LOOP-2")
    twin.merge(JOB, "feature")
    twin.build(JOB, "FAILURE")
    number = twin.build(JOB, branch="feature")
    reading.poll()
    assert reading.keys(number) == set()
    assert "no change set names the commit" in reading.one(number).extra["left_out"]


def test_a_job_that_is_always_given_a_commit_goes_forth_and_back(reading: Reading, twin: JenkinsTwin) -> None:
    shas = [twin.commit(JOB, f"LOOP-{number}") for number in range(6)]
    numbers = [twin.build(JOB, revision=shas[place]) for place in (0, 2, 1, 4, 2, 5)]
    reading.poll()
    forth = [reading.keys(number) for number in numbers]
    back = [reading.keys(number, "withdraws") for number in numbers]
    assert forth == [
        set(),
        {"LOOP-1", "LOOP-2"},
        set(),
        {"LOOP-2", "LOOP-3", "LOOP-4"},
        set(),
        {"LOOP-3", "LOOP-4", "LOOP-5"},
    ]
    assert back == [set(), set(), {"LOOP-2"}, set(), {"LOOP-3", "LOOP-4"}, set()]


def test_a_build_that_names_no_environment_is_of_none(build: Build, twin: JenkinsTwin) -> None:
    reading = Reading(build(jobs={JOB: {"environment_parameter": "TARGET"}}))
    number = twin.build(JOB)
    reading.poll()
    assert reading.one(number).environment is None
    assert reading.one(number).title.endswith("to an unnamed environment")


def test_the_first_build_known_delivers_its_own_change_sets_alone_and_says_so(
    reading: Reading, twin: JenkinsTwin
) -> None:
    gone = twin.build(JOB)
    twin.commit(JOB, "LOOP-1")
    twin.build(JOB, "FAILURE")
    twin.commit(JOB, "LOOP-2")
    number = twin.build(JOB)
    twin.delete(JOB, gone)
    reading.poll()
    assert reading.keys(number) == {"LOOP-2"}
    assert reading.one(number).extra["range"] == "the first deployment known: its own 1 commits"


def test_builds_that_are_deleted_after_they_were_read_are_not_forgotten(reading: Reading, twin: JenkinsTwin) -> None:
    twin.build(JOB)
    twin.commit(JOB, "LOOP-1")
    failed = twin.build(JOB, "FAILURE")
    reading.poll()
    twin.delete(JOB, failed)
    number = twin.build(JOB)
    reading.poll()
    assert reading.keys(number) == {"LOOP-1"}
    assert "left_out" not in reading.one(number).extra


def test_builds_that_were_deleted_before_they_were_read_are_said_to_be_missing(
    reading: Reading, twin: JenkinsTwin
) -> None:
    twin.build(JOB)
    reading.poll()
    failed = twin.build(JOB, "FAILURE")
    twin.commit(JOB, "LOOP-1")
    number = twin.build(JOB)
    twin.delete(JOB, failed)
    reading.poll()
    assert reading.keys(number) == {"LOOP-1"}
    assert reading.one(number).extra["left_out"] == f"#{failed}: deleted before loopbot read it"


def test_builds_without_change_sets_are_said_to_be_so(build: Build, twin: JenkinsTwin) -> None:
    twin.add_job("shop/silent", changelog=False)
    twin.commit("shop/silent", "The beginning")
    twin.build("shop/silent")
    twin.commit("shop/silent", "LOOP-1")
    number = twin.build("shop/silent")
    reading = Reading(build(jobs={"shop/silent": {"environment": "production"}}))
    reading.poll()
    assert reading.one(number, "shop/silent").extra["left_out"] == f"#{number}: no change set"


def test_a_job_that_checks_nothing_out_says_so(build: Build, twin: JenkinsTwin) -> None:
    twin.build(JOB, revision=None)
    number = twin.build(JOB, revision=None)
    reading = Reading(build())
    reading.poll()
    assert reading.one(number).extra["left_out"] == f"#{number}: no change set"
    assert reading.one(number).commit is None


def test_what_ended_first_comes_first_and_holds_what_still_runs(reading: Reading, twin: JenkinsTwin) -> None:
    twin.build(JOB)
    twin.commit(JOB, "LOOP-1")
    slow = twin.start(JOB)
    reading.poll()
    twin.commit(JOB, "LOOP-2")
    quick = twin.build(JOB)
    reading.poll()
    twin.finish(JOB, slow)
    reading.poll()
    assert reading.keys(quick) == {"LOOP-1", "LOOP-2"}
    assert reading.keys(slow, "withdraws") == {"LOOP-2"}


@pytest.mark.parametrize("remote", ["", "git.example/shop"])
def test_of_several_checkouts_the_deployed_one_is_named_by_its_address(
    build: Build, twin: JenkinsTwin, remote: str
) -> None:
    reading = Reading(build(jobs={JOB: {"environment": "production", "remote": remote}}))
    twin.build(JOB)
    sha = twin.commit(JOB, "LOOP-1")
    number = twin.build(JOB)
    twin.world.job(JOB).builds[number].libraries = (("https://git.example/ci/library.git", "ab" * 20),)
    reading.poll()
    assert reading.keys(number) == {"LOOP-1"}
    assert reading.one(number).commit == (sha if remote else None)
    assert ("name the deployed repository" in reading.one(number).extra.get("left_out", "")) == (not remote)


def test_keys_in_the_rest_of_a_long_message_are_found(reading: Reading, twin: JenkinsTwin) -> None:
    """The git plugin's `msg` is cut after 72 characters of the first line."""
    twin.build(JOB)
    twin.commit(JOB, f"{'A long first line ' * 6}LOOP-1\n\n{'words ' * 200}\nOPS-2")
    number = twin.build(JOB)
    reading.poll()
    assert reading.keys(number) == {"LOOP-1", "OPS-2"}


@pytest.mark.parametrize(
    ("pulls", "message", "kept"),
    [
        ("shop/web#", "Export (#12)", "shop/web#12"),
        ("shop/web#", "Merge pull request #12 from ada/export\n\nExport", "shop/web#12"),
        ("shop/web#", "Pull request #12: Export\n\nMerge in SHOP/web from export to main", "shop/web#12"),
        ("shop/web#", "Merged in export (pull request #12)", "shop/web#12"),
        ("shop/web!", "Merge branch 'export' into 'main'\n\nExport\n\nSee merge request shop/web!12", "shop/web!12"),
        ("", "Export (#12)", None),
        ("", "Merge pull request #12 from ada/export\n\nExport", None),
    ],
)
def test_pull_requests_are_kept_by_their_full_names(
    build: Build, twin: JenkinsTwin, pulls: str, message: str, kept: str | None
) -> None:
    reading = Reading(build(jobs={JOB: {"environment": "production", "pulls": pulls}}))
    twin.build(JOB)
    twin.commit(JOB, message)
    number = twin.build(JOB)
    reading.poll()
    assert reading.one(number).extra.get("pulls") == kept


def test_what_is_remembered_is_bounded_and_a_range_beyond_it_says_so(build: Build, twin: JenkinsTwin) -> None:
    reading = Reading(build(jobs={JOB: {"environment_parameter": "TARGET"}}))
    twin.build(JOB, parameters={"TARGET": "production"})
    for number in range(1, 221):
        twin.commit(JOB, f"LOOP-{number} {'x' * 300}", files=[f"shop/{'y' * 80}/{name}.py" for name in range(20)])
        twin.build(JOB, parameters={"TARGET": "staging"})
    reading.poll()
    last = twin.build(JOB, parameters={"TARGET": "production"})
    reading.poll()
    assert len(reading.cursor.position) < 450_000
    assert "is not remembered" in reading.one(last).extra["left_out"]
    assert "LOOP-220" in reading.keys(last)
    assert reading.poll() == []
