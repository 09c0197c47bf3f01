"""The Jenkins twin, asked with plain requests over real HTTP."""

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from loopbot.sandbox.jenkins import TOKEN, USER, JenkinsTwin
from loopbot.sandbox.jenkins.tree import MalformedError, Tree, parsed
from loopbot.sandbox.ledger import Ledger
from loopbot.sandbox.serving import Served, served

JOB = "acme/team/deploy"
PATH = "/job/acme/job/team/job/deploy"


class Desk:
    """One server for all tests of the file: starting and stopping one takes longer than most tests."""

    app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


@pytest.fixture(scope="module")
def desk() -> Iterator[tuple[Desk, Served]]:
    app = Desk()
    with served(app) as server:
        yield app, server


@pytest.fixture
def twin(desk: tuple[Desk, Served]) -> JenkinsTwin:
    made = JenkinsTwin(Ledger(), base_path="/jenkins")
    made.add_job(JOB)
    made.commit(JOB, "The beginning")
    desk[0].app = made.app
    return made


class Client:
    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str, tree: str = "", auth: tuple[str, str] | None = (USER, TOKEN)) -> requests.Response:
        params = {"tree": tree} if tree else None
        return requests.get(f"{self.url}/jenkins{path}", params=params, auth=auth, timeout=10)

    def told(self, path: str, tree: str) -> Any:
        answer = self.get(f"{path}/api/json", tree)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def client(desk: tuple[Desk, Served], twin: JenkinsTwin) -> Client:
    return Client(desk[1].url)


def numbers(told: Any, name: str = "builds") -> list[int]:
    return [one["number"] for one in told[name]]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("{0,3}", [7, 6, 5]),
        ("{,2}", [7, 6]),
        ("{5,}", [2, 1]),
        ("{1}", [6]),
        ("{5,99}", [2, 1]),
        ("{9,99}", []),
        ("", [7, 6, 5, 4, 3, 2, 1]),
    ],
)
def test_a_range_is_a_part_of_the_list(client: Client, twin: JenkinsTwin, spec: str, expected: list[int]) -> None:
    for _ in range(7):
        twin.build(JOB)
    assert numbers(client.told(PATH, f"builds[number]{spec}")) == expected


def test_only_what_is_wanted_is_shown(client: Client, twin: JenkinsTwin) -> None:
    twin.build(JOB)
    twin.commit(JOB, "LOOP-1", files=["a.py", "b.py"])
    twin.build(JOB)
    told = client.told(PATH, "builds[number,changeSets[items[msg,affectedPaths{0,1}]]]{0,1}")
    item = {"_class": "hudson.plugins.git.GitChangeSet", "msg": "LOOP-1", "affectedPaths": ["a.py"]}
    [build] = told["builds"]
    assert build["number"] == 2
    assert build["changeSets"] == [{"_class": "hudson.plugins.git.GitChangeSetList", "items": [item]}]
    assert set(build) == {"_class", "number", "changeSets"}


def test_builds_end_with_the_hundredth_and_all_builds_do_not(client: Client, twin: JenkinsTwin) -> None:
    for _ in range(130):
        twin.build(JOB)
    assert len(client.told(PATH, "builds[number]")["builds"]) == 100
    assert numbers(client.told(PATH, "allBuilds[number]{98,102}"), "allBuilds") == [32, 31, 30, 29]


def test_a_change_set_is_relative_to_the_build_before_whatever_became_of_it(client: Client, twin: JenkinsTwin) -> None:
    twin.build(JOB)
    old = twin.commit(JOB, "LOOP-1")
    twin.build(JOB, "FAILURE")
    twin.commit(JOB, "LOOP-2\n\nand more")
    twin.commit(JOB, "Merge", merge=True)
    twin.build(JOB)
    twin.build(JOB, revision=old)
    told = client.told(PATH, "builds[changeSets[items[msg,comment]]]")["builds"]
    shown = [[item["comment"] for one in build["changeSets"] for item in one["items"]] for build in told]
    assert shown == [[], ["LOOP-2\n\nand more\n"], ["LOOP-1\n"], []]


def test_a_freestyle_build_has_one_change_set_even_if_it_is_empty(client: Client, twin: JenkinsTwin) -> None:
    twin.add_job("old", "freestyle")
    twin.commit("old", "The beginning")
    twin.build("old")
    [build] = client.told("/job/old", "builds[changeSet[items[msg],kind],changeSets[items[msg]]]")["builds"]
    assert build["changeSet"]["items"] == []
    assert "changeSets" not in build


def test_folders_show_what_is_in_them_and_have_no_builds(client: Client, twin: JenkinsTwin) -> None:
    twin.add_job("acme/other")
    told = client.told("/job/acme", "builds[number],jobs[name,fullName,jobs[name]]")
    assert "builds" not in told
    assert [(one["fullName"], [job["name"] for job in one.get("jobs", [])]) for one in told["jobs"]] == [
        ("acme/other", []),
        ("acme/team", ["deploy"]),
    ]


def test_a_star_stands_for_all_others(client: Client, twin: JenkinsTwin) -> None:
    twin.build(JOB)
    told = client.told(f"{PATH}/1", "*,actions[causes[shortDescription]]")
    assert told["result"] == "SUCCESS"
    assert told["actions"][0]["causes"][0]["shortDescription"] == "Started by timer"


def test_a_deleted_build_is_gone_and_its_number_is_not_used_again(client: Client, twin: JenkinsTwin) -> None:
    gone = twin.build(JOB)
    twin.delete(JOB, gone)
    assert twin.build(JOB) == gone + 1
    assert client.get(f"{PATH}/{gone}/api/json").status_code == 404


@pytest.mark.parametrize(
    ("auth", "status"), [((USER, "wrong"), 401), (("nobody", TOKEN), 401), (None, 403), ((USER, TOKEN), 200)]
)
def test_wrong_credentials_are_401_none_are_403_both_as_a_page(
    client: Client, auth: tuple[str, str] | None, status: int
) -> None:
    answer = client.get("/api/json", "nodeName", auth)
    assert answer.status_code == status
    assert answer.headers["X-Jenkins"]
    assert answer.headers["Content-Type"].startswith("text/html" if status != 200 else "application/json")


def test_what_may_not_be_seen_is_not_there(client: Client, twin: JenkinsTwin) -> None:
    twin.hide(JOB)
    assert client.get(f"{PATH}/api/json").status_code == 404
    assert client.get("/job/none/api/json").status_code == 404


@pytest.mark.parametrize("text", ["", "a,", "a[", "a[b", "a]b", "a{x}", "a{1", "[a]", "a{1,2}{3}"])
def test_what_is_no_tree_is_refused(client: Client, text: str) -> None:
    with pytest.raises(MalformedError):
        parsed(text)
    if text:
        assert client.get("/api/json", text).status_code == 400


def test_a_tree_is_nested_as_it_is_written() -> None:
    assert parsed("a,b[c{1,2},d[e]]{,3}") == Tree(
        {"a": Tree(), "b": Tree({"c": Tree(start=1, end=2), "d": Tree({"e": Tree()})}, end=3)}
    )


def test_nothing_can_be_written_without_a_crumb(client: Client, desk: tuple[Desk, Served]) -> None:
    answer = requests.post(f"{desk[1].url}/jenkins{PATH}/build", auth=(USER, TOKEN), timeout=10)
    assert answer.status_code == 403
