"""Socket Mode: slack_sdk's client around our Bolt app, opened once, closed without waiting."""

import contextlib
import logging
import socket
import threading
from typing import TYPE_CHECKING, Any, Final

from connectors.slack.calls import Calls, repeatable
from connectors.slack.refusals import trouble_of
from loopbot.domain.errors import BrokenAnswer, SystemTrouble, Transient, Uncertain

if TYPE_CHECKING:
    from slack_bolt import App

_LOG = logging.getLogger(__name__)
_PING_SECONDS: Final = 2
_CLOSING_STEP: Final = 0.2
_CLOSING_STEPS: Final = 50


class _Over:
    """The state of sessions that are over, whatever is said of it later."""

    @property
    def terminated(self) -> bool:
        """True."""
        return True

    @terminated.setter
    def terminated(self, _: bool) -> None:
        pass


class Socket:
    """One open socket, until it is closed; the library replaces one that Slack recycles."""

    def __init__(self, calls: Calls, app: "App", app_token: str) -> None:
        from slack_bolt.adapter.socket_mode import SocketModeHandler

        self._calls = calls
        self._handler: SocketModeHandler | None = SocketModeHandler(app, app_token, ping_interval=_PING_SECONDS)
        self._handler.client.proxy = None

    def open(self) -> None:
        """Connect; raises Unauthorized where the token is refused, Transient where there is no connection."""
        from slack_sdk.errors import SlackApiError

        handler = self._handler
        if handler is None:
            raise Transient(self._calls.system, "the socket was closed", after=10.0)
        try:
            handler.connect()  # type: ignore[no-untyped-call]
        except SlackApiError as error:
            self.close()
            raise trouble_of(
                self._calls.system, "apps.connections.open", dict(error.response.data), writes=False
            ) from error
        except (Uncertain, BrokenAnswer) as error:
            self.close()
            raise repeatable(error, after=10.0) from error
        except SystemTrouble:
            self.close()
            raise
        if not handler.client.is_connected():
            self.close()
            raise Transient(self._calls.system, "no socket could be opened", after=10.0)

    def close(self) -> None:
        """Close it and end its threads, without the wait of seconds that the library's readers take on a silent socket."""
        handler, self._handler = self._handler, None
        if handler is None:
            return
        client = handler.client
        closing = threading.Thread(target=handler.close, name="slack-close", daemon=True)
        states = _ended(client, [])
        client.message_queue.put(None)
        closing.start()
        for _ in range(_CLOSING_STEPS):
            closing.join(_CLOSING_STEP)
            if not closing.is_alive():
                return
            # The library may have been about to open a session, or to begin one; then it marks it as alive, and waits for its end.
            states = _ended(client, states)
        _LOG.warning("the socket to Slack did not close in time: its threads are left behind")


def _ended(client: Any, states: list[Any]) -> list[Any]:
    """End the session there is now, and those of the `states` before it again; the states of all of them."""
    client.auto_reconnect_enabled = client.default_auto_reconnect_enabled = False
    client.closed = True
    if not isinstance(client.current_session_state, _Over):
        states = [*states, client.current_session_state]
        client.current_session_state = _Over()
    for state in states:
        state.terminated = True
    open_socket = client.current_session.sock if client.current_session is not None else None
    if open_socket is not None:
        with contextlib.suppress(OSError):
            open_socket.shutdown(socket.SHUT_RDWR)
    return states
