"""Knowledge articles on the twin: only what everybody may read, as text, and nothing of it once it is taken back."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from loopbot.domain.errors import Rejected
from loopbot.domain.records import Article
from loopbot.ports import Connector, Cursor, Finding, Hook, Source
from tests.connectors.contract import QuickClock, surroundings

STREAM = "servicenow:article"
INTERNAL = "INTERNAL"


def _connector(desk: Any, **more: Any) -> Connector:
    return desk.connector(surroundings(QuickClock()), **more)  # type: ignore[no-any-return]


def _source(connector: Connector) -> Source:
    return next(one for one in connector.sources() if one.stream == STREAM)


def _read(connector: Connector, cursor: Cursor | None = None) -> tuple[dict[str, Article], Cursor]:
    """The articles by number, the last of each; and where the reading came to."""
    pages = list(_source(connector).read(cursor or Cursor()))
    found = [record for page in pages for record in page.records if isinstance(record, Article)]
    return {one.number: one for one in found}, pages[-1].cursor


def _says(article: Article) -> str:
    return f"{article.title}{article.text}{article.url}{article.category}"


def test_without_the_table_in_the_settings_no_article_is_read(connected: Any) -> None:
    assert all(one.stream != STREAM for one in connected().sources())


def test_an_article_comes_as_the_text_a_person_would_read(desk: Any) -> None:
    category = desk.twin.insert("kb_category", {"label": "Network"})["sys_id"]
    html = (
        "<h1>Reset</h1><p>Open&nbsp;the <a href='javascript:alert(1)'>portal</a>.</p><ul><li>press &lt;Reset&gt;</li></ul>"
        f"<script>alert('{INTERNAL}')</script><!-- {INTERNAL} --><style>.{INTERNAL}{{}}</style>"
    )
    row = desk.article("Reset the VPN token", text=html, kb_category=category, language="en", valid_to="2026-12-31")
    one = _read(_connector(desk))[0][row["number"]]
    assert one.text == "Reset\n\nOpen the portal.\n\n• press <Reset>"
    assert (one.title, one.state, one.base, one.category, one.language) == (
        "Reset the VPN token", "published", "IT", "Network", "en",
    )  # fmt: skip
    assert one.key == f"{row['number']}-{row['sys_id']}"
    assert one.url == f"{desk.url}/kb_view.do?sysparm_article={row['number']}"
    assert one.valid_until == datetime(2027, 1, 1, tzinfo=UTC), "the last day is one of its days"


def test_where_people_read_an_article_is_for_the_operator_to_say(desk: Any) -> None:
    row = desk.article("Reset the VPN token")
    url = "{base_url}/sp?id=kb_article_view&sysparm_article={number}"
    one = _read(_connector(desk, articles={"bases": ["IT"], "url": url}))[0][row["number"]]
    assert one.url == f"{desk.url}/sp?id=kb_article_view&sysparm_article={row['number']}"


@pytest.mark.parametrize(
    "fields",
    [
        {"workflow_state": "draft"},
        {"workflow_state": "review"},
        {"workflow_state": "pending_retirement"},
        {"workflow_state": "retired"},
        {"workflow_state": "outdated"},
        {"active": "false"},
        {"can_read_user_criteria": "c1"},
        {"cannot_read_user_criteria": "c1"},
        {"roles": "itil"},
        {"kb_knowledge_base": "another"},
        {"kb_knowledge_base": ""},
    ],
    ids=str,
)
def test_not_a_word_is_kept_of_what_is_not_for_everybody(desk: Any, fields: dict[str, str]) -> None:
    hidden = desk.article(f"{INTERNAL} title", text=f"<p>{INTERNAL} text</p>", **fields)
    shown = desk.article("For everybody")
    found, _ = _read(_connector(desk))
    assert found[hidden["number"]].state == "withdrawn"
    assert INTERNAL not in repr(found)
    assert found[shown["number"]].state == "published"


def test_a_base_may_be_named_by_its_sys_id_and_only_the_named_ones_are_open(desk: Any) -> None:
    other = desk.twin.insert("kb_knowledge_base", {"title": "HR"})["sys_id"]
    mine, theirs = desk.article("Mine"), desk.article(f"{INTERNAL}", kb_knowledge_base=other)
    by_id, _ = _read(_connector(desk, articles={"bases": [desk.base]}))
    assert (by_id[mine["number"]].state, by_id[theirs["number"]].state) == ("published", "withdrawn")
    both, _ = _read(_connector(desk, articles={"bases": ["IT", "HR"]}))
    assert both[theirs["number"]].base == "HR"


@pytest.mark.parametrize(
    "change",
    [
        {"workflow_state": "retired"},
        {"workflow_state": "draft"},
        {"kb_knowledge_base": "another"},
        {"can_read_user_criteria": "c1"},
    ],
    ids=str,
)
def test_what_is_taken_back_is_known_with_the_next_poll(desk: Any, change: dict[str, str]) -> None:
    row = desk.article("Reset the VPN token", text="<p>Press Reset.</p>")
    connector = _connector(desk)
    found, cursor = _read(connector)
    assert found[row["number"]].text == "Press Reset."
    desk.twin.update("kb_knowledge", row["sys_id"], change)
    again, _ = _read(connector, cursor)
    assert (again[row["number"]].state, again[row["number"]].ref) == ("withdrawn", found[row["number"]].ref)
    assert _says(again[row["number"]]) == "None"


def test_a_draft_of_the_next_version_leaves_the_published_one_as_it_is(desk: Any) -> None:
    first = desk.article("Version one", number="KB0010001")
    draft = desk.article(f"{INTERNAL} version two", number="KB0010001", workflow_state="draft")
    pages = list(_source(_connector(desk)).read(Cursor()))
    states = {one.ident: (one.state, one.title) for page in pages for one in page.records}
    assert states == {first["sys_id"]: ("published", "Version one"), draft["sys_id"]: ("withdrawn", "")}


@pytest.mark.parametrize("field", ["workflow_state", "kb_knowledge_base", "roles", "can_read_user_criteria"])
def test_an_article_is_set_aside_where_it_can_not_be_seen_who_may_read_it(desk: Any, field: str) -> None:
    row = desk.article("For everybody, perhaps")
    desk.twin.hide_field("kb_knowledge", field)
    (page,) = _source(_connector(desk)).read(Cursor())
    assert page.records == ()
    assert [(one.ident, field in one.why) for one in page.unmapped] == [(row["number"], True)]


def test_an_instance_without_criteria_of_articles_goes_by_the_bases_alone(desk: Any) -> None:
    for field in ("can_read_user_criteria", "cannot_read_user_criteria", "roles"):
        desk.twin.drop_field("kb_knowledge", field)
    row = desk.article("For everybody")
    assert _read(_connector(desk))[0][row["number"]].state == "published"


def test_other_bases_in_the_settings_have_everything_read_anew(desk: Any) -> None:
    other = desk.twin.insert("kb_knowledge_base", {"title": "HR"})["sys_id"]
    desk.at = datetime.now(UTC) - timedelta(days=30)
    old = desk.article("Holidays", kb_knowledge_base=other)
    desk.at = None
    desk.article("Reset the VPN token")
    both, cursor = _read(_connector(desk, articles={"bases": ["IT", "HR"]}))
    assert both[old["number"]].state == "published"
    assert old["number"] not in _read(_connector(desk, articles={"bases": ["IT", "HR"]}), cursor)[0]
    fewer, _ = _read(_connector(desk, articles={"bases": ["IT"]}), cursor)
    assert fewer[old["number"]].state == "withdrawn"


def test_an_article_that_may_no_longer_be_seen_counts_as_gone(desk: Any) -> None:
    row = desk.article("Reset the VPN token")
    source: Any = _source(_connector(desk))
    (record,) = [one for page in source.read(Cursor()) for one in page.records]
    desk.twin.hide_row("kb_knowledge", row["sys_id"])
    assert source.look(record) is None


def test_a_ticket_that_may_no_longer_be_seen_does_not(stage: Any, connected: Any) -> None:
    (key,) = stage.add(1, datetime.now(UTC))
    source = next(one for one in connected().sources() if one.stream == "servicenow:incident")
    (record,) = [one for page in source.read(Cursor()) for one in page.records]
    stage.twin.hide_row("incident", key)
    with pytest.raises(Rejected):
        source.look(record)


def test_long_articles_come_in_small_pages_and_cost_no_call_each(desk: Any) -> None:
    for number in range(450):
        desk.article(f"Article {number}")
    before = desk.ledger.calls()
    found, _ = _read(_connector(desk))
    asked = [one for one in desk.ledger.requests()[before:] if "/table/kb_knowledge" in one[2]]
    assert len(found) == 450
    assert len(asked) == 3


@pytest.mark.parametrize("articles", [{}, {"bases": []}, {"bases": [""]}, {"bases": ["IT"], "url": "{nowhere}"}])
def test_settings_that_open_nothing_or_lead_nowhere_are_refused(connected: Any, articles: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        connected(articles=articles)


# ------------------------------------------------------------------------------------------------ before the first poll


def _found(desk: Any, **articles: Any) -> list[Finding]:
    return [one for one in _connector(desk, articles={"bases": ["IT"], **articles}).check() if "kb_know" in one.about]


def _levels(findings: list[Finding]) -> dict[str, str]:
    return {one.what: one.level for one in findings}


def test_the_check_says_that_everybody_may_read_the_named_bases(desk: Any) -> None:
    assert _levels(_found(desk))["IT: everybody may read it"] == "ok"


def test_the_check_names_a_base_that_is_not_there_and_those_that_are(desk: Any) -> None:
    (wrong,) = [one for one in _found(desk, bases=["IT", "It support"]) if one.level == "error"]
    assert "It support" in wrong.what
    assert "IT" in wrong.hint


def test_the_check_warns_of_a_base_that_has_user_criteria(desk: Any) -> None:
    criteria = desk.twin.insert("user_criteria", {"name": "Finance only"})["sys_id"]
    desk.twin.insert("kb_uc_can_read_mtom", {"kb_knowledge_base": desk.base, "user_criteria": criteria})
    assert _levels(_found(desk))["not everybody may read IT: it has user criteria"] == "warning"


def test_the_check_says_what_it_could_not_look_at(desk: Any) -> None:
    desk.twin.access.denied.add(("kb_uc_can_read_mtom", "read"))
    assert any("can not be checked" in what and level == "warning" for what, level in _levels(_found(desk)).items())


def test_a_webhook_about_an_article_wakes_the_stream_of_articles(desk: Any) -> None:
    import orjson

    row = desk.article("Reset the VPN token")
    hooks = _connector(desk, webhook_secret="env:SECRET").hooks()
    assert hooks is not None
    told = {name: row[name] for name in ("number", "sys_id", "sys_updated_on")}
    body = {"id": "1", "table": "kb_knowledge", "sent_at": int(datetime.now(UTC).timestamp() * 1000), **told}
    hook = hooks.verify({"x-loopbot-secret": "client-secret"}, orjson.dumps(body))
    assert isinstance(hook, Hook)
    assert [(one.stream, one.key) for one in hook.hints] == [(STREAM, f"{row['number']}-{row['sys_id']}")]
