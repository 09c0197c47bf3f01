"""The Slack twin's Socket Mode, judged by a real Bolt app over a real websocket."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from slack_bolt import Ack, App, Respond
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from loopbot.sandbox.ledger import Ledger
from loopbot.sandbox.serving import Served, served
from loopbot.sandbox.slack import APP_TOKEN, BOT_TOKEN, BOT_USER, NotAcknowledgedError, SlackTwin

QUESTION: list[dict[str, Any]] = [
    {"type": "section", "text": {"type": "plain_text", "text": "Is it fixed for you?"}},
    {
        "type": "actions",
        "block_id": "answer",
        "elements": [
            {
                "type": "button",
                "action_id": "fixed",
                "text": {"type": "plain_text", "text": "Yes"},
                "value": "LOOP-1",
            }
        ],
    },
]
MODAL: dict[str, Any] = {
    "type": "modal",
    "callback_id": "feedback",
    "title": {"type": "plain_text", "text": "Feedback"},
    "submit": {"type": "plain_text", "text": "Send"},
    "blocks": [
        {
            "type": "input",
            "block_id": "words",
            "label": {"type": "plain_text", "text": "What should be better?"},
            "element": {"type": "plain_text_input", "action_id": "text"},
        }
    ],
}


def until(true: Callable[[], object], within: float = 5.0) -> None:
    end = time.monotonic() + within
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


@dataclass
class Heard:
    """What the app's listeners were given."""

    clicks: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    shortcuts: list[dict[str, Any]] = field(default_factory=list)
    submissions: list[dict[str, Any]] = field(default_factory=list)


def _into(heard: list[dict[str, Any]]) -> Callable[..., None]:
    # Bolt gives a listener what its parameters' names ask for.
    def listener(event: dict[str, Any]) -> None:
        heard.append(event)

    return listener


def hang_up(twin: SlackTwin, *handlers: SocketModeHandler) -> None:
    """Close from both sides: left alone, the client's threads wait seconds for a server that has nothing to say."""
    for handler in handlers:
        handler.client.auto_reconnect_enabled = handler.client.default_auto_reconnect_enabled = False
        handler.client.closed = True
        handler.client.message_queue.put(None)
    twin.sockets.drop()
    assert twin.sockets.wait_disconnected()
    for handler in handlers:
        until(lambda handler=handler: not handler.client.is_connected())
        handler.close()
        # A reconnection that was under way when we hung up ends with an open socket after all.
        if handler.client.is_connected():
            handler.disconnect()


def app_of(server: Served, heard: Heard) -> App:
    client = WebClient(token=BOT_TOKEN, base_url=server.url + "/api/", retry_handlers=[], timeout=5)
    app = App(client=client, token_verification_enabled=False)

    def status(ack: Ack, command: dict[str, Any], respond: Respond) -> None:
        ack(text=f"You asked for {command['text']}")
        respond(text="and later more", response_type="in_channel")

    def feedback(ack: Ack, body: dict[str, Any]) -> None:
        ack()
        app.client.views_open(trigger_id=body["trigger_id"], view=MODAL)

    def fixed(ack: Ack, body: dict[str, Any], respond: Respond) -> None:
        ack()
        heard.clicks.append(body)
        respond(text="Thank you", replace_original=True)

    def submitted(ack: Ack, body: dict[str, Any]) -> None:
        heard.submissions.append(body)
        text = body["view"]["state"]["values"]["words"]["text"]["value"]
        ack() if text else ack(response_action="errors", errors={"words": "Please say something"})

    def saved(ack: Ack, body: dict[str, Any]) -> None:
        ack()
        heard.shortcuts.append(body)

    app.command("/loop")(status)
    app.command("/feedback")(feedback)
    app.action("fixed")(fixed)
    app.view("feedback")(submitted)
    app.shortcut("save")(saved)
    for kind in ("message", "app_mention", "reaction_added", "app_home_opened"):
        app.event(kind)(_into(heard.events))
    return app


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
def twin(desk: tuple[Desk, Served]) -> SlackTwin:
    made = SlackTwin(Ledger())
    desk[0].app = made.app
    return made


@pytest.fixture
def server(desk: tuple[Desk, Served], twin: SlackTwin) -> Served:
    return desk[1]


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def app(server: Served, heard: Heard) -> App:
    return app_of(server, heard)


@pytest.fixture
def connected(twin: SlackTwin, app: App) -> Iterator[SocketModeHandler]:
    handler = SocketModeHandler(app, APP_TOKEN, ping_interval=2)
    handler.connect()
    assert twin.sockets.wait_connected()
    yield handler
    hang_up(twin, handler)


@pytest.fixture
def ada(twin: SlackTwin) -> str:
    return twin.add_user("Ada", "ada@example.com")


@pytest.mark.usefixtures("connected")
def test_a_slash_command_is_answered_at_once_and_later_by_its_response_url(twin: SlackTwin, ada: str) -> None:
    channel = twin.add_channel("ops", [ada])
    sent = twin.slash(ada, "/loop", "status INC1", channel)
    assert sent.response == {"text": "You asked for status INC1"}
    assert [one.text for one in twin.ephemerals(ada)] == ["You asked for status INC1"]
    until(lambda: twin.messages(channel))
    assert twin.messages(channel)[0].text == "and later more"


@pytest.mark.usefixtures("connected")
def test_a_click_is_acked_and_carries_the_message_and_the_value(
    twin: SlackTwin, app: App, heard: Heard, ada: str
) -> None:
    app.client.chat_postMessage(channel=ada, text="Is it fixed for you?", blocks=QUESTION)
    message = twin.messages(ada)[0]
    twin.click(message, "fixed", ada)
    until(lambda: message.text == "Thank you")
    body = heard.clicks[0]
    assert (body["actions"][0]["value"], body["message"]["ts"], body["user"]["id"]) == ("LOOP-1", message.ts, ada)
    assert [entry.action for entry in twin.ledger.entries("slack")] == ["post", "amend"]
    with pytest.raises(LookupError, match="fixed"):
        twin.click(message, "fixed", ada)


@pytest.mark.usefixtures("connected")
def test_a_double_click_is_two_envelopes_and_a_redelivery_the_same_one_twice(
    twin: SlackTwin, app: App, heard: Heard, ada: str
) -> None:
    app.client.chat_postMessage(channel=ada, text="Is it fixed for you?", blocks=QUESTION)
    last = twin.click(twin.messages(ada)[0], "fixed", ada, times=2)
    until(lambda: len(heard.clicks) == 2)
    assert len({one["actions"][0]["action_ts"] for one in heard.clicks}) == 2
    twin.redeliver(last)
    until(lambda: len(heard.clicks) == 3)
    assert heard.clicks[2]["trigger_id"] in {one["trigger_id"] for one in heard.clicks[:2]}
    assert len(last.acks) == 2


@pytest.mark.usefixtures("connected")
def test_a_command_the_app_does_not_know_is_an_error_of_the_person_who_typed_it(twin: SlackTwin, ada: str) -> None:
    with pytest.raises(NotAcknowledgedError, match="no ack"):
        twin.slash(ada, "/unheard-of", ack_within=0.3)


def test_without_a_socket_nothing_is_delivered(twin: SlackTwin, ada: str) -> None:
    with pytest.raises(NotAcknowledgedError, match="no socket was open"):
        twin.slash(ada, "/loop", ack_within=0.05)


@pytest.mark.usefixtures("connected")
def test_a_modal_opens_complains_and_closes(twin: SlackTwin, heard: Heard, ada: str) -> None:
    twin.slash(ada, "/feedback")
    until(lambda: twin.open_views(ada))
    view = twin.open_views(ada)[0]
    refused = twin.view_submission(ada, view, {"text": ""})
    assert refused.response == {"response_action": "errors", "errors": {"words": "Please say something"}}
    assert twin.open_views(ada) == [view]
    twin.view_submission(ada, view, {"text": "Faster exports"})
    assert twin.open_views(ada) == []
    assert heard.submissions[1]["view"]["callback_id"] == "feedback"


@pytest.mark.usefixtures("connected")
def test_what_people_say_and_do_arrives_as_events(twin: SlackTwin, heard: Heard, ada: str) -> None:
    channel = twin.add_channel("ops", [ada])
    said = twin.say(ada, channel, f"<@{BOT_USER}> the export is slow")
    twin.react(ada, said, "eyes")
    twin.open_home(ada)
    until(lambda: len(heard.events) == 4)
    kinds = {one["type"]: one for one in heard.events}
    assert set(kinds) == {"message", "app_mention", "reaction_added", "app_home_opened"}
    assert (kinds["message"]["text"], kinds["message"]["channel_type"]) == (said.text, "channel")
    assert kinds["reaction_added"]["item"]["ts"] == said.ts


@pytest.mark.usefixtures("connected")
def test_a_message_shortcut_carries_the_message(twin: SlackTwin, heard: Heard, ada: str) -> None:
    channel = twin.add_channel("ops", [ada])
    said = twin.say(ada, channel, "the export is slow")
    twin.shortcut(ada, "save", said)
    until(lambda: heard.shortcuts)
    assert (heard.shortcuts[0]["type"], heard.shortcuts[0]["message"]["text"]) == ("message_action", said.text)


@pytest.mark.usefixtures("connected")
def test_the_bots_own_post_comes_back_and_bolt_ignores_it(twin: SlackTwin, app: App, heard: Heard, ada: str) -> None:
    channel = twin.add_channel("ops", [ada])
    app.client.chat_postMessage(channel=channel, text="my own words")
    own = next(iter(twin.sockets.envelopes.values()))
    assert own.wait(3)
    assert own.payload["event"]["text"] == "my own words"
    twin.say(ada, channel, "hers")
    until(lambda: heard.events)
    assert [one["text"] for one in heard.events] == ["hers"]


def test_a_recycled_socket_comes_back_and_serves(twin: SlackTwin, connected: SocketModeHandler, ada: str) -> None:
    twin.disconnect("refresh_requested")
    until(lambda: twin.sockets.opened >= 2)

    def answered() -> object:
        # An envelope sent to the old socket while the client moves is lost, as it is at Slack.
        try:
            return twin.slash(ada, "/loop", "status", ack_within=0.5).response
        except NotAcknowledgedError:
            return None

    until(answered, within=10)
    until(connected.client.is_connected)


def test_two_sockets_share_the_envelopes(twin: SlackTwin, server: Served, app: App, ada: str) -> None:
    other = Heard()
    handlers = [SocketModeHandler(app, APP_TOKEN), SocketModeHandler(app_of(server, other), APP_TOKEN)]
    heard = [0, 0]
    for number, handler in enumerate(handlers):
        handler.client.on_message_listeners.append(
            lambda text, number=number: heard.__setitem__(number, heard[number] + ("envelope_id" in text))
        )
        handler.connect()
    assert twin.sockets.wait_connected(2)
    for _ in range(4):
        twin.slash(ada, "/loop", "status")
    assert heard == [2, 2]
    hang_up(twin, *handlers)


def test_the_socket_needs_an_app_token_and_a_fresh_ticket(server: Served) -> None:
    client = WebClient(base_url=server.url + "/api/", retry_handlers=[])
    with pytest.raises(SlackApiError, match="not_allowed_token_type"):
        client.apps_connections_open(app_token=BOT_TOKEN)
    address = client.apps_connections_open(app_token=APP_TOKEN)["url"]
    assert address.startswith(server.url.replace("http", "ws") + "/socket?ticket=")


def test_a_redelivery_that_nobody_acks_is_an_error(
    twin: SlackTwin, connected: SocketModeHandler, app: App, ada: str
) -> None:
    app.client.chat_postMessage(channel=ada, text="Is it fixed for you?", blocks=QUESTION)
    sent = twin.click(twin.messages(ada)[0], "fixed", ada)
    connected.client.socket_mode_request_listeners.clear()
    with pytest.raises(NotAcknowledgedError, match="no further ack"):
        twin.redeliver(sent, ack_within=0.2)


@pytest.mark.usefixtures("connected")
def test_a_hundred_clicks_at_once_are_all_acked(twin: SlackTwin, app: App, heard: Heard, ada: str) -> None:
    app.client.chat_postMessage(channel=ada, text="Is it fixed for you?", blocks=QUESTION)
    twin.click(twin.messages(ada)[0], "fixed", ada, times=100, ack_within=10)
    until(lambda: len(heard.clicks) == 100)
    assert len({one["trigger_id"] for one in heard.clicks}) == 100
