from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from connectors.jira.connector import Jira
from loopbot.domain.errors import BrokenAnswer, Rejected, Transient, Unauthorized
from loopbot.ports import Cursor, Page, Source
from loopbot.sandbox.faults import Fault
from tests.connectors.jira.conftest import Make
from tests.support.jira_site import Site

SEARCH = "POST /rest/api/./search"
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def issues(connector: Jira) -> Source:
    return connector.sources()[0]


def keys(pages: list[Page]) -> list[str]:
    return [record.key for page in pages for record in page.records]


class Hand:
    """Time on the twin, moved by the test."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> datetime:
        return self.time


def stamp(site: Site, at: datetime) -> None:
    site.twin._site.now = lambda: at


def test_everything_is_read_once_in_order_of_change(site: Site, make: Make) -> None:
    for number in range(25):
        stamp(site, START + timedelta(seconds=number))
        site.twin.create_issue("LOOP", f"issue {number}")
    connector = make(site, page_size=10)

    pages = list(issues(connector).read(Cursor()))

    assert keys(pages) == [f"LOOP-{number}" for number in range(1, 26)]
    assert [page.counted for page in pages] == [10, 10, 5]
    assert {page.there for page in pages} == ({None} if site.twin.flavour == "cloud" else {25}), (
        "Cloud's search tells no total"
    )
    assert issues(connector).count() == 25


def test_an_idle_poll_is_one_call(site: Site, make: Make) -> None:
    for number in range(5):
        site.twin.create_issue("LOOP", f"issue {number}")
    source = issues(make(site))
    *_, last = source.read(Cursor())
    before = site.ledger.calls("jira")

    again = list(source.read(last.cursor))

    assert site.ledger.calls("jira") - before == 1
    assert again[-1].cursor == last.cursor
    assert sum(page.calls for page in again) == 1


def test_short_and_empty_pages_are_not_the_end(cloud: Site, make: Make) -> None:
    for number in range(30):
        cloud.twin.create_issue("LOOP", f"issue {number}")
    cloud.twin.shrink_pages([3, 0, 1, 0, 0])

    pages = list(issues(make(cloud, page_size=10)).read(Cursor()))

    assert len(keys(pages)) == 30


def test_rows_with_one_stamp_are_all_got_through(site: Site, make: Make) -> None:
    stamp(site, START)
    for number in range(300):
        site.twin.create_issue("LOOP", f"issue {number}")

    pages = list(issues(make(site, page_size=50)).read(Cursor()))

    assert sorted(keys(pages)) == sorted(f"LOOP-{number}" for number in range(1, 301))


def test_reading_goes_on_from_any_page_after_a_break(site: Site, make: Make) -> None:
    for number in range(40):
        stamp(site, START + timedelta(hours=number))
        site.twin.create_issue("LOOP", f"issue {number}")
    source = issues(make(site, page_size=10))

    for broken_after in range(1, 4):
        reading = source.read(Cursor())
        seen = [next(reading) for _ in range(broken_after)]
        rest = list(source.read(seen[-1].cursor))
        assert set(keys(seen) + keys(rest)) == {f"LOOP-{number}" for number in range(1, 41)}


def test_a_row_that_becomes_visible_late_is_seen_by_the_overlap(site: Site, make: Make) -> None:
    source = issues(make(site))
    hand = Hand()
    site.twin._site.now = hand
    site.twin.index_lag = 45
    site.twin.create_issue("LOOP", "late")
    site.twin.index_lag = 0
    hand.time += timedelta(seconds=10)
    site.twin.create_issue("LOOP", "at once")
    *_, last = first = list(source.read(Cursor()))
    hand.time += timedelta(seconds=60)

    assert keys(first) == ["LOOP-2"]
    assert keys(list(source.read(last.cursor))) == ["LOOP-1", "LOOP-2"]


def test_rows_that_move_while_they_are_read_are_not_lost(site: Site, make: Make) -> None:
    """Data Center's offsets shift to the left when a row that was read moves to the end."""
    hand = Hand()
    site.twin._site.now = hand
    for number in range(40):
        hand.time += timedelta(minutes=1)
        site.twin.create_issue("LOOP", f"issue {number}")
    source = issues(make(site, page_size=10))

    seen: list[Page] = []
    for number, page in enumerate(source.read(Cursor())):
        seen.append(page)
        if number < 3:
            hand.time += timedelta(minutes=1)
            for moved in range(1, 6):
                site.twin.edit(f"LOOP-{moved}", {"summary": f"moved {number}"})

    assert set(keys(seen)) == {f"LOOP-{number}" for number in range(1, 41)}
    assert {r.title for p in seen for r in p.records if r.key == "LOOP-1"} >= {"moved 2"}


def test_rows_that_keep_moving_do_not_make_an_endless_reading(site: Site, make: Make) -> None:
    hand = Hand()
    site.twin._site.now = hand
    for number in range(20):
        site.twin.create_issue("LOOP", f"issue {number}")
    source = issues(make(site, page_size=10))

    for pages, _ in enumerate(source.read(Cursor())):
        hand.time += timedelta(minutes=1)
        for moved in range(1, 21):
            site.twin.edit(f"LOOP-{moved}", {"summary": f"moved {pages}"})
        assert pages < 10


def test_the_accounts_time_zone_changes_nothing(cloud: Site, make: Make, sent: list[tuple[str, str, Any]]) -> None:
    cloud.twin.create_issue("LOOP", "one")
    source = issues(make(cloud))
    *_, last = source.read(Cursor())
    list(source.read(last.cursor))

    updated = int(cloud.twin.issue("LOOP-1").updated.timestamp() * 1000 + 0.5)
    assert f"updated >= {updated - 300_000} ORDER BY" in sent[-1][2]["jql"]


def test_a_repeated_token_ends_the_reading_and_keeps_the_cursor(cloud: Site, make: Make) -> None:
    row = {"id": "1", "key": "LOOP-1", "fields": {}}
    body = b'{"issues": [%s], "nextPageToken": "again"}' % repr(row).replace("'", '"').encode()
    cloud.twin.faults.add(Fault("body", SEARCH, times=100, status=200, body=body))

    with pytest.raises(BrokenAnswer, match="circle"):
        list(issues(make(cloud)).read(Cursor()))


def test_endless_pages_of_the_same_rows_end_the_reading(cloud: Site, make: Make) -> None:
    cloud.twin.create_issue("LOOP", "one")
    cloud.twin.create_issue("LOOP", "two")
    cloud.twin.shrink_pages([0] * 200)

    with pytest.raises(BrokenAnswer, match="nothing new"):
        list(issues(make(cloud)).read(Cursor()))


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("html", SEARCH, times=9), Unauthorized),
        (Fault("status", SEARCH, times=9, status=401, body=b"{}"), Unauthorized),
        (Fault("status", SEARCH, times=9, status=302, headers={"Location": "https://evil.example"}), Unauthorized),
        (
            Fault(
                "body",
                SEARCH,
                status=200,
                headers={"X-Seraph-LoginReason": "AUTHENTICATED_FAILED"},
                body=b'{"issues": [], "total": 0}',
            ),
            Unauthorized,
        ),
        (Fault("status", SEARCH, times=9, status=503), Transient),
        (Fault("truncate", SEARCH, times=9), Transient),
        (Fault("body", SEARCH, times=9, status=200, body=b'{"issues": ['), BrokenAnswer),
        (Fault("body", SEARCH, times=9, status=200, body=b'{"issues": "x", "total": 1}'), BrokenAnswer),
        (Fault("body", SEARCH, times=9, status=200, body=b"[]"), BrokenAnswer),
        (Fault("body", SEARCH, times=9, status=410, body=b'{"errorMessages": ["removed"]}'), Rejected),
    ],
)
def test_what_is_not_an_answer_is_never_taken_for_no_rows(
    site: Site, make: Make, fault: Fault, error: type[Exception]
) -> None:
    site.twin.create_issue("LOOP", "one")
    site.twin.faults.add(fault)

    with pytest.raises(error):
        list(issues(make(site)).read(Cursor()))


def test_a_read_that_failed_once_is_tried_again(site: Site, make: Make) -> None:
    site.twin.create_issue("LOOP", "one")
    site.twin.faults.add(Fault("status", SEARCH, status=502), Fault("refuse", SEARCH))

    assert keys(list(issues(make(site)).read(Cursor()))) == ["LOOP-1"]


def test_a_row_that_can_not_be_mapped_is_set_aside_and_the_page_goes_on(cloud: Site, make: Make) -> None:
    good = {
        "id": "2",
        "key": "LOOP-2",
        "fields": {
            "summary": "good",
            "updated": "2026-03-01T10:00:00.000+0000",
            "status": {"name": "Done", "statusCategory": {"key": "done"}},
        },
    }
    bad = {"id": "1", "key": "LOOP-1", "fields": {"summary": "bad", "updated": "2026-03-01T09:00:00.000+0000"}}
    cloud.twin.faults.add(Fault("body", SEARCH, status=200, body=orjson.dumps({"issues": [bad, good]})))

    (page,) = issues(make(cloud)).read(Cursor())

    assert keys([page]) == ["LOOP-2"]
    assert [(one.ident, one.excerpt) for one in page.unmapped] == [("LOOP-1", "bad")]
    assert "status is missing" in page.unmapped[0].why
    assert page.counted == 2


def test_only_the_configured_projects_and_the_filter_are_read(site: Site, make: Make) -> None:
    site.twin.add_project("OPS")
    site.twin.add_project("SEC")
    for project in ("LOOP", "OPS", "SEC"):
        site.twin.create_issue(project, "one", labels=["public"])
        site.twin.create_issue(project, "two")

    read = list(issues(make(site, projects=["LOOP", "OPS"], jql='labels = "public" OR labels = "x"')).read(Cursor()))

    assert sorted(keys(read)) == ["LOOP-1", "OPS-1"]


def test_releases_are_read_once_for_each_change(site: Site, make: Make) -> None:
    site.twin.add_version("LOOP", "2.4")
    source = make(site).sources()[1]

    *_, first = source.read(Cursor())
    *_, idle = source.read(first.cursor)
    site.twin.release("LOOP", "2.4")
    *_, changed = source.read(idle.cursor)

    assert [(one.key, one.state) for one in first.records] == [("LOOP/2.4", "planned")]
    assert idle.records == ()
    assert [(one.key, one.state) for one in changed.records] == [("LOOP/2.4", "released")]


def test_a_foreign_cursor_is_refused(site: Site, make: Make) -> None:
    for source in make(site).sources():
        with pytest.raises(BrokenAnswer, match="cursor"):
            list(source.read(Cursor("not ours")))


def test_the_flavour_is_asked_for_once(site: Site, make: Make, sent: list[tuple[str, str, Any]]) -> None:
    connector = make(site, flavour="auto")
    list(issues(connector).read(Cursor()))
    list(issues(connector).read(Cursor()))

    assert sum("serverInfo" in url for _, url, _ in sent) == 1
    assert f"/rest/api/{3 if site.twin.flavour == 'cloud' else 2}/search" in sent[-1][1]


def test_a_row_whose_stamp_is_ahead_of_the_index_does_not_take_the_cursor_with_it(cloud: Site, make: Make) -> None:
    """The index orders by the stamp it knows; the row comes with the stamp it has now."""

    def row(number: int, updated: str) -> dict[str, Any]:
        fields = {"summary": "x", "updated": updated, "status": {"name": "Done", "statusCategory": {"key": "done"}}}
        return {"id": str(number), "key": f"LOOP-{number}", "fields": fields}

    rows = [row(1, "2026-03-01T10:00:00.000+0000"), row(2, "2026-03-05T10:00:00.000+0000")]
    body = orjson.dumps({"issues": rows, "nextPageToken": "more"})
    cloud.twin.faults.add(Fault("body", SEARCH, status=200, body=body))

    first = next(iter(issues(make(cloud)).read(Cursor())))

    stamp = datetime(2026, 3, 1, 10, tzinfo=UTC).timestamp() * 1000
    assert orjson.loads(first.cursor.position) == {"updated": stamp, "id": 1}
