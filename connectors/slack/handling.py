"""What follows from what people do in Slack: the ear is asked, and what it says is shown where they look."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from connectors.slack.answering import Answering
from connectors.slack.calls import Calls
from connectors.slack.directory import Directory
from connectors.slack.incoming import Press, filled_in, heard, pointed_at, press_in
from connectors.slack.remembered import Remembered
from connectors.slack.sayings import NOTED, SORRY, UNKNOWN, asked, told_late, words
from loopbot.domain.errors import Declined
from loopbot.domain.forms import Form, Wrong
from loopbot.domain.records import Person
from loopbot.domain.speech import Message
from loopbot.ports import Ear

Json = Mapping[str, Any]
SHORTCUT: Final = "loopbot_"
"""What the callback ids of the shortcuts in the app's manifest begin with."""


class Handling:
    """One kind of deed a method. Those that are kept get the ear that does them once."""

    def __init__(self, calls: Calls, directory: Directory, ear: Ear, answers: Answering) -> None:
        self._calls, self._directory, self._ear, self._answers = calls, directory, ear, answers
        self._heard = Remembered()

    def command(self, body: Json, ear: Ear) -> None:
        """Someone typed a command."""

        def ask() -> Message | Form:
            person = self._directory.person(str(body.get("user_id", "")), str(body.get("user_name", "")))
            return ear.command(person, str(body.get("text", "")).strip())

        self._told(body, ask)

    def press(self, body: Json, ear: Ear) -> None:
        """Someone pressed a button, or chose from a menu."""
        press = press_in(body)
        if press is None:
            self._answers.whisper(body, UNKNOWN)
            return
        container = body.get("container") or {}
        fleeting = bool(container.get("is_ephemeral")) or container.get("type") == "view"
        person = self._person(body)
        # Whoever clicks twice says the same twice: nothing here remembers it, as another process may have heard what came between.
        said = asked(lambda: ear.answer(person, press.key, press.answer))
        if isinstance(said, Message) and said.blocks:
            self._pressed(body, press, person, said)
        elif said is None:
            self._answers.whisper(body, SORRY)
        elif isinstance(said, Declined):
            self._answers.whisper(body, words(said))
        elif isinstance(said, Form):
            self._answers.open(body, said)
        elif said is not None and fleeting:
            # Where it was asked shows who answered what; here stands only a copy of the question.
            self._pressed(body, press, person, NOTED)

    def _pressed(self, body: Json, press: Press, person: Person, said: Message) -> None:
        view = body.get("view") or {}
        if view.get("type") == "home":
            self._answers.show(body, said)
            self._home(person)
        elif view:
            self._answers.change(str(view.get("id", "")), said)
        elif (body.get("container") or {}).get("is_ephemeral"):
            self._answers.whisper(body, said)
        else:
            self._answers.replace(body, press, said)

    def shortcut(self, body: Json) -> None:
        """Someone chose one of our shortcuts."""
        mark = str(body.get("trigger_id", ""))
        if not self._heard.first(("shortcut", mark)):
            return
        callback = str(body.get("callback_id", "")).removeprefix(SHORTCUT)

        def ask() -> Message | Form:
            person, message = self._person(body), pointed_at(self._calls.system, body, self._directory.person)
            if message is not None:
                message = self._answers.located(message)
            return self._ear.shortcut(person, callback, message)

        self._told(body, ask)

    def late_form(self, body: Json, ear: Ear) -> None:
        """A form that another process was sent; it may be open still."""
        view_id, title = form_of(body)
        self._answers.change(view_id, told_late(self.submitted(body, ear)), title)

    def submitted(self, body: Json, ear: Ear) -> Message | Wrong:
        """What a form came to that somebody sent."""
        said = asked(lambda: ear.submitted(self._person(body), filled_in(body, self._directory.person)))
        return said if isinstance(said, Message | Wrong) else words(said)

    def home(self, body: Json) -> None:
        """Someone opened our home tab."""
        event = body.get("event") or {}
        if event.get("tab", "home") == "home" and self._heard.first(("event", str(body.get("event_id", "")))):
            self._home(self._directory.person(str(event.get("user", ""))))

    def _home(self, person: Person) -> None:
        said = asked(lambda: self._ear.home(person))
        self._answers.publish(person.key, words(said))

    def counts(self, body: Json) -> bool:
        """Whether a reaction is of account; most are not, and are not kept."""
        event = body.get("event") or {}
        emoji = str(event.get("reaction", "")).partition("::")[0]
        return (event.get("item") or {}).get("type") == "message" and emoji in self._ear.emojis()

    def reaction(self, body: Json, ear: Ear) -> None:
        """Someone reacted to a message."""
        event = body.get("event") or {}
        item, emoji = event.get("item") or {}, str(event.get("reaction", "")).partition("::")[0]
        channel, stamp, user = str(item.get("channel", "")), str(item.get("ts", "")), str(event.get("user", ""))
        told = asked(lambda: self._answers.message(channel, stamp))
        if not isinstance(told, dict) or told.get("bot_id"):
            return
        message = heard(self._calls.system, str(body.get("team_id", "")), channel, told, self._directory.person)
        person = self._directory.person(user)
        said = asked(lambda: ear.reaction(person, emoji, self._answers.located(message)))
        if said is not None:
            self._answers.aside(channel, user, words(said))

    def links(self, body: Json) -> None:
        """Someone shared addresses."""
        event = body.get("event") or {}
        mark = str(body.get("event_id", ""))
        # Who reads along in a channel shared with others is not known here.
        if (
            body.get("is_ext_shared_channel")
            or event.get("source") == "composer"
            or not self._heard.first(("event", mark))
        ):
            return
        urls = [str(one.get("url", "")) for one in event.get("links") or [] if one.get("url")][:20]

        def ask() -> Mapping[str, str]:
            person = self._directory.person(str(event.get("user", "")))
            return self._ear.link_shared(person, urls) if self._new("event", mark) else {}

        lines = asked(ask)
        if lines and not isinstance(lines, Declined):
            self._answers.unfurl(str(event.get("channel", "")), str(event.get("message_ts", "")), lines)

    # ------------------------------------------------------------------ what was heard

    def _told(self, body: Json, ask: Callable[[], Message | Form]) -> None:
        said = asked(ask)
        if isinstance(said, Form):
            self._answers.open(body, said)
        else:
            self._answers.whisper(body, words(said))

    def _person(self, body: Json) -> Person:
        told = body.get("user") or {}
        return self._directory.person(str(told.get("id", "")), str(told.get("name", "")))

    def _new(self, kind: str, mark: str) -> bool:
        """Whether no process heard it before; what has no id of its own counts as new."""
        return not mark or self._ear.first(f"{self._calls.system}:{kind}:{mark}")


def form_of(body: Json) -> tuple[str, str]:
    """A form's id and title."""
    view = body.get("view") or {}
    return str(view.get("id", "")), str((view.get("title") or {}).get("text", "loopbot"))
