"""The sink, judged by the twin's ledger."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.slack.connector import Slack
from connectors.slack.messages import Messages
from loopbot.domain.effects import Cause, Post, Tell
from loopbot.domain.errors import Rejected, Transient, Unauthorized, Uncertain
from loopbot.domain.receipts import Delivery, Receipt
from loopbot.domain.records import Person, Ref
from loopbot.sandbox.faults import Fault
from loopbot.sandbox.slack import BOT_TOKEN, SCOPES, SlackTwin, notified
from tests.connectors.contract import QuickClock
from tests.connectors.slack.conftest import Build
from tests.connectors.slack.stage import read_aloud

SUBJECT = Ref("servicenow", "incident", "INC0000001")
HOSTILE = "<!channel> <http://evil.example|your bank> " + "x" * 40_000 + " \u202e @here <@U1>"
POSTING = r"POST /api/chat\.postMessage"


def post(text: str = "Hello", channel: str = "ops", once: str = "1", **more: Any) -> Delivery:
    return Delivery(Post(system="slack", cause=Cause("r", SUBJECT, "1", once), channel=channel, text=text, **more), 1)


def tell(email: str | None = "ada@example.com", text: str = "It works again.", once: str = "1") -> Delivery:
    person = Person("servicenow", "u1", "Ada", email)
    cause = Cause("r", SUBJECT, "1", once)
    buttons = (("yes", "Yes"), ("no", "No"))
    return Delivery(
        Tell(system="slack", cause=cause, person=person, text=text, about=SUBJECT, question="fixed", buttons=buttons), 1
    )


def sink(slack: Slack) -> Messages:
    made = slack.sink()
    assert isinstance(made, Messages)
    return made


def one(slack: Slack, delivery: Delivery) -> Any:
    [answer] = sink(slack).apply([delivery])
    return answer


def posted(twin: SlackTwin) -> list[Any]:
    return [entry.payload for entry in twin.ledger.entries("slack", "post")]


def lost(delivery: Delivery) -> Delivery:
    return replace(delivery, sent_at=datetime.now(UTC))


def test_a_post_reaches_the_channel_by_its_name_quietly_and_marked(slack: Slack, twin: SlackTwin) -> None:
    channel = twin.add_channel("ops")
    delivery = post("The export works again.\nhttps://example.com/LOOP-1", "#ops")
    receipt = one(slack, delivery)
    assert isinstance(receipt, Receipt)
    [message] = posted(twin)
    assert receipt.ident == f"{channel}/{message['ts']}"
    assert receipt.url.endswith(f"/archives/{channel}/p{message['ts'].replace('.', '')}")
    assert read_aloud(message["blocks"]) == "The export works again.\nhttps://example.com/LOOP-1"
    assert message["metadata"]["event_payload"]["key"] == delivery.effect.key
    quiet = {"unfurl_links": False, "unfurl_media": False, "link_names": False, "parse": "none"}
    assert message["flags"] == quiet


def test_hostile_text_calls_nobody_and_is_cut(slack: Slack, twin: SlackTwin) -> None:
    twin.add_channel("ops")
    assert isinstance(one(slack, post(HOSTILE)), Receipt)
    [message] = twin.messages("ops")
    assert notified(message) == set()
    assert "cut here" in read_aloud(message.blocks)
    assert "\u202e" not in read_aloud(message.blocks)


@pytest.mark.parametrize("fault", [Fault("lose_answer", POSTING), Fault("truncate", POSTING), Fault("html", POSTING)])
def test_a_lost_answer_is_uncertain_and_found_again_and_never_sent_twice(
    slack: Slack, twin: SlackTwin, fault: Fault
) -> None:
    twin.add_channel("ops")
    twin.faults.add(replace(fault))
    delivery = post()
    assert isinstance(one(slack, delivery), Uncertain)
    there = len(posted(twin))
    assert there == (0 if fault.kind == "html" else 1)
    found = sink(slack).find(lost(delivery))
    assert (found is not None) == (there == 1)
    if found is not None:
        assert found.key == delivery.effect.key
        assert found.ident.endswith(posted(twin)[0]["ts"])
    assert len(posted(twin)) == there


@pytest.mark.parametrize("fault", [Fault("lose_answer", POSTING), None], ids=["answer lost", "another text"])
def test_a_message_is_found_also_where_the_workspace_keeps_its_metadata_from_us(
    slack: Slack, twin: SlackTwin, fault: Fault | None
) -> None:
    twin.tokens.granted[BOT_TOKEN] = SCOPES - {"metadata.message:read"}
    twin.add_channel("ops")
    delivery = post()
    if fault is not None:
        twin.faults.add(fault)
        assert isinstance(one(slack, delivery), Uncertain)
        assert isinstance(sink(slack).find(lost(delivery)), Receipt)
        return
    receipt = one(slack, delivery)
    assert sink(slack).find(replace(lost(delivery), receipt=receipt)) == receipt
    reworded = replace(delivery, effect=replace(delivery.effect, text="Another text"), receipt=receipt)
    assert sink(slack).find(lost(reworded)) is None


def test_a_refused_connection_is_certainly_not_sent(build: Build) -> None:
    answer = one(build(base_url="http://127.0.0.1:9/api/"), post(channel="C0TWIN00001"))
    assert isinstance(answer, Transient)


def test_a_lost_message_is_found_far_back_in_a_busy_channel(build: Build, twin: SlackTwin) -> None:
    twin.add_channel("ops")
    slack = build(page_size=50)
    twin.faults.add(Fault("lose_answer", POSTING))
    delivery = post()
    assert isinstance(one(slack, delivery), Uncertain)
    ada = twin.add_user("Ada", "ada@example.com")
    for number in range(320):
        twin.say(ada, "ops", f"talk {number}", ack_within=None)
    found = sink(slack).find(lost(delivery))
    assert found is not None
    assert found.ident.endswith(posted(twin)[0]["ts"])


def test_a_lost_message_is_found_although_our_clock_is_an_hour_ahead_of_slacks(
    build: Build, twin: SlackTwin, clock: QuickClock
) -> None:
    twin.add_channel("ops")
    clock.slept = 3600
    slack, delivery = build(), replace(post(), sent_at=clock.now())
    twin.faults.add(Fault("lose_answer", POSTING))
    assert isinstance(one(slack, delivery), Uncertain)
    assert sink(slack).find(delivery) is not None


def test_what_is_not_in_the_history_is_certainly_not_there(slack: Slack, twin: SlackTwin) -> None:
    twin.add_channel("ops")
    one(slack, post(once="another"))
    assert sink(slack).find(lost(post())) is None


def test_where_the_history_can_not_be_read_a_person_decides(slack: Slack, twin: SlackTwin) -> None:
    twin.add_channel("ops")
    twin.tokens.granted[BOT_TOKEN] = SCOPES - {"channels:history"}
    with pytest.raises(Uncertain, match="channels:history"):
        sink(slack).find(lost(post()))


def test_an_update_changes_the_message_in_place_and_is_found_by_its_text(slack: Slack, twin: SlackTwin) -> None:
    twin.add_channel("ops")
    delivery = post("3 people affected", keep_current=True)
    receipt = one(slack, delivery)
    newer = replace(delivery, effect=replace(delivery.effect, text="5 people affected"), receipt=receipt)
    assert sink(slack).find(lost(newer)) is None
    twin.faults.add(Fault("lose_answer", r"POST /api/chat\.update"))
    assert isinstance(one(slack, newer), Uncertain)
    assert sink(slack).find(lost(newer)) == receipt
    [message] = twin.messages("ops")
    assert read_aloud(message.blocks) == "5 people affected"


def test_an_update_of_a_deleted_message_is_refused_with_the_remedy(slack: Slack, twin: SlackTwin) -> None:
    twin.add_channel("ops")
    delivery = post(keep_current=True)
    receipt = one(slack, delivery)
    twin.workspace.channels[receipt.ident.split("/")[0]].messages.clear()
    answer = one(slack, replace(delivery, receipt=receipt))
    assert isinstance(answer, Rejected)
    assert "deleted" in answer.why


def test_a_person_is_found_by_e_mail_and_asked_for_once(slack: Slack, twin: SlackTwin) -> None:
    ada = twin.add_user("Ada", "Ada@example.com")
    answers = sink(slack).apply([tell(once="1"), tell("ADA@example.com", once="2")])
    assert all(isinstance(answer, Receipt) for answer in answers)
    assert [read_aloud(message.blocks) for message in twin.messages(ada)] == ["It works again."] * 2
    asked = [path for _, _, path, _ in twin.ledger.requests("slack")]
    assert asked.count("/api/users.lookupByEmail") == 1
    assert "/api/conversations.open" not in asked  # a message to a person's id opens the conversation


@pytest.mark.parametrize(("email", "why"), [("nobody@example.com", "nobody@example.com"), (None, "no e-mail")])
def test_who_is_not_known_is_never_guessed(slack: Slack, twin: SlackTwin, email: str | None, why: str) -> None:
    twin.add_user("Ada", "ada@elsewhere.example")
    answer = one(slack, tell(email))
    assert isinstance(answer, Rejected)
    assert why in answer.why
    assert "people.toml" in answer.hint
    assert posted(twin) == []


@pytest.mark.parametrize(
    ("named", "hint"), [("nowhere", "/invite @loopbot"), ("outside", "/invite @loopbot"), ("attic", "another channel")]
)
def test_a_channel_that_can_not_be_written_to_says_what_to_do(
    slack: Slack, twin: SlackTwin, named: str, hint: str
) -> None:
    twin.add_channel("outside", bot=False)
    attic = twin.add_channel("attic")
    twin.archive(attic)
    answer = one(slack, post(channel=attic if named == "attic" else named))
    assert isinstance(answer, Rejected)
    assert hint in answer.hint


def test_channels_are_listed_once_over_all_pages_and_aliases_lead_to_them(build: Build, twin: SlackTwin) -> None:
    for number in range(25):
        twin.add_channel(f"c{number}")
    twin.add_channel("team-releases-eu", private=True)
    slack = build(page_size=10, channels={"releases": "#team-releases-eu"})
    answers = sink(slack).apply([post(channel="releases"), post(channel="c24"), post(channel="c3")])
    assert all(isinstance(answer, Receipt) for answer in answers)
    asked = [path for _, _, path, _ in twin.ledger.requests("slack")]
    assert asked.count("/api/conversations.list") == 3


def test_messages_to_one_channel_are_a_second_apart_and_others_do_not_wait(
    slack: Slack, twin: SlackTwin, clock: QuickClock
) -> None:
    twin.add_channel("ops")
    twin.add_channel("dev")
    began = clock.monotonic()
    sink(slack).apply([post(once="1"), post(channel="dev", once="2")])
    assert clock.slept == 0
    sink(slack).apply([post(once="3"), post(once="4")])
    assert clock.slept < 2.1
    assert clock.monotonic() - began > 1.5
    assert len(posted(twin)) == 4


def test_too_many_calls_wait_as_long_as_slack_says(slack: Slack, twin: SlackTwin) -> None:
    twin.add_channel("ops")
    limit = Fault(
        "status", POSTING, status=429, headers={"Retry-After": "17"}, body=b'{"ok":false,"error":"ratelimited"}'
    )
    twin.faults.add(limit)
    first, second = sink(slack).apply([post(once="1"), post(once="2")])
    assert isinstance(first, Transient)
    assert first.after == 17
    assert isinstance(second, Transient)
    assert (second.after or 0) >= 15
    assert posted(twin) == []


def test_a_revoked_token_stops_the_rest_without_a_call(slack: Slack, twin: SlackTwin) -> None:
    twin.add_channel("ops")
    twin.revoke(BOT_TOKEN)
    answers = sink(slack).apply([post(once=str(number)) for number in range(5)])
    assert all(isinstance(answer, Unauthorized) for answer in answers)
    assert twin.ledger.calls("slack") == 1


@pytest.mark.parametrize("word", ["fatal_error", "internal_error"])
def test_an_error_after_which_the_message_may_be_there_is_uncertain(slack: Slack, twin: SlackTwin, word: str) -> None:
    twin.add_channel("ops")
    body = b'{"ok":false,"error":"%s"}' % word.encode()
    twin.faults.add(Fault("body", POSTING, status=200, body=body))
    delivery = post()
    assert isinstance(one(slack, delivery), Uncertain)
    assert sink(slack).find(lost(delivery)) is not None


def test_a_redirect_is_not_followed(slack: Slack, twin: SlackTwin) -> None:
    twin.faults.add(Fault("status", status=302, headers={"Location": "https://elsewhere.example/api"}))
    assert isinstance(one(slack, post(channel="C0TWIN00001")), Unauthorized)


def test_building_it_imports_no_slack_library() -> None:
    import subprocess
    import sys

    code = "import sys, connectors.slack.connector; sys.exit('slack_sdk' in sys.modules or 'slack_bolt' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603 - our own interpreter


def test_plain_http_is_refused_except_to_this_machine() -> None:
    with pytest.raises(ValueError, match="use https"):
        Slack.Settings(token="env:T", base_url="http://slack.example/api/")
