"""Builds as deployments: what they say, how few calls it takes to know, and that none is lost."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from connectors.jenkins.connector import Jenkins
from loopbot.domain.errors import BrokenAnswer, Rejected, Transient, Unauthorized
from loopbot.domain.records import Person
from loopbot.sandbox.faults import Fault
from loopbot.sandbox.jenkins.twin import JenkinsTwin
from tests.connectors.jenkins.conftest import JOB, Build, Reading

Calls = Callable[[], list[str]]
LIST = "/jenkins/job/shop/job/deploy-prod/api/json"


def test_a_build_says_what_where_when_and_who(reading: Reading, twin: JenkinsTwin) -> None:
    sha = twin.commit(JOB, "LOOP-1 export", files=["shop/export.py"])
    number = twin.build(JOB, user="tom.brandt")
    reading.poll()
    one = reading.one(number)
    assert (one.state, one.environment, one.commit, one.ident) == ("succeeded", "production", sha, f"{JOB}#{number}")
    assert one.title == f"{JOB} #{number} to production"
    assert one.url.endswith(f"/jenkins/job/shop/job/deploy-prod/{number}/")
    assert one.services == {"Web shop"}
    assert one.started_at is not None
    assert one.finished_at == one.updated_at == one.started_at + timedelta(minutes=1)
    assert one.person("opener") == Person("jenkins", "tom.brandt", "Tom Brandt")


@pytest.mark.parametrize(
    ("result", "state", "note"),
    [
        ("SUCCESS", "succeeded", None),
        ("UNSTABLE", "succeeded", "result: UNSTABLE"),
        ("FAILURE", "failed", None),
        ("ABORTED", "failed", "result: ABORTED"),
        ("NOT_BUILT", "failed", "result: NOT_BUILT"),
    ],
)
def test_each_result_has_its_state(reading: Reading, twin: JenkinsTwin, result: str, state: str, note: str) -> None:
    number = twin.build(JOB, result)  # type: ignore[arg-type]
    reading.poll()
    assert (reading.one(number).state, reading.one(number).extra.get("note")) == (state, note)


def test_an_unstable_build_failed_where_that_is_configured(build: Build, twin: JenkinsTwin) -> None:
    number = twin.build(JOB, "UNSTABLE")
    reading = Reading(build(unstable_deploys=False))
    reading.poll()
    assert reading.one(number).state == "failed"


def test_a_running_build_is_followed_to_its_end(reading: Reading, twin: JenkinsTwin, calls: Calls) -> None:
    twin.build(JOB)
    twin.commit(JOB, "LOOP-1")
    number = twin.start(JOB)
    reading.poll()
    assert reading.one(number).state == "running"
    assert (reading.one(number).finished_at, reading.keys(number)) == (None, set())
    calls()
    assert reading.poll() == []
    assert calls() == [LIST]
    twin.finish(JOB, number)
    reading.poll()
    assert reading.one(number).state == "succeeded"
    assert reading.keys(number) == {"LOOP-1"}
    assert calls() == [LIST, f"/jenkins/job/shop/job/deploy-prod/{number}/api/json"]


def test_a_result_before_the_end_is_none(reading: Reading, twin: JenkinsTwin) -> None:
    """A pipeline sets its result when a stage fails, and cleans up after that."""
    number = twin.start(JOB)
    twin.world.job(JOB).builds[number].result = "FAILURE"
    reading.poll()
    assert reading.one(number).state == "running"


def test_a_build_that_waits_behind_many_newer_ones_is_followed_too(reading: Reading, twin: JenkinsTwin) -> None:
    waiting = twin.start(JOB)
    for _ in range(30):
        twin.build(JOB)
    reading.poll()
    assert reading.poll() == []
    twin.finish(JOB, waiting)
    reading.poll()
    assert reading.one(waiting).state == "succeeded"


def test_a_running_build_that_is_deleted_is_not_looked_for_any_more(
    reading: Reading, twin: JenkinsTwin, calls: Calls
) -> None:
    twin.build(JOB)
    number = twin.start(JOB)
    reading.poll()
    twin.delete(JOB, number)
    reading.poll()
    calls()
    assert reading.poll() == []
    assert calls() == [LIST]


def test_an_idle_poll_is_one_call_a_job(build: Build, twin: JenkinsTwin, calls: Calls) -> None:
    twin.add_job("shop/api/feature%2Fx", "freestyle")
    twin.commit("shop/api/feature%2Fx", "The beginning")
    for job in (JOB, "shop/api/feature%2Fx"):
        twin.build(job)
    jobs = {JOB: {"environment": "production"}, "shop/api/feature%2Fx": {"environment": "staging"}}
    reading = Reading(build(jobs=jobs))
    assert len(reading.poll()) == 2
    calls()
    assert reading.poll() == []
    assert calls() == [LIST, "/jenkins/job/shop/job/api/job/feature%2Fx/api/json"]


@pytest.mark.parametrize("many", [19, 20, 21, 60, 130, 260])
def test_builds_of_a_long_pause_are_all_read_once(reading: Reading, twin: JenkinsTwin, many: int) -> None:
    twin.build(JOB)
    reading.poll()
    made = []
    for number in range(1, many + 1):
        twin.commit(JOB, f"LOOP-{number}")
        made.append(twin.build(JOB))
    found = reading.poll()
    assert sorted(one.key for one in found) == sorted(f"{JOB}#{number}" for number in made)
    delivered = [link.target.key for one in reading.records.values() for link in one.links]
    assert sorted(delivered) == sorted(f"LOOP-{number}" for number in range(1, many + 1))
    assert reading.poll() == []


def test_sixty_builds_take_a_handful_of_calls(reading: Reading, twin: JenkinsTwin, calls: Calls) -> None:
    twin.build(JOB)
    reading.poll()
    for _ in range(60):
        twin.build(JOB)
    calls()
    reading.poll()
    assert len(calls()) == 5


def test_a_reading_that_breaks_off_goes_on_where_it_was(reading: Reading, twin: JenkinsTwin) -> None:
    twin.build(JOB)
    reading.poll()
    for number in range(1, 61):
        twin.commit(JOB, f"LOOP-{number}")
        twin.build(JOB)
    twin.faults.add(Fault("status", "changeSets", skip=1, times=9, status=503))
    with pytest.raises(Transient):
        reading.poll()
    assert len(reading.records) == 21
    twin.faults.clear()
    reading.poll()
    delivered = [link.target.key for one in reading.records.values() for link in one.links]
    assert sorted(delivered) == sorted(f"LOOP-{number}" for number in range(1, 61))


def test_builds_that_are_deleted_while_others_are_listed_let_none_slip_through(
    reading: Reading, twin: JenkinsTwin
) -> None:
    twin.build(JOB)
    reading.poll()
    made = [twin.build(JOB) for _ in range(40)]
    page = twin.world.job(JOB)
    held = {number: page.builds[number] for number in made[-5:]}
    # The first page is answered with five builds that are gone when the second one is asked for.
    twin.faults.add(Fault("slow", "builds", times=1, seconds=0.0))
    source = reading.connector.sources()[0]
    answered = source._api.builds  # type: ignore[attr-defined]

    def deleting(job: str, fields: str, start: int, end: int) -> list[object]:
        rows: list[object] = answered(job, fields, start, end)
        if start == 0:
            for number in held:
                page.builds.pop(number, None)
        return rows

    source._api.builds = deleting  # type: ignore[attr-defined]
    with pytest.raises(Transient, match="deleted while"):
        list(source.read(reading.cursor))
    del source._api.builds  # type: ignore[attr-defined]
    assert len(reading.poll()) == 35


def test_a_build_that_is_deleted_between_two_calls_does_not_stop_the_others(
    reading: Reading, twin: JenkinsTwin
) -> None:
    twin.build(JOB)
    reading.poll()
    first, second = twin.build(JOB), twin.build(JOB)
    twin.faults.add(Fault("status", f"/{first}/api", status=404))
    twin.faults.add(Fault("body", "changeSets", status=200, body=b'{"builds": []}'))
    reading.poll()
    assert f"{JOB}#{second}" in reading.records
    assert f"{JOB}#{first}" not in reading.records


def test_the_first_reading_goes_only_so_far_back(build: Build, twin: JenkinsTwin) -> None:
    old = twin.build(JOB)
    twin.world.job(JOB).builds[old].at -= timedelta(days=60)
    number = twin.build(JOB)
    reading = Reading(build())
    reading.poll()
    later = twin.build(JOB)
    reading.poll()
    assert set(reading.records) == {f"{JOB}#{number}", f"{JOB}#{later}"}


def test_what_is_too_old_to_be_told_of_is_what_the_first_is_compared_with(reading: Reading, twin: JenkinsTwin) -> None:
    old = twin.build(JOB)
    twin.commit(JOB, "LOOP-1")
    failed = twin.build(JOB, "FAILURE")
    for number in (old, failed):
        twin.world.job(JOB).builds[number].at -= timedelta(days=60)
    twin.commit(JOB, "LOOP-2")
    number = twin.build(JOB)
    assert [one.key for one in reading.poll()] == [f"{JOB}#{number}"]
    assert reading.keys(number) == {"LOOP-1", "LOOP-2"}
    assert reading.one(number).extra["range"] == f"2 commits since #{old}"
    assert reading.poll() == []


def test_a_sweep_from_the_beginning_says_the_same_again(reading: Reading, twin: JenkinsTwin) -> None:
    for number in range(1, 50):
        twin.commit(JOB, f"LOOP-{number}")
        made = twin.build(JOB, "SUCCESS" if number % 3 else "FAILURE")
        twin.world.job(JOB).builds[made].at -= timedelta(days=50 - number)
        reading.poll()
    again = Reading(reading.connector)
    again.poll()
    assert again.records
    assert again.records == {key: reading.records[key] for key in again.records}


def test_jobs_with_nothing_to_tell_are_one_page(build: Build, twin: JenkinsTwin) -> None:
    jobs = [f"shop/job-{number}" for number in range(5)]
    for job in jobs:
        twin.add_job(job)
    reading = Reading(build(jobs={job: {"environment": "production"} for job in jobs}))
    reading.poll()
    twin.build(jobs[3])
    reading.pages.clear()
    reading.poll()
    assert [(len(page.records), page.calls) for page in reading.pages] == [(1, 2), (0, 4)]


def test_a_job_that_is_made_anew_begins_again(reading: Reading, twin: JenkinsTwin) -> None:
    for _ in range(5):
        twin.build(JOB)
    reading.poll()
    twin.remove_job(JOB)
    twin.add_job(JOB)
    twin.commit(JOB, "From scratch")
    numbers = [twin.build(JOB), twin.build(JOB)]
    assert [one.key for one in reading.poll()] == [f"{JOB}#{number}" for number in numbers]
    assert reading.poll() == []


def test_deleting_the_newest_builds_is_no_beginning(reading: Reading, twin: JenkinsTwin) -> None:
    numbers = [twin.build(JOB) for _ in range(5)]
    reading.poll()
    twin.delete(JOB, *numbers[-2:])
    assert reading.poll() == []


def test_a_build_that_is_named_or_described_later_is_read_again_with_what_it_delivered(
    reading: Reading, twin: JenkinsTwin
) -> None:
    twin.build(JOB)
    twin.commit(JOB, "LOOP-1")
    number = twin.build(JOB)
    twin.commit(JOB, "LOOP-2")
    twin.build(JOB)
    reading.poll()
    twin.describe(JOB, number, "1.4.2", "The spring release")
    assert [one.key for one in reading.poll()] == [f"{JOB}#{number}"]
    one = reading.one(number)
    assert one.title == f"{JOB} 1.4.2 to production"
    assert one.text.startswith("The spring release\n\n")
    assert one.extra["tag"] == "1.4.2"
    assert reading.keys(number) == {"LOOP-1"}
    assert reading.poll() == []


def test_naming_an_old_build_does_not_take_away_what_it_delivered(build: Build, twin: JenkinsTwin) -> None:
    """What it was compared with may be forgotten by then."""
    reading = Reading(build(page_size=100))
    twin.build(JOB)
    made = {}
    for number in range(1, 31):
        twin.commit(JOB, f"LOOP-{number}")
        twin.build(JOB, "FAILURE")
        made[twin.build(JOB)] = {f"LOOP-{number}"}
    reading.poll()
    for number in made:
        twin.describe(JOB, number, f"1.{number}")
    renamed = {one.key for one in reading.poll()}
    assert f"{JOB}#{max(made)}" in renamed
    assert {number: reading.keys(number) for number in made} == made


def test_one_job_that_is_gone_does_not_keep_the_others_back(build: Build, twin: JenkinsTwin) -> None:
    number = twin.build(JOB)
    jobs = {"shop/gone": {"environment": "production"}, JOB: {"environment": "production"}}
    reading = Reading(build(jobs=jobs))
    with pytest.raises(Rejected, match="no job shop/gone"):
        reading.poll()
    assert set(reading.records) == {f"{JOB}#{number}"}


def test_a_folder_is_no_job(build: Build, twin: JenkinsTwin) -> None:
    number = twin.build(JOB)
    reading = Reading(build(jobs={"shop": {"environment": "production"}, JOB: {"environment": "production"}}))
    with pytest.raises(Rejected, match="shop has no builds"):
        reading.poll()
    assert set(reading.records) == {f"{JOB}#{number}"}


def test_one_job_that_answers_nonsense_does_not_keep_the_others_back(build: Build, twin: JenkinsTwin) -> None:
    twin.add_job("shop/odd")
    number = twin.build(JOB)
    twin.faults.add(Fault("body", "/job/odd/", times=9, status=200, body=b'{"builds": "many"}'))
    jobs = {"shop/odd": {"environment": "production"}, JOB: {"environment": "production"}}
    reading = Reading(build(jobs=jobs))
    with pytest.raises(BrokenAnswer):
        reading.poll()
    assert set(reading.records) == {f"{JOB}#{number}"}


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("result", "TELEPORTED", "the result 'TELEPORTED' is unknown"),
        ("duration", "long", "its duration is no time"),
    ],
)
def test_what_can_not_be_mapped_is_set_aside_once_and_what_it_brought_is_not_lost(
    reading: Reading, twin: JenkinsTwin, field: str, value: str, why: str
) -> None:
    twin.build(JOB)
    twin.commit(JOB, "LOOP-1")
    number = twin.build(JOB)
    setattr(twin.world.job(JOB).builds[number], field, value)
    twin.commit(JOB, "LOOP-2")
    good = twin.build(JOB)
    reading.poll()
    reading.poll()
    [unmapped] = reading.unmapped
    assert unmapped.ident == f"{JOB}#{number}"
    assert why in unmapped.why
    assert reading.keys(good) == {"LOOP-1", "LOOP-2"}


def test_a_row_without_a_number_is_set_aside_and_the_others_are_read(reading: Reading, twin: JenkinsTwin) -> None:
    number = twin.build(JOB)
    row = b'{"number":%d,"result":"SUCCESS","building":false,"timestamp":1772452800000,"displayName":"#1"}' % number
    twin.faults.add(Fault("body", "deploy-prod/api", status=200, body=b'{"builds":[null,%s,{"number":"7"}]}' % row))
    reading.poll()
    assert set(reading.records) == {f"{JOB}#{number}"}
    assert [one.why for one in reading.unmapped] == ["the number of a build is missing"] * 2


def test_hostile_text_is_text(reading: Reading, twin: JenkinsTwin) -> None:
    twin.build(JOB)
    twin.commit(JOB, "LOOP-1 \x00\x1b[31m<!channel>\u202e", files=["a\nb\x07.py"])
    number = twin.build(JOB, user="mallory\x00")
    twin.describe(JOB, number, "1.0\u202e\x07", "javascript:alert(1)\x00")
    twin.world.job(JOB).builds[number].parameters = {"X": "\x00"}
    reading.poll()
    one = reading.one(number)
    shown = "".join([one.title, one.text, *one.extra.values(), *(link.because for link in one.links)])
    assert not {"\x00", "\x07", "\x1b", "\u202e"} & set(shown)
    assert "<!channel>" in one.text
    assert one.extra["files"] == "a b.py"
    person = one.person("opener")
    assert person is not None
    assert person.key == "mallory"


def test_an_address_that_is_none_is_not_kept(reading: Reading, twin: JenkinsTwin) -> None:
    number = twin.build(JOB)
    row = (
        b'{"number":%d,"result":"SUCCESS","building":false,"timestamp":1772452800000,"duration":5,'
        b'"url":"javascript:alert(1)","actions":[null,{"causes":[7]}],"changeSets":[{"items":[null,{"msg":3}]}]}'
        % number
    )
    twin.faults.add(Fault("body", f"/{number}/api", status=200, body=row))
    reading.poll()
    assert reading.one(number).url == ""


def test_a_wrong_token_is_unauthorized(build: Build, twin: JenkinsTwin) -> None:
    twin.build(JOB)
    with pytest.raises(Unauthorized):
        Reading(build(token="env:WRONG")).poll()


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"issues_in": "jira", "issue_keys": ()}, "belong together"),
        ({"base_url": "http://ci.example/jenkins"}, "use https"),
        ({"jobs": {}}, "jobs"),
        ({"jobs": {"shop": {}}}, "say where the job deploys to"),
        ({"jobs": {"shop/../x": {"environment": "production"}}}, "no full name of a job"),
        ({"jobs": {"/shop": {"environment": "production"}}}, "no full name of a job"),
        ({"jobs": {"shop#1": {"environment": "production"}}}, "no full name of a job"),
        ({"jobs": {"shop": {"environment": "production", "pulls": "owner/name"}}}, "pulls"),
    ],
)
def test_the_settings_refuse_what_can_not_work(told: dict[str, object], why: str) -> None:
    good: dict[str, object] = {
        "base_url": "https://ci.example/jenkins",
        "user": "loopbot",
        "token": "env:T",
        "jobs": {"shop": {"environment": "production"}},
    }
    with pytest.raises(ValueError, match=why):
        Jenkins.Settings.model_validate(good | told)


def test_it_only_reads(build: Build) -> None:
    assert build().sink() is None
