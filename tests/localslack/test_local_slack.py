"""loopbot in a workspace that somebody else wrote. What local-slack can not do is said in docs/slack.md."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from connectors.slack.connector import Slack
from loopbot.clock import SystemClock
from loopbot.domain.rulebook import Rulebook
from loopbot.sandbox.slack import blocks as limits
from loopbot.store import open_store
from loopbot.usecases.listen import Conversation
from loopbot.usecases.loop import Loop
from tests.connectors.contract import surroundings
from tests.conversation.conftest import PLACES, ROLES
from tests.localslack.conftest import Here
from tests.localslack.workspace import APP_TOKEN, BOT_TOKEN, local_slack
from tests.support.bureau import words_in
from tests.support.systems import FakeSink
from tests.support.town import until

HOSTILE = (
    "<!channel> <https://evil.example|https://bank.example> *b* @here \u202egnp.exe \u05e9\u05dc\u05d5\u05dd \U0001f4a5"
)
SAME = (
    ("mara.lindqvist", "Order export stops after 1,000 rows", "My monthly report is short of half its orders. The export file ends in the middle of March."),
    ("jonas.weber", "The order export is cut off after 1,000 rows", "The CSV export of the orders stops in the middle, the report needs all of them."),
    ("aiko.tanaka", "Order export is incomplete, it stops after 1,000 rows", "The export of the orders stops after 1,000 rows, my report needs all of them."),
)  # fmt: skip


def kept(here: Here) -> list[Any]:
    return [one.payload for one in here.estate.ledger.entries("servicenow", "create") if one.kind == "u_feedback"]


def test_a_command_is_answered_to_whoever_asked_and_to_nobody_else(here: Here) -> None:
    number = here.company.report("mara.lindqvist", "Invoices print twice", "Since Monday.", "Checkout")
    here.until(lambda: any(number in str(one["blocks"]) for one in here.slack.told("mara.lindqvist")), "the acknowledgement")  # fmt: skip
    before = len(here.slack.whispers("mara.lindqvist"))
    here.slack.slash("mara.lindqvist", f"where is {number.lower()}")
    here.until(lambda: len(here.slack.whispers("mara.lindqvist")) > before, "the answer")
    said = here.slack.whispers("mara.lindqvist")[-1]
    assert "Invoices print twice" in words_in(said["blocks"])
    assert limits.faults(said["blocks"]) == []
    assert here.slack.messages("ops") == []


def test_a_form_is_opened_sent_and_kept_once_as_it_was_written(here: Here) -> None:
    before = len(kept(here))
    here.slack.slash("mara.lindqvist", "feedback")
    here.until(here.slack.view, "the form")
    view = here.slack.view()
    assert view is not None
    here.slack.submits("mara.lindqvist", view, {"words": HOSTILE, "topic": "bug"})
    here.until(lambda: len(kept(here)) > before, "the feedback in ServiceNow")
    here.until(lambda: "Close" in str((here.slack.view() or {}).get("close")), "the answer in the form")
    assert len(kept(here)) == before + 1
    assert "bank.example" in str(kept(here)[-1])
    # It comes back as text: nobody is called, and a link shows where it leads.
    here.until(lambda: any("gnp.exe" in str(one["blocks"]) for one in here.slack.told("mara.lindqvist")), "the acknowledgement")  # fmt: skip
    told = next(one for one in here.slack.told("mara.lindqvist") if "gnp.exe" in str(one["blocks"]))
    assert limits.faults(told["blocks"]) == []
    assert types_in(told["blocks"]) <= {"rich_text", "rich_text_section", "text", "link"}
    assert all(one["text"] == one["url"] for one in of_type("link", told["blocks"]))
    assert "<!channel>" not in told["text"]


def test_a_reaction_makes_a_message_feedback_once_however_many_react(here: Here) -> None:
    before = len(kept(here))
    stamp = here.slack.says("aiko.tanaka", "Could the export be XLSX?")
    here.slack.reacts("beth.anglin", stamp, "bulb")
    here.until(lambda: len(kept(here)) == before + 1, "the feedback in ServiceNow")
    whispers = len(here.slack.whispers("tom.brandt"))
    here.slack.reacts("tom.brandt", stamp, "bulb")
    here.until(lambda: len(here.slack.whispers("tom.brandt")) > whispers, "the second one to be told")
    assert len(kept(here)) == before + 1
    assert "Could the export be XLSX?" in str(kept(here)[-1])


def test_the_home_tab_shows_ones_own_reports(here: Here) -> None:
    here.company.report("samuel.okoro", "Scanner beeps without end", "All day.", "Warehouse Sync")
    here.until(lambda: any("Scanner" in str(one) for one in here.slack.told("samuel.okoro")), "the acknowledgement")
    here.slack.opens_home("samuel.okoro")
    here.until(lambda: here.slack.home("samuel.okoro"), "the home tab")
    shown = here.slack.home("samuel.okoro")
    assert shown is not None
    assert "Scanner beeps without end" in words_in(shown["blocks"])


def test_the_loop_closes_and_an_answer_given_twice_counts_once(here: Here) -> None:
    company, ledger = here.company, here.estate.ledger
    tickets = [company.report(who, title, text, "Order Export", minutes_ago=12) for who, title, text in SAME]
    here.until(lambda: asked(here), "Beth to be asked")
    assert limits.faults(asked(here)[-1]["blocks"]) == []
    here.slack.presses("beth.anglin", asked(here)[-1], "Open a problem")
    here.until(lambda: [one for one in ledger.entries("jira", "create") if "ecurring" in str(one.payload)], "an item")
    item = ledger.entries("jira", "create")[-1].key
    company.fix(item, "Read every page of the export")
    company.deploy()
    here.until(lambda: fixed(here, "mara.lindqvist"), "Mara to be told")
    told = fixed(here, "mara.lindqvist")[0]
    assert limits.faults(told["blocks"]) == []
    here.slack.presses("mara.lindqvist", told, "Yes, it works")
    here.slack.presses("mara.lindqvist", told, "Yes, it works")
    here.until(lambda: "actions" not in types_in(fixed(here, "mara.lindqvist")[0]["blocks"]), "the buttons to go")
    here.until(lambda: here.estate.servicenow.row("incident", tickets[0])["state"] == "6", "her ticket to be resolved")
    assert len(fixed(here, "mara.lindqvist")) == 1
    assert here.slack.refused() == []


def test_two_nodes_hear_everything_twice_and_do_it_once(program: str, tmp_path: Path) -> None:
    # Unlike Slack itself, local-slack sends each envelope to every socket.
    email = "mara@example.com"
    with ExitStack() as stack:
        slack = stack.enter_context(local_slack(program, {email: "Mara Lindqvist"}, "socket"))
        store = open_store(f"sqlite:///{tmp_path}/loop.db")
        stack.callback(store.close)
        for holder in ("one", "two"):
            loop = Loop(store, Rulebook(()), {"servicenow": FakeSink()}, SystemClock(), holder)  # type: ignore[dict-item]
            settings = Slack.Settings(token="env:BOT", app_token="env:APP", base_url=f"{slack.url}/api/")
            node = Slack("slack", settings, surroundings(SystemClock(), {"BOT": BOT_TOKEN, "APP": APP_TOKEN}))
            stack.callback(node.close)
            node.listen(Conversation(loop, ROLES, PLACES))
        until(lambda: slack.sockets() == 2, "two sockets")
        slack.slash("mara", "feedback The export could be faster")
        slack.slash("mara", "mine")
        until(lambda: len(slack.whispers("mara")) >= 2, "both answers")
        assert slack.envelopes() == 2
        assert len(slack.whispers("mara")) == 2, "each once, though both nodes heard both"
        with store.read() as tx:
            assert [row.effect.title for row in tx.outbox.rows()] == ["The export could be faster"]  # type: ignore[union-attr]


def asked(here: Here) -> list[Any]:
    return [one for one in here.slack.messages("support") if "one problem?" in words_in(one["blocks"])]


def fixed(here: Here, who: str) -> list[Any]:
    return [one for one in here.slack.told(who) if "is fixed in production" in words_in(one["blocks"])]


def of_type(kind: str, blocks: Any) -> list[Any]:
    """Everything of this `type` in some blocks."""
    inside = blocks.values() if isinstance(blocks, dict) else blocks if isinstance(blocks, list) else ()
    here = [blocks] if isinstance(blocks, dict) and blocks.get("type") == kind else []
    return here + [one for value in inside for one in of_type(kind, value)]


def types_in(blocks: Any) -> set[str]:
    """Every `type` in some blocks."""
    if isinstance(blocks, dict):
        return {str(blocks.get("type"))} | {kind for value in blocks.values() for kind in types_in(value)}
    return {kind for one in blocks for kind in types_in(one)} if isinstance(blocks, list) else set()
