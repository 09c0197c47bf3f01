"""Socket Mode: slack_sdk's client around our Bolt app, opened once, closed without waiting."""

import contextlib
import socket
from typing import TYPE_CHECKING, Final

from connectors.slack.calls import Calls
from connectors.slack.refusals import trouble_of
from loopbot.domain.errors import BrokenAnswer, SystemTrouble, Transient, Uncertain

if TYPE_CHECKING:
    from slack_bolt import App

_PING_SECONDS: Final = 2


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
            # Asking for a socket again does no harm.
            self.close()
            raise Transient(self._calls.system, error.why, after=10.0) from error
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
        client.auto_reconnect_enabled = client.default_auto_reconnect_enabled = False
        client.closed = True
        client.current_session_state.terminated = True
        client.message_queue.put(None)
        open_socket = client.current_session.sock if client.current_session is not None else None
        if open_socket is not None:
            with contextlib.suppress(OSError):
                open_socket.shutdown(socket.SHUT_RDWR)
        handler.close()  # type: ignore[no-untyped-call]
