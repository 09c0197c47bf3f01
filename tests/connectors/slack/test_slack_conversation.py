"""End to end: people in Slack, over a real websocket and over signed requests, and the real conversation on a real store."""

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from connectors.slack.connector import Slack
from loopbot.sandbox.slack import Message, SlackTwin, notified
from loopbot.sandbox.slack.posting import Requests
from loopbot.usecases.absorb import absorb
from loopbot.usecases.listen import Conversation
from loopbot.web.app import Door, WebApp
from loopbot.web.intake import Intake
from loopbot.web.serving import WebServer
from tests.connectors.contract import QuickClock
from tests.connectors.slack.conftest import Build
from tests.connectors.slack.room import Room, furnished, read, until
from tests.conversation.conftest import PLACES, ROLES

HOSTILE = "<!channel> <https://evil.example|https://bank.example> *b* @here \u202egnp.exe \u05e9\u05dc\u05d5\u05dd \U0001f4a5 "


@pytest.fixture(params=["socket", "http"])
def room(
    request: pytest.FixtureRequest, twin: SlackTwin, build: Build, clock: QuickClock, tmp_path: Path
) -> Iterator[Room]:
    with ExitStack() as stack:
        made = furnished(twin, build, clock, tmp_path)
        stack.callback(made.store.close)
        if request.param == "socket":
            slack = build()
            slack.listen(made.talk)
            stack.callback(slack.close)
            assert twin.sockets.wait_connected()
        else:
            made.requests = _over_http(made, build(app_token=None, signing_secret="env:SIGNING"), stack)
        yield made


def _over_http(room: Room, slack: Slack, stack: ExitStack) -> Requests:
    door = slack.door(room.talk)
    assert door is not None
    slack.listen(room.talk)
    stack.callback(slack.close)
    intake = Intake(room.loop, lambda _: None)
    app = WebApp(room.loop, {}, intake, Door(frozenset({"127.0.0.1"})), {"slack": door})
    server = WebServer(app.app, "127.0.0.1", 0)
    server.start()
    stack.callback(server.stop)
    return room.twin.speak_http(f"{server.url}/chats/slack")


def test_a_command_is_answered_only_to_whoever_asked(room: Room) -> None:
    room.twin.slash(room.tom, "/loop", "INC 12345 status", room.channel)
    said = room.whispered(room.tom)
    assert "is in staging, and not yet in production" in said
    assert "Export locks the orders table" in said
    assert room.twin.messages(room.channel) == []


def test_a_form_is_opened_sent_back_with_what_is_wrong_and_taken_once(room: Room) -> None:
    room.twin.slash(room.mara, "/loop", "feedback", room.channel)
    view = room.modal(room.mara)
    sent = room.twin.view_submission(room.mara, view, {"words": " "})
    assert sent.response == {"response_action": "errors", "errors": {"words": "Some words are needed."}}
    sent = room.twin.view_submission(room.mara, view, {"words": HOSTILE, "topic": "bug"})
    assert sent.response
    assert sent.response["response_action"] == "update"
    assert "It is noted, in your words." in read(sent.response["view"]["blocks"])
    room.twin.redeliver(sent)
    [ticket] = room.tickets()
    assert ticket.fields == (("u_topic", "bug"),)
    assert ticket.reporter is not None
    assert ticket.reporter.email == "mara@example.com"
    assert ticket.text == HOSTILE.replace("\u202e", "").strip(), "as it was written, but for what turns text around"


def test_a_message_becomes_feedback_by_shortcut_or_reaction_and_counts_once(room: Room) -> None:
    said = room.twin.say(room.mara, room.channel, HOSTILE + "the export hangs " + "x" * 3_900, ack_within=None)
    room.twin.shortcut(room.tom, "loopbot_feedback", said)
    view = room.modal(room.tom)
    room.twin.view_submission(room.tom, view, {"words": view["blocks"][0]["element"]["initial_value"]})
    room.twin.react(room.tom, said, "bulb")
    assert "noted before" in room.whispered(room.tom)
    room.twin.react(room.tom, said, "tada")
    [ticket] = room.tickets()
    assert ticket.reporter is not None
    assert ticket.reporter.email == "mara@example.com"
    assert "/archives/" in ticket.text


def test_a_reaction_in_a_thread_is_heard_and_its_author_is_named(room: Room) -> None:
    first = room.twin.say(room.tom, room.channel, "How is it?", ack_within=None)
    reply = room.twin.say(room.mara, room.channel, "Parquet would be great", thread_ts=first.ts, ack_within=None)
    room.twin.react(room.tom, reply, "bulb")
    assert "in the words of Mara Lindqvist" in room.whispered(room.tom)
    [ticket] = room.tickets()
    assert ticket.title == "Parquet would be great"


def test_an_incident_from_a_message_is_linked_and_what_helps_is_offered(room: Room) -> None:
    said = room.twin.say(room.mara, room.channel, "Export locks the orders table again", ack_within=None)
    room.twin.shortcut(room.tom, "loopbot_incident", said)
    sent = room.twin.view_submission(
        room.tom, room.modal(room.tom), {"title": "Export locks the orders table", "words": "x"}
    )
    assert sent.response is not None
    assert "It is reported." in read(sent.response["view"]["blocks"])
    room.twin.shortcut(room.tom, "loopbot_attach", said)
    until(lambda: len(room.twin.open_views(room.tom)) == 2)
    sent = room.twin.view_submission(room.tom, room.twin.open_views(room.tom)[-1], {"ticket": "nothing"})
    assert sent.response is not None
    assert "ticket" in sent.response["errors"]


def test_what_somebody_hears_is_changed_in_a_form_that_the_home_tab_opens(room: Room) -> None:
    room.twin.open_home(room.mara)
    until(lambda: room.twin.home(room.mara))
    home = room.twin.home(room.mara)
    assert home is not None
    room.twin.click_in_view(home, "loopbot:notices", room.mara)
    view = room.modal(room.mara)
    values = {"hear": "all", "gather": "86400", "quiet": "22-7", "zone": "Europe/Berlin"}
    sent = room.twin.view_submission(room.mara, view, values)
    assert sent.response is not None
    assert "22:00-07:00" in sent.response["errors"]["quiet"]
    sent = room.twin.view_submission(room.mara, view, values | {"quiet": "22:00-07:00"})
    assert sent.response is not None
    assert "You are left alone 22:00-07:00 (Europe/Berlin)." in read(sent.response["view"]["blocks"])


def test_the_home_tab_shows_what_concerns_a_person_and_answers_in_a_modal(room: Room) -> None:
    room.twin.open_home(room.mara)
    until(lambda: room.twin.home(room.mara))
    view = room.twin.home(room.mara)
    assert view is not None
    assert "The export hangs at 80 percent" in read(view["blocks"])
    room.twin.click_in_view(view, "loopbot:select", room.mara)
    assert "The way so far" in read(room.modal(room.mara)["blocks"]) or "Parquet" in read(
        room.modal(room.mara)["blocks"]
    )


def test_a_shared_address_is_unfurled_in_one_line_and_not_where_outsiders_read(room: Room) -> None:
    url = "https://it.example.com/INC0012345"
    room.twin.share(room.tom, room.channel, url, "https://it.example.com/INC0099999", external=True)
    message = room.twin.share(room.tom, room.channel, url, "https://it.example.com/INC0099999")
    until(lambda: message.flags.get("unfurls"))
    shown: Any = message.flags["unfurls"]
    assert list(shown) == [url]
    assert read(shown[url]["blocks"]) == "Incident INC0012345: The export hangs at 80 percent (in progress)"
    assert len(room.twin.ledger.entries("slack", "unfurl")) == 1


def test_buttons_under_a_whisper_answer_and_may_be_pressed_twice(room: Room) -> None:
    room.twin.slash(room.tom, "/loop", "link INC0020000 CHG0000042", room.channel)
    room.whispered(room.tom)
    whisper = room.twin.ephemerals(room.tom)[-1]
    room.twin.click(whisper, "loopbot:undo", room.tom, times=2)
    assert "back" in room.whispered(room.tom, 3)


def test_everything_is_acked_in_time_while_the_store_is_locked(room: Room) -> None:
    room.twin.slash(room.mara, "/loop", "feedback", room.channel)
    view = room.modal(room.mara)
    locked, free = threading.Event(), threading.Event()

    def hold() -> None:
        with room.store.write():
            locked.set()
            free.wait(20)

    holder = threading.Thread(target=hold)
    holder.start()
    assert locked.wait(5)
    try:
        began = time.monotonic()
        for number in range(30):
            room.twin.slash(room.tom, "/loop", f"ack INC{number}", room.channel)
        sent = room.twin.view_submission(room.mara, view, {"words": "It hangs"})
        assert sent.response is not None
        assert "a moment longer" in read(sent.response["view"]["blocks"])
        assert time.monotonic() - began < 20
    finally:
        free.set()
        holder.join()
    until(lambda: "It is noted" in read(room.twin.open_views(room.mara)[-1]["blocks"]))
    assert len(room.tickets()) == 1


def test_what_another_node_or_an_earlier_process_heard_is_not_answered_again(room: Room) -> None:
    sent = room.twin.slash(room.tom, "/loop", "help", room.channel)
    room.whispered(room.tom)
    if room.requests is not None:
        with ExitStack() as stack:
            other = room.build(app_token=None, signing_secret="env:SIGNING")
            room.requests.url = _over_http(room, other, stack).url
            room.twin.redeliver(sent)
            time.sleep(0.3)
    else:
        other = room.build()
        other.listen(Conversation(room.loop, ROLES, PLACES))
        until(lambda: room.twin.sockets.count() == 2)
        for _ in range(4):
            room.twin.redeliver(sent)
        room.twin.slash(room.mara, "/loop", "help", room.channel)
        room.whispered(room.mara)
        other.close()
    assert len(room.twin.ephemerals(room.tom)) == 1


def test_hostile_text_in_tickets_arrives_as_text_wherever_it_is_shown(room: Room) -> None:
    with room.store.write() as tx:
        [record] = tx.mirror.find("INC0012345")
        from dataclasses import replace

        worse = replace(
            record, title=HOSTILE + "y" * 40_000, text=HOSTILE * 500, updated_at=record.updated_at + timedelta(days=1)
        )
        absorb(room.loop, tx, [worse])
    for number, command in enumerate(("status INC0012345", "why INC0012345", "recurring", "release", "mine"), 1):
        room.twin.slash(room.mara, "/loop", command, room.channel)
        room.whispered(room.mara, number)
    room.twin.open_home(room.mara)
    until(lambda: room.twin.home(room.mara))
    shown = [*room.twin.ephemerals(room.mara), Message("1", "C", "U", "", (room.twin.home(room.mara) or {})["blocks"])]
    assert all(notified(one) == set() for one in shown)
    assert any("<!channel>" in read(one.blocks) for one in shown)


@pytest.mark.parametrize("room", ["http"], indirect=True)
def test_only_slacks_own_fresh_requests_are_heard_and_each_once(room: Room) -> None:
    way = room.requests
    assert way is not None
    body, kind = b'{"type":"url_verification","challenge":"abc"}', "application/json"
    assert way.post(body, kind).text in {"abc", '{"challenge": "abc"}'}
    now = room.loop.clock.now()
    assert way.post(body, kind, at=now - timedelta(minutes=6)).status_code == 401
    assert way.post(body, kind, at=now + timedelta(minutes=6)).status_code == 401
    for wrong in (
        {"X-Slack-Request-Timestamp": "soon"},
        {"X-Slack-Request-Timestamp": "1e9"},
        {"X-Slack-Request-Timestamp": "9" * 400},
        {"X-Slack-Request-Timestamp": ""},
        {"X-Slack-Signature": "v0=\u00e9\u00e9".encode("latin-1").decode("latin-1")},
        {"X-Slack-Signature": ""},
        {"X-Slack-Signature": "v0=" + "0" * 64},
    ):
        assert way.post(body + b" ", kind, headers=wrong).status_code == 401
    whole = requests.Request("POST", way.url, data=b"command=%2Floop&text=help&user_id=U1").prepare()
    assert requests.Session().send(whole).status_code == 401
    from loopbot.sandbox.slack import SIGNING_SECRET, signed_request

    again = signed_request(SIGNING_SECRET, body + b"  ", content_type=kind)
    assert [requests.post(way.url, data=body + b"  ", headers=again, timeout=5).status_code for _ in range(2)] == [
        200,
        401,
    ]
    other = signed_request(SIGNING_SECRET, body + b"   ", content_type=kind) | {"Host": "evil.example"}
    assert requests.post(way.url, data=body + b"   ", headers=other, timeout=5).status_code == 401
