"""What people see of an answer in Slack: whispered, in a form, on the home tab, in place of buttons, under an address."""

import dataclasses
import logging
from collections.abc import Mapping
from typing import Any, Final

from connectors.slack import blocks, speaking
from connectors.slack.calls import Calls
from connectors.slack.incoming import Press
from loopbot.domain.errors import SystemTrouble
from loopbot.domain.forms import Form
from loopbot.domain.speech import Context, Heard, Message, say

Json = Mapping[str, Any]
_LOG = logging.getLogger(__name__)
_TOO_LATE: Final = say("That took too long to open a form. Try once more.")


class Answering:
    """Shows answers. What can not be shown is in the log; nothing of it is tried again: the person is there to do so."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def whisper(self, body: Json, said: Message) -> None:
        """Tell only the person who spoke."""
        url = str(body.get("response_url") or "")
        if not url:
            channel, user = str((body.get("channel") or {}).get("id", "")), str((body.get("user") or {}).get("id", ""))
            if channel and user:
                self.aside(channel, user, said)
            return
        try:
            self._calls.respond(
                url, {**speaking.message(said), "response_type": "ephemeral", "replace_original": False}
            )
        except SystemTrouble as error:
            _LOG.warning("an answer could not be shown in Slack: %s", error)

    def aside(self, channel: str, user: str, said: Message) -> None:
        """Tell one person in a channel."""
        self._tried("chat.postEphemeral", {"channel": channel, "user": user, **speaking.message(said)})

    def open(self, body: Json, form: Form) -> None:
        """Ask for more; Slack lets a form be opened only within three seconds after somebody did something."""
        view = {"trigger_id": str(body.get("trigger_id", "")), "view": speaking.modal(form)}
        if not self._tried("views.open", view):
            self.whisper(body, _TOO_LATE)

    def show(self, body: Json, said: Message) -> None:
        """Show an answer over the home tab."""
        view = speaking.answer_view("loopbot", said)
        self._tried("views.open", {"trigger_id": str(body.get("trigger_id", "")), "view": view})

    def change(self, view_id: str, said: Message, title: str = "loopbot") -> None:
        """Show an answer in a form that is open."""
        self._tried("views.update", {"view_id": view_id, "view": speaking.answer_view(title, said)})

    def publish(self, user: str, said: Message) -> None:
        """Show somebody their home tab."""
        self._tried("views.publish", {"user_id": user, "view": speaking.home(said)})

    def replace(self, body: Json, press: Press, said: Message) -> None:
        """Show the answer where the buttons were; where the message can not be changed, at least to the person."""
        told = body.get("message") or {}
        channel = str((body.get("channel") or body.get("container") or {}).get("id", ""))
        changed = {
            "channel": channel,
            "ts": str(told.get("ts", "")),
            "text": str(told.get("text", "")),
            "blocks": blocks.answered(told.get("blocks") or [], press.block_id, speaking.note(said)),
            "parse": "none",
            "link_names": False,
        }
        if told.get("metadata"):
            changed["metadata"] = told["metadata"]
        if not self._tried("chat.update", changed):
            self.whisper(body, said)

    def unfurl(self, channel: str, stamp: str, lines: Mapping[str, str]) -> None:
        """One quiet line under each address of a message."""
        shown = {url: {"blocks": speaking.block_kit([Context(line)])} for url, line in lines.items()}
        self._tried("chat.unfurl", {"channel": channel, "ts": stamp, "unfurls": shown})

    def message(self, channel: str, stamp: str) -> Json | None:
        """A message of a channel, also one of a thread; None where it is not there. Raises SystemTrouble."""
        asked = {"channel": channel, "latest": stamp, "oldest": stamp, "inclusive": True, "limit": 1}
        for method, more in (("conversations.history", {}), ("conversations.replies", {"ts": stamp})):
            rows = self._calls.read(method, **asked, **more).get("messages") or []
            found = next((row for row in rows if row.get("ts") == stamp), None)
            if found is not None:
                return dict(found)
        return None

    def located(self, message: Heard) -> Heard:
        """The message with the address that leads to it, where Slack tells one."""
        channel = message.place.rpartition("/")[2]
        try:
            told = self._calls.read("chat.getPermalink", channel=channel, message_ts=message.stamp)
        except SystemTrouble:
            return message
        return dataclasses.replace(message, url=str(told.get("permalink") or ""))

    def _tried(self, method: str, arguments: Mapping[str, object]) -> bool:
        try:
            self._calls.write(method, arguments)
        except SystemTrouble as error:
            _LOG.warning("an answer could not be shown in Slack: %s", error)
            return False
        return True
