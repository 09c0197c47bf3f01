"""Releases: what they hold, when they are planned, and how they are found."""

from collections.abc import Callable
from datetime import timedelta

from loopbot.domain.records import Release
from loopbot.sandbox.faults import Fault
from loopbot.sandbox.gitlab.twin import GitLabTwin
from tests.connectors.gitlab.conftest import PROJECT, Build, Reading, Time

Calls = Callable[[], list[str]]


def one(reading: Reading, tag: str) -> Release:
    found = reading.records[f"{PROJECT}@{tag}"]
    assert isinstance(found, Release)
    return found


def test_a_release_includes_what_its_notes_name(build: Build, twin: GitLabTwin) -> None:
    reading = Reading(build(), "release")
    twin.release(PROJECT, "v1.2", "Spring", "* LOOP-1 export\n* https://elsewhere.example/LOOP-2\n* OPS-3")
    reading.poll()
    spring = one(reading, "v1.2")
    assert (spring.state, spring.title, spring.services) == ("released", "Spring", {"Web shop"})
    assert {link.target.key for link in spring.links if link.relation == "includes"} == {"LOOP-1", "OPS-3"}
    assert spring.url.endswith("/shop/apps/web/-/releases/v1.2")
    assert spring.released_at is not None


def test_one_whose_day_has_not_come_is_planned_until_it_has(build: Build, twin: GitLabTwin, time: Time) -> None:
    reading = Reading(build(), "release")
    day = time() + timedelta(days=3)
    twin.release(PROJECT, "v2.0", released_at=day)
    reading.poll()
    assert (one(reading, "v2.0").state, one(reading, "v2.0").released_at) == ("planned", None)
    assert reading.poll() == []
    time.at += timedelta(days=4)
    reading.poll()
    assert one(reading, "v2.0").state == "released"
    assert one(reading, "v2.0").released_at == day.replace(microsecond=day.microsecond // 1000 * 1000)


def test_one_that_is_dated_back_is_found_all_the_same(build: Build, twin: GitLabTwin, time: Time) -> None:
    reading = Reading(build(page_size=5), "release")
    for number in range(20):
        twin.release(PROJECT, f"v1.{number}")
    reading.poll()
    twin.release(PROJECT, "v0.9", released_at=time() - timedelta(days=900))
    assert [record.key for record in reading.poll()] == [f"{PROJECT}@v0.9"]


def test_an_idle_poll_is_one_call_a_project(build: Build, twin: GitLabTwin, calls: Calls) -> None:
    twin.add_project("shop/api")
    for number in range(250):
        twin.release(PROJECT, f"v1.{number}")
    reading = Reading(build(projects=(PROJECT, "shop/api")), "release")
    assert len(reading.poll()) == 250
    assert reading.poll() == []
    calls()
    assert reading.poll() == []
    assert calls() == [f"/api/v4/projects/{PROJECT}/releases", "/api/v4/projects/shop/api/releases"]


def test_the_first_reading_goes_only_so_far_back(build: Build, twin: GitLabTwin, time: Time) -> None:
    twin.release(PROJECT, "v0.1")
    time.at += timedelta(days=60)
    twin.release(PROJECT, "v1.0")
    reading = Reading(build(), "release")
    reading.poll()
    twin.release(PROJECT, "v1.1")
    reading.poll()
    assert set(reading.records) == {f"{PROJECT}@v1.0", f"{PROJECT}@v1.1"}


def test_what_hides_its_tag_is_set_aside_and_says_which_right_is_missing(build: Build, twin: GitLabTwin) -> None:
    reading = Reading(build(), "release")
    body = b'[{"name": "Spring", "description": "", "created_at": "2026-03-02T09:00:00Z"}, null]'
    twin.faults.add(Fault("body", "/releases", status=200, body=body))
    reading.poll()
    assert [len(page.unmapped) for page in reading.pages] == [2]
    assert "may not read the code" in reading.pages[0].unmapped[0].why
