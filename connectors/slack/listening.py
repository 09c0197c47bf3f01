"""What people say to loopbot: a slash command and buttons, over Socket Mode. Every envelope is acked before any work.

Slack delivers an envelope again when it missed the ack, and people press twice: what was handled is remembered (the
last few thousand) and not handled again.
"""

import contextlib
import logging
import re
import socket
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from connectors.slack import blocks, speaking
from connectors.slack.calls import Calls
from connectors.slack.directory import Directory
from loopbot.domain.errors import BrokenAnswer, Declined, LoopbotError, SystemTrouble, Transient, Uncertain
from loopbot.domain.speech import Form, Message, say
from loopbot.ports import Ear

if TYPE_CHECKING:
    from slack_bolt import Ack, App
    from slack_bolt.adapter.socket_mode import SocketModeHandler

Json = Mapping[str, Any]
_LOG = logging.getLogger(__name__)
_REMEMBERED: Final = 5_000
_WORKERS: Final = 4
_PING_SECONDS: Final = 2
_SORRY: Final = say("That did not work. The reason is in the log of loopbot; try again later.")
_UNKNOWN: Final = say("This button is from another time; loopbot does not know it any more.")


class Listening:
    """One open ear: a Bolt app on a socket, until it is closed."""

    def __init__(self, calls: Calls, directory: Directory, ear: Ear, command: str) -> None:
        self._calls, self._directory, self._ear, self._command = calls, directory, ear, command
        self._handled: OrderedDict[tuple[str, ...], None] = OrderedDict()
        self._lock = threading.Lock()
        self._workers = ThreadPoolExecutor(_WORKERS, "slack-ear")
        self._handler: SocketModeHandler | None = None

    def start(self, app_token: str) -> None:
        """Connect; raises Unauthorized where a token is refused, Transient where there is no connection."""
        from slack_bolt.adapter.socket_mode import SocketModeHandler
        from slack_sdk.errors import SlackApiError

        from connectors.slack.refusals import trouble_of

        told, _ = self._calls.whoami()
        self._handler = SocketModeHandler(self._app(told), app_token, ping_interval=_PING_SECONDS)
        self._handler.client.proxy = None
        try:
            self._handler.connect()  # type: ignore[no-untyped-call]
        except SlackApiError as error:
            self.close()
            raise trouble_of(
                self._calls.system, "apps.connections.open", dict(error.response.data), writes=False
            ) from error
        except (Uncertain, BrokenAnswer) as error:
            # Asking for a socket again does no harm.
            self.close()
            raise Transient(self._calls.system, error.why, after=10.0) from error
        except SystemTrouble:
            self.close()
            raise
        if not self._handler.client.is_connected():
            self.close()
            raise Transient(self._calls.system, "no socket could be opened", after=10.0)

    def close(self) -> None:
        """Close the socket, end its threads, and let work that has begun come to its end."""
        handler, self._handler = self._handler, None
        if handler is not None:
            _hang_up(handler)
        self._workers.shutdown(wait=True)

    def _app(self, told: Json) -> "App":
        from slack_bolt import App
        from slack_bolt.authorization import AuthorizeResult

        log = logging.getLogger("slack_bolt")
        # Below ERROR it quotes what people said.
        log.setLevel(logging.ERROR)

        def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
            """Who we are is known since the start: no call stands between an envelope and its ack."""
            return AuthorizeResult(
                enterprise_id=enterprise_id, team_id=team_id, bot_id=told.get("bot_id"), bot_user_id=told.get("user_id")
            )

        app = App(
            logger=log,
            name="loopbot",
            client=self._calls.client(anonymous=True),
            authorize=authorize,
            request_verification_enabled=False,
            listener_executor=self._workers,
        )
        app.command(self._command)(_acked(self._on_command))
        app.action(re.compile(f"^{re.escape(blocks.ACTION)}"))(_acked(self._on_button))
        return app

    def _on_command(self, body: Json) -> None:
        user, mark = str(body.get("user_id", "")), str(body.get("trigger_id", ""))
        if not self._first(("command", user, mark)):
            return
        person = self._directory.person(user, str(body.get("user_name", "")))
        said = self._asked(lambda: self._ear.command(person, str(body.get("text", "")).strip()))
        self._told(body, said or _SORRY)

    def _on_button(self, body: Json) -> None:
        action = (body.get("actions") or [{}])[0]
        press = blocks.pressed(str(action.get("value", "")))
        told = body.get("message") or {}
        user, stamp = str((body.get("user") or {}).get("id", "")), str(told.get("ts", ""))
        if press is None:
            self._whisper(body, _UNKNOWN)
            return
        mark = ("button", user, press.key, press.answer, stamp)
        if not self._first((*mark, str(action.get("action_ts", "")))) or not self._first(mark):
            return
        person = self._directory.person(user, str((body.get("user") or {}).get("name", "")))
        said = self._asked(lambda: self._ear.answer(person, press.key, press.answer))
        if said is None:
            self._again(mark)
            self._again((*mark, str(action.get("action_ts", ""))))
            self._whisper(body, _SORRY)
        elif isinstance(said, Declined):
            self._again(mark)
            self._whisper(body, say(str(said)))
        elif isinstance(said, Form):
            self._again(mark)
            self._open(body, said)
        elif not said.blocks:
            # What stands there is kept current by itself; the same button may stand there once more.
            self._again(mark)
        else:
            self._replace(body, press, str(action.get("block_id", "")), said)

    def _asked(self, ask: Callable[[], Message | Form]) -> Message | Form | Declined | None:
        try:
            return ask()
        except Declined as no:
            return no
        except LoopbotError as error:
            _LOG.warning("what somebody said in Slack could not be taken: %s", error)
        except Exception:  # noqa: BLE001 - whatever failed behind the ear, the person is told, and the log says what
            _LOG.exception("what somebody said in Slack could not be taken")
        return None

    def _told(self, body: Json, said: Message | Form | Declined) -> None:
        if isinstance(said, Form):
            self._open(body, said)
        elif isinstance(said, Declined):
            self._whisper(body, say(str(said)))
        else:
            self._whisper(body, said)

    def _open(self, body: Json, form: Form) -> None:
        """Ask for more; Slack lets a form be opened only within three seconds after somebody did something."""
        try:
            self._calls.write(
                "views.open", {"trigger_id": str(body.get("trigger_id", "")), "view": speaking.modal(form)}
            )
        except SystemTrouble as error:
            _LOG.warning("the form %s could not be opened: %s", form.name, error)
            self._whisper(body, say("That took too long to open a form. Try once more."))

    def _replace(self, body: Json, press: blocks.Pressed, block_id: str, said: Message) -> None:
        """Show the answer where the buttons were; where the message can not be changed, at least to the person."""
        told = body.get("message") or {}
        channel = str((body.get("channel") or body.get("container") or {}).get("id", ""))
        changed = {
            "channel": channel,
            "ts": str(told.get("ts", "")),
            "text": str(told.get("text", "")),
            "blocks": blocks.answered(told.get("blocks") or [], block_id, speaking.note(said)),
            "parse": "none",
            "link_names": False,
        }
        if told.get("metadata"):
            changed["metadata"] = told["metadata"]
        try:
            self._calls.write("chat.update", changed)
        except SystemTrouble as error:
            _LOG.warning("the buttons under %s could not be replaced: %s", press.key, error)
            self._whisper(body, said)

    def _whisper(self, body: Json, said: Message) -> None:
        """Tell only the person who spoke."""
        url = str(body.get("response_url") or "")
        if not url:
            return
        try:
            self._calls.respond(
                url, {**speaking.message(said), "response_type": "ephemeral", "replace_original": False}
            )
        except SystemTrouble as error:
            _LOG.warning("an answer could not be shown in Slack: %s", error)

    def _first(self, mark: tuple[str, ...]) -> bool:
        """Whether this was not handled before."""
        with self._lock:
            if mark in self._handled:
                return False
            self._handled[mark] = None
            while len(self._handled) > _REMEMBERED:
                self._handled.popitem(last=False)
            return True

    def _again(self, mark: tuple[str, ...]) -> None:
        """It was not handled after all: the same press may come again."""
        with self._lock:
            self._handled.pop(mark, None)


def _acked(work: Callable[[Json], None]) -> "Callable[[Ack, Json], None]":
    # Bolt hands a listener what its parameters' names ask for.
    def listener(ack: "Ack", body: Json) -> None:
        ack()
        work(body)

    return listener


def _hang_up(handler: "SocketModeHandler") -> None:
    """Close without the wait of seconds that the library's readers take on a silent socket."""
    client = handler.client
    client.auto_reconnect_enabled = client.default_auto_reconnect_enabled = False
    client.closed = True
    client.current_session_state.terminated = True
    client.message_queue.put(None)
    open_socket = client.current_session.sock if client.current_session is not None else None
    if open_socket is not None:
        with contextlib.suppress(OSError):
            open_socket.shutdown(socket.SHUT_RDWR)
    handler.close()  # type: ignore[no-untyped-call]
