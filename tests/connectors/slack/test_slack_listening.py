"""Commands and buttons over a real websocket, and what they become for the ear."""

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from slack_sdk.socket_mode.builtin.connection import Connection

from connectors.slack.connector import Slack
from connectors.slack.messages import Messages
from loopbot.domain import forms, speech
from loopbot.domain.effects import Cause, Tell
from loopbot.domain.errors import ConfigError, Rejected, Transient, Unauthorized
from loopbot.domain.receipts import Delivery, Receipt
from loopbot.domain.records import Person, Ref
from loopbot.ports import HeardAlreadyError, Kept
from loopbot.sandbox.faults import Fault
from loopbot.sandbox.slack import APP_TOKEN, Message, SlackTwin
from tests.connectors.slack.conftest import Build
from tests.connectors.slack.stage import read_aloud

SUBJECT = Ref("servicenow", "incident", "INC0000001")


def until(true: Callable[[], object], within: float = 5.0) -> None:
    end = time.monotonic() + within
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


@dataclass
class Ear:
    commands: list[tuple[Person, str]] = field(default_factory=list)
    answers: list[tuple[Person, str, str]] = field(default_factory=list)
    trouble: list[Exception] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    keeping: threading.Event = field(default_factory=threading.Event)
    known: set[str] = field(default_factory=set)
    kept: dict[str, Kept] = field(default_factory=dict)
    undone: dict[str, Kept] = field(default_factory=dict)
    unkept: list[Exception] = field(default_factory=list)

    def command(self, person: Person, text: str) -> speech.Message:
        self.gate.wait(5)
        self.commands.append((person, text))
        if self.trouble:
            raise self.trouble.pop()
        return speech.say(f"You asked for {text} <!channel>")

    def answer(self, person: Person, key: str, answer: str, words: str = "") -> speech.Message:
        self.gate.wait(5)
        self.answers.append((person, key, answer))
        if self.trouble:
            raise self.trouble.pop()
        return speech.say(f"You said {answer}.")

    def home(self, person: Person) -> speech.Home:
        return speech.say(f"Hello {person.name}")

    def shortcut(self, person: Person, callback: str, message: speech.Heard | None) -> speech.Message:
        raise NotImplementedError

    def submitted(self, person: Person, filled: forms.Filled) -> speech.Message:
        raise NotImplementedError

    def link_shared(self, person: Person, urls: Sequence[str]) -> Mapping[str, str]:
        raise NotImplementedError

    def reaction(self, person: Person, emoji: str, message: speech.Heard) -> None:
        raise NotImplementedError

    def emojis(self) -> frozenset[str]:
        return frozenset()

    def first(self, delivery: str) -> bool:
        new = delivery not in self.known
        self.known.add(delivery)
        return new

    def keep(self, kept: Kept) -> bool:
        self.keeping.wait(5)
        if self.unkept:
            raise self.unkept.pop()
        new = kept.name not in self.kept
        if new:
            self.kept[kept.name] = kept
            self.undone[kept.name] = kept
        return new

    def once(self, delivery: str) -> "Ear":
        if delivery not in self.undone:
            raise HeardAlreadyError(delivery)
        return self

    def end(self, delivery: str) -> None:
        self.undone.pop(delivery, None)

    def left(self, system: str) -> list[Kept]:
        return [one for one in self.undone.values() if one.system == system]


@pytest.fixture
def ear() -> Ear:
    made = Ear()
    made.gate.set()
    made.keeping.set()
    return made


@pytest.fixture
def ada(twin: SlackTwin) -> str:
    return twin.add_user("Ada Byron", "ada@example.com")


@pytest.fixture
def listening(slack: Slack, twin: SlackTwin, ear: Ear) -> Iterator[Slack]:
    slack.listen(ear)
    assert twin.sockets.wait_connected()
    yield slack
    ear.gate.set()  # a test that failed before it did so must not make closing wait for ever
    slack.close()
    assert twin.sockets.wait_disconnected()


def asked(slack: Slack, twin: SlackTwin, ada: str) -> tuple[Delivery, Message]:
    person = Person("servicenow", "u1", "Ada", "ada@example.com")
    effect = Tell(
        system="slack",
        cause=Cause("r", SUBJECT, "1"),
        person=person,
        text="The export works again. Does it for you?",
        about=SUBJECT,
        question="fixed",
        buttons=(("yes", "It works"), ("no", "Not yet")),
    )
    sink = slack.sink()
    assert isinstance(sink, Messages)
    [receipt] = sink.apply([Delivery(effect, 1)])
    assert isinstance(receipt, Receipt)
    return Delivery(effect, 1), twin.messages(ada)[-1]


def test_a_command_is_acked_before_any_work_and_answered_only_to_the_person(
    listening: Slack, twin: SlackTwin, ear: Ear, ada: str
) -> None:
    channel = twin.add_channel("ops", [ada], bot=False)
    ear.gate.clear()
    sent = twin.slash(ada, "/loop", " status INC1 ", channel)
    assert sent.acks
    assert ear.commands == []
    ear.gate.set()
    until(lambda: twin.ephemerals(ada))
    assert ear.commands == [(Person("slack", ada, "Ada Byron", "ada@example.com"), "status INC1")]
    assert read_aloud(twin.ephemerals(ada)[0].blocks) == "You asked for status INC1 <!channel>"
    assert "<!channel>" not in twin.ephemerals(ada)[0].text
    assert twin.messages(channel) == []


def test_a_press_reaches_the_ear_and_its_answer_stands_where_the_buttons_were(
    listening: Slack, twin: SlackTwin, ear: Ear, ada: str
) -> None:
    delivery, message = asked(listening, twin, ada)
    twin.click(message, "loopbot:no", ada)
    until(lambda: twin.ledger.entries("slack", "amend"))
    assert ear.answers == [(Person("slack", ada, "Ada Byron", "ada@example.com"), delivery.effect.key, "no")]
    assert read_aloud(message.blocks) == "The export works again. Does it for you?\nYou said no."
    assert [block["type"] for block in message.blocks] == ["rich_text", "context"]
    assert message.metadata is not None
    assert message.metadata["event_payload"]["key"] == delivery.effect.key


def test_a_redelivered_envelope_counts_once_and_who_presses_again_says_it_again(
    listening: Slack, twin: SlackTwin, ear: Ear, ada: str
) -> None:
    delivery, message = asked(listening, twin, ada)
    envelope = twin.click(message, "loopbot:yes", ada, times=5)
    until(lambda: len(ear.answers) == 5)
    twin.redeliver(envelope)
    twin.redeliver(envelope)
    channel = twin.add_channel("ops", [ada])
    sent = twin.slash(ada, "/loop", "status", channel)
    twin.redeliver(sent)
    until(lambda: twin.ephemerals(ada))
    listening.close()
    # Only what keeps the answers knows whether the same again is a double click: another process may have heard what came between.
    assert [(key, answer) for _, key, answer in ear.answers] == [(delivery.effect.key, "yes")] * 5
    assert len(ear.commands) == 1


def test_a_press_delivered_again_to_another_process_counts_once(
    build: Build, twin: SlackTwin, ear: Ear, ada: str
) -> None:
    first = build(app_token="env:APP")
    first.listen(ear)
    assert twin.sockets.wait_connected()
    _, message = asked(first, twin, ada)
    envelope = twin.click(message, "loopbot:yes", ada)
    until(lambda: twin.ledger.entries("slack", "amend"))
    first.close()
    second = build(app_token="env:APP")
    second.listen(ear)
    assert twin.sockets.wait_connected()
    twin.redeliver(envelope)
    second.close()
    assert len(ear.answers) == 1


def test_what_the_back_end_could_not_take_is_told_and_can_be_pressed_again(
    listening: Slack, twin: SlackTwin, ear: Ear, ada: str
) -> None:
    _, message = asked(listening, twin, ada)
    ear.trouble = [Transient("store", "busy")]
    twin.click(message, "loopbot:yes", ada)
    until(lambda: twin.ephemerals(ada))
    assert "did not work" in twin.ephemerals(ada)[0].text
    twin.click(message, "loopbot:yes", ada)
    until(lambda: twin.ledger.entries("slack", "amend"))
    assert len(ear.answers) == 2


def test_an_answer_that_is_given_again_after_another_one_counts(
    listening: Slack, twin: SlackTwin, ear: Ear, ada: str
) -> None:
    delivery, message = asked(listening, twin, ada)
    # The message can not be changed, so its buttons stay where they are.
    twin.faults.add(Fault("status", "chat.update", times=10, status=503))
    for heard, answer in enumerate(("yes", "no", "yes"), start=1):
        twin.click(message, f"loopbot:{answer}", ada)
        until(lambda heard=heard: len(ear.answers) >= heard)
        until(lambda heard=heard: len(twin.ephemerals(ada)) >= heard)
    assert [(key, answer) for _, key, answer in ear.answers] == [
        (delivery.effect.key, answer) for answer in ("yes", "no", "yes")
    ]


def test_where_the_message_can_not_be_changed_the_person_is_told_alone(
    listening: Slack, twin: SlackTwin, ear: Ear, ada: str
) -> None:
    _, message = asked(listening, twin, ada)
    twin.faults.add(Fault("status", r"chat\.update", status=503))
    twin.click(message, "loopbot:yes", ada)
    until(lambda: twin.ephemerals(ada))
    assert twin.ephemerals(ada)[0].text == "You said yes."


def test_who_pressed_is_taken_even_when_slack_does_not_say_more(
    listening: Slack, twin: SlackTwin, ear: Ear, ada: str
) -> None:
    _, message = asked(listening, twin, ada)
    twin.faults.add(Fault("status", r"users\.info", status=500))
    twin.click(message, "loopbot:yes", ada)
    until(lambda: ear.answers)
    assert ear.answers[0][0].key == ada
    assert ear.answers[0][0].email is None


def test_nothing_is_ever_sent_to_a_response_url_elsewhere(slack: Slack) -> None:
    with pytest.raises(Rejected, match="not a host"):
        slack._calls.respond("https://169.254.169.254/latest", {"text": "x"})


def test_a_recycled_socket_is_replaced(listening: Slack, twin: SlackTwin, ear: Ear, ada: str) -> None:
    channel = twin.add_channel("ops", [ada])
    opened = twin.sockets.opened
    twin.disconnect("refresh_requested", close=False)
    until(lambda: twin.sockets.opened > opened and twin.sockets.count() == 1, 10)
    twin.slash(ada, "/loop", "status", channel)
    until(lambda: ear.commands)


@pytest.mark.parametrize("token", [APP_TOKEN])
def test_a_refused_app_token_is_said_at_once(slack: Slack, twin: SlackTwin, ear: Ear, token: str) -> None:
    twin.revoke(token)
    with pytest.raises(Unauthorized, match="token_revoked"):
        slack.listen(ear)


def test_a_socket_that_can_not_be_had_is_not_asked_for_again_and_again(slack: Slack, twin: SlackTwin, ear: Ear) -> None:
    twin.faults.add(Fault("status", r"apps\.connections\.open", times=99, status=503))
    for _ in range(5):
        with pytest.raises(Transient):
            slack.listen(ear)
    asked = [path for _, _, path, _ in twin.ledger.requests("slack")]
    assert asked.count("/api/apps.connections.open") == 1


@pytest.mark.parametrize(
    "host",
    [
        "wss.example",
        "slack.com.evil.example",
        "evilslack.com",
        "169.254.169.254",
        "127.0.0.2",
        "[::1]",
        "a@evil.example",
        "",
    ],
)
def test_a_socket_is_opened_at_slack_and_nowhere_else(
    slack: Slack, twin: SlackTwin, ear: Ear, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    """X9: what is connected to is looked at, since the library's sockets are its own."""
    reached: list[str] = []
    connect = socket.socket.connect

    def noting(this: socket.socket, address: Any) -> None:
        reached.append(str(address[0]))
        if address[0] == "127.0.0.1":
            connect(this, address)
        else:
            raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", noting)
    monkeypatch.setattr(socket, "getaddrinfo", lambda name, port, *_, **__: [(2, 1, 6, "", (str(name), port))])
    for scheme in ("wss", "ws"):
        body = f'{{"ok":true,"url":"{scheme}://{host}/link?ticket=1"}}'.encode()
        twin.faults.add(Fault("body", r"apps\.connections\.open", status=200, body=body))
        with pytest.raises(Unauthorized, match="which is not Slack's"):
            slack.listen(ear)
    assert set(reached) == {"127.0.0.1"}


@pytest.mark.parametrize("host", ["wss-primary.slack.com", "wss.slack-gov.com", "WSS-backup.Slack.COM"])
def test_a_socket_at_slack_is_opened(
    slack: Slack, twin: SlackTwin, ear: Ear, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    reached: list[str] = []

    def nowhere(name: Any, port: Any, *_: Any, **__: Any) -> Any:
        reached.append(str(name))
        return [(2, 1, 6, "", ("127.0.0.1", 9 if "slack" in str(name).lower() else port))]

    monkeypatch.setattr(socket, "getaddrinfo", nowhere)
    body = f'{{"ok":true,"url":"wss://{host}/link?ticket=1"}}'.encode()
    twin.faults.add(Fault("body", r"apps\.connections\.open", status=200, body=body, times=99))
    with pytest.raises(Transient):
        slack.listen(ear)
    assert host.lower() in [one.lower() for one in reached]


def test_a_socket_without_encryption_is_only_opened_on_this_machine(slack: Slack, twin: SlackTwin, ear: Ear) -> None:
    body = b'{"ok":true,"url":"ws://wss-primary.slack.com/link?ticket=1"}'
    twin.faults.add(Fault("body", r"apps\.connections\.open", status=200, body=body))
    with pytest.raises(Unauthorized, match="without encryption"):
        slack.listen(ear)


def test_without_an_app_token_it_says_what_to_create(build: Build, ear: Ear) -> None:
    with pytest.raises(ConfigError, match="app-level token"):
        build(app_token=None).listen(ear)


def test_closing_ends_also_where_the_library_begins_a_session_at_that_moment(
    slack: Slack, twin: SlackTwin, ear: Ear, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, closed = threading.Event(), threading.Event()
    original = Connection.run_until_completion

    def late(session: Connection, state: Any) -> None:
        begun.set()
        closed.wait(5)
        state.terminated = False  # as the library says of each session that it begins
        original(session, state)

    monkeypatch.setattr(Connection, "run_until_completion", late)
    slack.listen(ear)
    assert begun.wait(5)
    closing = threading.Thread(target=slack.close, daemon=True)
    closing.start()
    assert twin.sockets.wait_disconnected()
    closed.set()
    closing.join(5)
    assert not closing.is_alive()


def test_closing_is_quick_and_leaves_no_thread(slack: Slack, twin: SlackTwin, ear: Ear) -> None:
    before = set(threading.enumerate())
    slack.listen(ear)
    assert twin.sockets.wait_connected()
    started = time.monotonic()
    slack.close()
    assert time.monotonic() - started < 4
    assert twin.sockets.wait_disconnected()
    until(lambda: not [one for one in set(threading.enumerate()) - before if not one.name.startswith("twin")])


def test_what_people_say_is_in_no_log(
    listening: Slack, twin: SlackTwin, ear: Ear, ada: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    channel = twin.add_channel("ops", [ada])
    twin.slash(ada, "/loop", "my secret words", channel)
    until(lambda: twin.ephemerals(ada))
    said: list[Any] = [record.getMessage() for record in caplog.records if "slack" in record.name]
    assert not [line for line in said if "secret words" in line or "xoxb" in line or "xapp" in line]
