"""What people do in Slack, handed to the ear: commands, presses, forms, shortcuts, reactions, shared addresses, the home tab.

Everything is acked before any work, by threads that do nothing else, so that it is acked in time also where the store is
locked or a system hangs; the work waits in a pool of its own, bounded. Slack delivers again what it missed the ack of,
to another socket perhaps, and people press twice: what was heard is remembered, here and (by Slack's own ids) in the store.
"""

import logging
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, Any, Final, TypeVar

from connectors.slack import blocks, speaking
from connectors.slack.answering import Answering
from connectors.slack.calls import Calls
from connectors.slack.directory import Directory
from connectors.slack.incoming import Press, filled_in, heard, pointed_at, press_in
from loopbot.domain.errors import Declined, LoopbotError
from loopbot.domain.forms import Form, Wrong
from loopbot.domain.records import Person
from loopbot.domain.speech import Message, say
from loopbot.ports import Ear

if TYPE_CHECKING:
    from slack_bolt import Ack, App

T = TypeVar("T")
Json = Mapping[str, Any]
_LOG = logging.getLogger(__name__)
SHORTCUT: Final = "loopbot_"
"""What the callback ids of the shortcuts in the app's manifest begin with."""
_REMEMBERED: Final = 5_000
_WORKERS: Final = 8
_WAITING: Final = 200
# How long a form may wait to be told what is wrong in it: Slack waits three seconds for the ack.
_FORM_SECONDS: Final = 1.8
_FORMS_AT_ONCE: Final = 4
_NOTED: Final = say("Noted. Where it was asked, everybody sees it.")
_SORRY: Final = say("That did not work. The reason is in the log of loopbot; try again later.")
_BUSY: Final = say("loopbot has too much to do right now. Try again in a minute.")
_UNKNOWN: Final = say("This button is from another time; loopbot does not know it any more.")
_NOTING: Final = say("This takes a moment longer than usual; it is being noted.")


class Listening:
    """One ear: a Bolt app and the pool that does its work, until it is closed. `told` is what auth.test said of the bot."""

    def __init__(
        self,
        calls: Calls,
        directory: Directory,
        ear: Ear,
        command: str,
        told: Json,
        threads: Callable[[int, str], Executor],
    ) -> None:
        self._calls, self._directory, self._ear, self._command = calls, directory, ear, command
        self._answers = Answering(calls)
        self._heard: OrderedDict[tuple[str, ...], None] = OrderedDict()
        self._lock = threading.Lock()
        self._acks, self._work = threads(_WORKERS, "slack-ack"), threads(_WORKERS, "slack-ear")
        self._room = threading.BoundedSemaphore(_WAITING)
        self._forms = threading.BoundedSemaphore(_FORMS_AT_ONCE)
        self.app = self._app(told)

    def close(self) -> None:
        """Take nothing more, and let work that has begun come to its end."""
        self._acks.shutdown(wait=True)
        self._work.shutdown(wait=True)

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
            listener_executor=self._acks,
        )
        app.command(self._command)(self._acked(self._on_command))
        app.action(re.compile(f"^{re.escape(blocks.ACTION)}"))(self._acked(self._on_press))
        app.shortcut(re.compile(f"^{re.escape(SHORTCUT)}"))(self._acked(self._on_shortcut))
        app.view(re.compile(f"^{re.escape(speaking.FORM)}"))(self._on_form)
        app.event("app_home_opened")(self._acked(self._on_home))
        app.event("reaction_added")(self._acked(self._on_reaction))
        app.event("link_shared")(self._acked(self._on_links))
        app.event(re.compile(".*"))(_ignored)
        return app

    # ------------------------------------------------------------------ from the ack to the work

    def _acked(self, work: Callable[[Json], None]) -> "Callable[[Ack, Json], None]":
        # Bolt hands a listener what its parameters' names ask for.
        def listener(ack: "Ack", body: Json) -> None:
            ack()
            if not self._later(lambda: work(body)):
                self._answers.whisper(body, _BUSY)

        return listener

    def _later(self, work: Callable[[], object]) -> bool:
        """Do it in the pool; False where too much waits there."""
        if not self._room.acquire(blocking=False):
            _LOG.warning("too much of what people say in Slack waits: something was turned away")
            return False

        def done() -> None:
            try:
                work()
            except Exception:  # noqa: BLE001 - whatever failed, what others say is still heard, and the log says what
                _LOG.exception("what somebody did in Slack could not be taken")
            finally:
                self._room.release()

        try:
            self._work.submit(done)
        except RuntimeError:
            # The pool is closed: the daemon stops, and Slack sends it again to the next one.
            self._room.release()
            return False
        return True

    def _asked(self, ask: Callable[[], T]) -> T | Declined | None:
        try:
            return ask()
        except Declined as no:
            return no
        except LoopbotError as error:
            _LOG.warning("what somebody said in Slack could not be taken: %s", error)
        except Exception:  # noqa: BLE001 - whatever failed behind the ear, the person is told, and the log says what
            _LOG.exception("what somebody said in Slack could not be taken")
        return None

    # ------------------------------------------------------------------ what people do

    def _on_command(self, body: Json) -> None:
        user, mark = str(body.get("user_id", "")), str(body.get("trigger_id", ""))
        if not self._first(("command", user, mark)):
            return

        def ask() -> Message | Form | None:
            if not self._new("command", mark):
                return None
            person = self._directory.person(user, str(body.get("user_name", "")))
            return self._ear.command(person, str(body.get("text", "")).strip())

        self._told(body, ask)

    def _on_press(self, body: Json) -> None:
        press = press_in(body)
        user, stamp = str((body.get("user") or {}).get("id", "")), str((body.get("message") or {}).get("ts", ""))
        if press is None:
            self._answers.whisper(body, _UNKNOWN)
            return
        container = body.get("container") or {}
        fleeting = bool(container.get("is_ephemeral")) or container.get("type") == "view"
        # What stands only for one person may be pressed again, an hour later.
        mark = ("press", user, press.key, press.answer, str(body.get("trigger_id", "")) if fleeting else stamp)
        at = str((body.get("actions") or [{}])[0].get("action_ts", ""))
        this = (*mark, at)
        if not self._first(this) or not self._first(mark):
            return
        person = self._person(body)

        def ask() -> Message | Form:
            # Delivered again, perhaps to another process, and perhaps after the answer was taken back: said once all the same.
            heard_before = bool(at) and not self._new("press", f"{user}:{at}:{press.key}:{press.answer}")
            return Message(()) if heard_before else self._ear.answer(person, press.key, press.answer)

        said = self._asked(ask)
        if said is None:
            self._again(this)
            self._answers.whisper(body, _SORRY)
        if isinstance(said, Message) and said.blocks:
            self._pressed(body, press, person, said)
            return
        # The button stands there still (or stands there again once the message is brought up to date): it may be pressed again.
        self._again(mark)
        if isinstance(said, Declined):
            self._answers.whisper(body, say(str(said)))
        elif isinstance(said, Form):
            self._answers.open(body, said)
        elif said is not None and fleeting:
            # Where it was asked shows who answered what; here stands only a copy of the question.
            self._pressed(body, press, person, _NOTED)

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

    def _on_shortcut(self, body: Json) -> None:
        mark = str(body.get("trigger_id", ""))
        if not self._first(("shortcut", mark)):
            return
        callback = str(body.get("callback_id", "")).removeprefix(SHORTCUT)

        def ask() -> Message | Form:
            person, message = self._person(body), pointed_at(self._calls.system, body, self._directory.person)
            if message is not None:
                message = self._answers.located(message)
            return self._ear.shortcut(person, callback, message)

        self._told(body, ask)

    def _on_form(self, ack: "Ack", body: Json) -> None:
        """A form is acked with what is wrong in it or what came of it; where that takes too long, it is told so and told later."""
        view = body.get("view") or {}
        view_id, title = str(view.get("id", "")), str((view.get("title") or {}).get("text", "loopbot"))
        done: Future[Message | Wrong] = Future()
        if not self._later(lambda: done.set_result(self._submitted(body))):
            ack(response_action="update", view=speaking.answer_view(title, _BUSY))
            return
        if not self._forms.acquire(blocking=False):
            said: Message | Wrong | None = None
        else:
            try:
                said = done.result(_FORM_SECONDS)
            except TimeoutError:
                said = None
            finally:
                self._forms.release()
        if said is None:
            ack(response_action="update", view=speaking.answer_view(title, _NOTING))
            done.add_done_callback(lambda one: self._answers.change(view_id, _told_late(one.result()), title))
        elif isinstance(said, Wrong):
            ack(response_action="errors", errors=dict(said.errors))
        else:
            ack(response_action="update", view=speaking.answer_view(title, said))

    def _submitted(self, body: Json) -> Message | Wrong:
        said = self._asked(lambda: self._ear.submitted(self._person(body), filled_in(body, self._directory.person)))
        return said if isinstance(said, Message | Wrong) else _words(said)

    def _on_home(self, body: Json) -> None:
        event = body.get("event") or {}
        if event.get("tab", "home") == "home" and self._first(("event", str(body.get("event_id", "")))):
            self._home(self._directory.person(str(event.get("user", ""))))

    def _home(self, person: Person) -> None:
        said = self._asked(lambda: self._ear.home(person))
        self._answers.publish(person.key, _words(said))

    def _on_reaction(self, body: Json) -> None:
        event = body.get("event") or {}
        item, emoji = event.get("item") or {}, str(event.get("reaction", "")).partition("::")[0]
        if item.get("type") != "message" or emoji not in self._ear.emojis():
            return
        if not self._first(("event", str(body.get("event_id", "")))):
            return
        channel, stamp, user = str(item.get("channel", "")), str(item.get("ts", "")), str(event.get("user", ""))
        told = self._asked(lambda: self._answers.message(channel, stamp))
        if not isinstance(told, dict) or told.get("bot_id"):
            return
        message = heard(self._calls.system, str(body.get("team_id", "")), channel, told, self._directory.person)
        person = self._directory.person(user)
        said = self._asked(lambda: self._ear.reaction(person, emoji, self._answers.located(message)))
        if said is not None:
            self._answers.aside(channel, user, _words(said))

    def _on_links(self, body: Json) -> None:
        event = body.get("event") or {}
        mark = str(body.get("event_id", ""))
        # Who reads along in a channel shared with others is not known here.
        if body.get("is_ext_shared_channel") or event.get("source") == "composer" or not self._first(("event", mark)):
            return
        urls = [str(one.get("url", "")) for one in event.get("links") or [] if one.get("url")][:20]

        def ask() -> Mapping[str, str]:
            person = self._directory.person(str(event.get("user", "")))
            return self._ear.link_shared(person, urls) if self._new("event", mark) else {}

        lines = self._asked(ask)
        if lines and not isinstance(lines, Declined):
            self._answers.unfurl(str(event.get("channel", "")), str(event.get("message_ts", "")), lines)

    # ------------------------------------------------------------------ what was heard

    def _told(self, body: Json, ask: Callable[[], Message | Form | None]) -> None:
        asked_for = True

        def counted() -> Message | Form | None:
            nonlocal asked_for
            said = ask()
            asked_for = said is not None
            return said

        said = self._asked(counted)
        if isinstance(said, Form):
            self._answers.open(body, said)
        elif asked_for:
            self._answers.whisper(body, _words(said))

    def _person(self, body: Json) -> Person:
        told = body.get("user") or {}
        return self._directory.person(str(told.get("id", "")), str(told.get("name", "")))

    def _first(self, mark: tuple[str, ...]) -> bool:
        """Whether this process did not hear it before."""
        with self._lock:
            if mark in self._heard:
                return False
            self._heard[mark] = None
            while len(self._heard) > _REMEMBERED:
                self._heard.popitem(last=False)
            return True

    def _new(self, kind: str, mark: str) -> bool:
        """Whether no process heard it before; what has no id of its own counts as new."""
        return not mark or self._ear.first(f"{self._calls.system}:{kind}:{mark}")

    def _again(self, mark: tuple[str, ...]) -> None:
        """It was not handled after all: the same press may come again."""
        with self._lock:
            self._heard.pop(mark, None)


def _ignored(ack: "Ack") -> None:
    ack()


def _words(said: Message | Declined | None) -> Message:
    """What is shown of an answer, also where there is none."""
    return said if isinstance(said, Message) else say(str(said)) if said is not None else _SORRY


def _told_late(said: Message | Wrong) -> Message:
    if isinstance(said, Message):
        return said
    return say("It was not taken: " + " ".join(said.errors.values()) + " Open the form once more.")
