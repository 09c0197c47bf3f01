"""Pages of the wiki as articles: only what everybody may read, as text, at the price of a list once in a while."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from connectors.jira.connector import Jira
from loopbot.domain.errors import BrokenAnswer, ConfigError
from loopbot.domain.records import Article
from loopbot.domain.rulebook import Rulebook
from loopbot.judgement.answers import known_answers
from loopbot.ports import Cursor, Page
from loopbot.store import SqlStore
from loopbot.usecases.ingest import ingest
from loopbot.usecases.loop import Loop
from tests.connectors.contract import QuickClock, surroundings
from tests.support.jira_site import Site

SEARCH = "/wiki/rest/api/content/search"
TITLE = "Reset your VPN token"
INTERNAL = "INTERNAL"


@pytest.fixture
def clock() -> QuickClock:
    return QuickClock()


@pytest.fixture
def source(cloud: Site, clock: QuickClock) -> Callable[..., Any]:
    cloud.twin.wiki.add_space("HELP", "Help centre")

    def make(**settings: Any) -> Any:
        return _source(_jira(cloud, clock, **{"spaces": ["HELP"], **settings}))

    return make


def _jira(site: Site, clock: QuickClock, **articles: Any) -> Jira:
    settings = Jira.Settings(
        base_url=site.url,
        email=site.twin.email,
        token="env:JIRA",  # a reference
        projects=("LOOP",),
        articles=articles,  # type: ignore[arg-type]
        flavour="cloud",
    )
    return Jira("jira", settings, surroundings(clock, {"JIRA": site.twin.token}))


def _source(jira: Jira) -> Any:
    return next(one for one in jira.sources() if one.stream == "jira:article")


def _pages(source: Any, cursor: Cursor | None = None) -> list[Page]:
    return list(source.read(cursor or Cursor()))


def _records(pages: list[Page]) -> dict[str, Article]:
    return {one.key: one for page in pages for one in page.records if isinstance(one, Article)}


def _asked(site: Site) -> list[str]:
    return [one[2] for one in site.ledger.requests() if SEARCH in one[2]]


def test_a_page_comes_as_the_text_a_person_would_read(cloud: Site, source: Callable[..., Any]) -> None:
    html = (
        "<h2>Steps</h2><p>Open the <ac:link><ri:page ri:content-title='Portal' /><ac:plain-text-link-body><![CDATA[portal]]>"
        "</ac:plain-text-link-body></ac:link>.</p><ac:structured-macro ac:name='info'><ac:parameter ac:name='title'>hidden"
        "</ac:parameter><ac:rich-text-body><p>Press &lt;Reset&gt;.</p></ac:rich-text-body></ac:structured-macro>"
    )
    ident = cloud.twin.wiki.add("HELP", TITLE, html)
    one = _records(_pages(source()))[ident]
    assert one.text == "Steps\n\nOpen the portal.\n\nPress <Reset>."
    assert (one.title, one.state, one.base, one.number, one.version) == (TITLE, "published", "Help centre", ident, 1)
    assert one.url == f"{cloud.url}/wiki/spaces/HELP/pages/{ident}/Reset+your+VPN+token"


def test_where_people_read_a_page_is_for_the_operator_to_say(cloud: Site, source: Callable[..., Any]) -> None:
    ident = cloud.twin.wiki.add("HELP", TITLE)
    url = "{base_url}/servicedesk/customer/portal/1/article/{id}"
    assert _records(_pages(source(url=url)))[ident].url == f"{cloud.url}/servicedesk/customer/portal/1/article/{ident}"


def test_a_restriction_holds_for_a_page_and_for_all_below_it(cloud: Site, source: Callable[..., Any]) -> None:
    wiki = cloud.twin.wiki
    wiki.add_space("OPS")
    top = wiki.add("HELP", "Home")
    closed = wiki.add("HELP", f"{INTERNAL} agents", f"<p>{INTERNAL}</p>", parent=top)
    below = wiki.add(
        "HELP", f"{INTERNAL} below", f"<p>{INTERNAL}</p>", parent=wiki.add("HELP", f"{INTERNAL} between", parent=closed)
    )
    wiki.restrict(closed, "agents")
    wiki.add("OPS", f"{INTERNAL} of another space")
    shown = wiki.add("HELP", TITLE, parent=top)
    pages = _pages(source())
    assert set(_records(pages)) == {top, shown}
    assert pages[-1].only == {top, shown}
    assert below not in repr(pages)
    assert INTERNAL not in repr(pages)


def test_pages_in_a_folder_are_read_unless_the_folder_is_restricted_or_hidden(
    cloud: Site, source: Callable[..., Any]
) -> None:
    wiki = cloud.twin.wiki
    free, limited = wiki.add("HELP", "Free", folder=True), wiki.add("HELP", "Limited", folder=True)
    wiki.restrict(limited, "agents")
    one, _ = wiki.add("HELP", "One", parent=free), wiki.add("HELP", INTERNAL, parent=limited)
    pages = _pages(source())
    assert set(_records(pages)) == {one}
    assert len(_asked(cloud)) == 3, "the list, all the folders, the texts"


def test_a_page_is_set_aside_where_what_is_above_it_can_not_be_seen(cloud: Site, source: Callable[..., Any]) -> None:
    # Something above it that the search does not answer about, as a draft, which the twin has no notion of.
    wiki = cloud.twin.wiki
    ident = wiki.add("HELP", TITLE, parent=wiki.add("HELP", "Gone", folder=True))
    wiki.put_away(wiki._leaves[ident].parent)
    pages = _pages(source())
    assert _records(pages) == {}
    assert [(one.ident, "can not be seen" in one.why) for one in pages[-1].unmapped] == [(ident, True)]


@pytest.mark.parametrize("rest", [{}, {"restrictions": {}}, {"restrictions": {"read": {"restrictions": {"user": {}}}}}])
def test_an_answer_without_restrictions_opens_nothing(
    cloud: Site, source: Callable[..., Any], rest: dict[str, Any]
) -> None:
    from loopbot.sandbox.faults import Fault

    row = {"id": "7", "title": INTERNAL, "version": {"number": 1}, "ancestors": [], **rest}
    body = orjson.dumps({"results": [row], "_links": {}})
    cloud.twin.faults.add(Fault("body", match=SEARCH, times=1, status=200, body=body))
    (page,) = _pages(source())
    assert (page.records, page.only) == ((), frozenset())
    assert [one.ident for one in page.unmapped] == ["7"]


def test_an_idle_list_costs_a_call_for_two_hundred_pages_and_none_before_it_is_due(
    cloud: Site, source: Callable[..., Any], clock: QuickClock
) -> None:
    for number in range(410):
        cloud.twin.wiki.add("HELP", f"Page {number}")
    stream = source()
    first = _pages(stream)
    assert len(_records(first)) == 410
    assert len(_asked(cloud)) == 3 + 9, "three lists of 200, nine times 50 texts"
    before = len(_asked(cloud))
    assert _pages(stream, first[-1].cursor) == []
    assert len(_asked(cloud)) == before
    clock.sleep(timedelta(hours=1).total_seconds())
    (again,) = _pages(stream, first[-1].cursor)
    assert len(_asked(cloud)) == before + 3
    assert again.records == ()
    assert len(again.only or ()) == 410


def test_only_what_has_another_version_is_fetched_again(
    cloud: Site, source: Callable[..., Any], clock: QuickClock
) -> None:
    wiki = cloud.twin.wiki
    idents = [wiki.add("HELP", f"Page {number}") for number in range(5)]
    stream = source(every="PT0S")
    cursor = _pages(stream)[-1].cursor
    wiki.edit(idents[2], text="<p>New words.</p>")
    assert {key: one.text for key, one in _records(_pages(stream, cursor)).items()} == {idents[2]: "New words."}


def test_a_reading_that_breaks_off_takes_nothing_away_and_is_done_anew(cloud: Site, source: Callable[..., Any]) -> None:
    from loopbot.sandbox.faults import Fault

    for number in range(120):
        cloud.twin.wiki.add("HELP", f"Page {number}")
    stream = source(every="PT0S")
    reading = stream.read(Cursor())
    first = next(reading)
    cloud.twin.faults.add(Fault("body", match=SEARCH, times=1, status=200, body=b'{"results": 7}'))
    with pytest.raises(BrokenAnswer):
        list(reading)
    assert (first.cursor, first.only) == (Cursor(), None)
    assert len(_records(_pages(stream, first.cursor))) == 120


def test_more_pages_than_the_operator_expects_are_an_error_and_not_a_part(
    cloud: Site, source: Callable[..., Any]
) -> None:
    for number in range(3):
        cloud.twin.wiki.add("HELP", f"Page {number}")
    with pytest.raises(ConfigError, match="more than 2 pages"):
        _pages(source(most=2))


@pytest.mark.parametrize(
    "articles", [{}, {"spaces": []}, {"spaces": ['HELP" or space = "OPS']}, {"spaces": ["HELP"], "url": "{nowhere}"}]
)
def test_settings_that_open_nothing_or_more_than_they_say_are_refused(
    cloud: Site, clock: QuickClock, articles: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError):
        _jira(cloud, clock, **articles)


def test_data_center_has_no_wiki_beside_it(cloud: Site) -> None:
    with pytest.raises(ValidationError, match="Confluence Cloud only"):
        Jira.Settings(
            base_url=cloud.url,
            token="env:JIRA",
            projects=("LOOP",),
            flavour="datacenter",
            articles={"spaces": ["HELP"]},
        )  # type: ignore[arg-type]


def test_the_check_says_of_each_space_whether_its_pages_can_be_read(cloud: Site, clock: QuickClock) -> None:
    wiki = cloud.twin.wiki
    for space in ("HELP", "VOID"):
        wiki.add_space(space)
    wiki.add("HELP", TITLE)
    found = {one.about: one.level for one in _jira(cloud, clock, spaces=["HELP", "VOID", "NOPE"]).check()}
    told = {about: level for about, level in found.items() if "space" in about}
    assert told == {"jira, space HELP": "ok", "jira, space VOID": "warning", "jira, space NOPE": "error"}


# ------------------------------------------------------------------------------------------- through the store, to whoever asks


def _offered(store: SqlStore) -> list[str]:
    with store.read() as tx:
        return [one.title for one in known_answers(tx, "How do I reset my VPN token?")]


def _taken_back(site: Site, how: str, ident: str, parent: str) -> None:
    wiki = site.twin.wiki
    acts: dict[str, Callable[[], None]] = {
        "restricted": lambda: wiki.restrict(ident, "agents"),
        "below what is restricted": lambda: wiki.restrict(parent, "agents"),
        "hidden": lambda: wiki.hide(ident),
        "moved": lambda: wiki.move(ident, space="OPS"),
        "deleted": lambda: wiki.put_away(ident),
        "archived": lambda: wiki.put_away(ident, "archived"),
    }
    acts[how]()


@pytest.mark.parametrize("how", ["restricted", "below what is restricted", "hidden", "moved", "deleted", "archived"])
def test_what_is_taken_back_is_offered_no_more_after_the_next_list_and_again_once_it_is_open(
    cloud: Site, source: Callable[..., Any], store: SqlStore, clock: QuickClock, how: str
) -> None:
    wiki = cloud.twin.wiki
    wiki.add_space("OPS")
    parent = wiki.add("HELP", "Home")
    ident = wiki.add("HELP", TITLE, "<p>Press Reset.</p>", parent=parent)
    loop, stream = Loop(store, Rulebook(()), {}, clock, "one"), source(every="PT0S")
    ingest(loop, stream)
    assert _offered(store) == [TITLE]
    _taken_back(cloud, how, ident, parent)
    ingest(loop, stream)
    assert _offered(store) == []
    for one in (ident, parent):
        wiki.restrict(one)
    wiki.hide(ident, hidden=False)
    wiki.move(ident, space="HELP", parent=parent)
    wiki.put_away(ident, "current")
    ingest(loop, stream)
    assert _offered(store) == [TITLE]


def test_a_sweep_reads_all_texts_and_misses_nothing(
    cloud: Site, source: Callable[..., Any], store: SqlStore, clock: QuickClock
) -> None:
    for number in range(60):
        cloud.twin.wiki.add("HELP", f"Page {number}")
    loop, stream = Loop(store, Rulebook(()), {}, clock, "one"), source()
    ingest(loop, stream)
    done = ingest(loop, stream, sweep=True)
    assert done is not None
    assert (done.cycle.rows, done.cycle.missing, done.cycle.unexplained, done.cycle.same) == (60, 0, 0, 60)
