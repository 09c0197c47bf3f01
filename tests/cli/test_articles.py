"""Articles on their whole way: from the systems of a small company to whoever reports something, and back out again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from loopbot.sandbox.company import KNOWLEDGE
from tests.support.town import Doors, Town, town_in

DESK_ALONE = "master code"


@pytest.fixture
def shop(doors: Doors, tmp_path: Path) -> Iterator[tuple[Town, dict[str, str]]]:
    """A town with the starter rules and some articles, of which one is for the desk alone."""
    with town_in(doors, tmp_path, starter=True) as town:
        written = town.company.write_down()
        with town.config.open("a", encoding="utf-8") as config:
            config.write(KNOWLEDGE.replace("PT10S", "PT0S"))
        yield town, written


def told(town: Town, who: str) -> str:
    """The last that somebody was told."""
    town_says = town.says("once")
    assert town_says.code == 0, town_says.out + town_says.err
    return town.estate.slack.messages(town.company.slack_ids[who])[-1].text


def test_a_report_is_answered_with_the_article_that_fits_and_with_nothing_that_is_not_for_everybody(
    shop: tuple[Town, dict[str, str]],
) -> None:
    town, written = shop
    town.company.report("mara.lindqvist", "My VPN token can not be reset", "It says invalid.", "Customer Portal")
    said = told(town, "mara.lindqvist")
    number = town.estate.servicenow.row("kb_knowledge", written["Reset your VPN token"])["number"]
    for part in ("Reset your VPN token", "• Choose Security", "• Press Reset", f"kb_view.do?sysparm_article={number}"):
        assert part in said
    town.company.report("jonas.weber", "How do I export orders to a spreadsheet?", "", "Order Export")
    said = told(town, "jonas.weber")
    assert "• Press Export and choose Spreadsheet" in said
    assert f"/wiki/spaces/HELP/pages/{written['Export orders to a spreadsheet']}" in said
    assert DESK_ALONE not in (town.folder / "loopbot.db").read_bytes().decode("utf-8", "replace")


def test_an_article_that_is_taken_back_answers_nobody_any_more(shop: tuple[Town, dict[str, str]]) -> None:
    town, written = shop
    assert town.says("once").code == 0
    town.estate.servicenow.update("kb_knowledge", written["Reset your VPN token"], {"workflow_state": "retired"})
    town.estate.jira.wiki.restrict(written["Export orders to a spreadsheet"], "desk")
    assert town.says("once").code == 0
    town.company.report("mara.lindqvist", "My VPN token can not be reset", "It says invalid.", "Customer Portal")
    said = told(town, "mara.lindqvist")
    assert "Your report has arrived" in said
    assert "Press Reset" not in said
    town.company.report("jonas.weber", "How do I export orders to a spreadsheet?", "", "Order Export")
    assert "Press Export" not in told(town, "jonas.weber")


def test_articles_that_are_no_longer_configured_answer_nobody(shop: tuple[Town, dict[str, str]]) -> None:
    town, _ = shop
    assert town.says("once").code == 0
    config = town.config.read_text(encoding="utf-8")
    town.config.write_text(config.partition("# What everybody at the shop may read.")[0], encoding="utf-8")
    town.company.report("mara.lindqvist", "My VPN token can not be reset", "It says invalid.", "Customer Portal")
    assert "Press Reset" not in told(town, "mara.lindqvist")


def test_the_check_says_whom_the_articles_are_open_to(shop: tuple[Town, dict[str, str]]) -> None:
    town, _ = shop
    said = " ".join(town.says("check").out.split())
    assert "Help for everybody: everybody may read it" in said
    assert "are quoted to anybody who asks" in said
