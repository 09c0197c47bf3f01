"""What people do in Slack, handed to the ear: commands, presses, forms, shortcuts, reactions, shared addresses, the home tab.

What people say is kept in the store, then acked, then done (keeping.py); what they only look at is acked at once. The threads that
ack do nothing else, so that it is acked in time also where the store is locked or a system hangs; the work waits in a pool of
its own, bounded. Slack delivers again what it missed the ack of, to another socket perhaps, and people press twice.
"""

import contextlib
import logging
import re
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, Any, Final

from connectors.slack import blocks, speaking
from connectors.slack.answering import Answering
from connectors.slack.calls import Calls
from connectors.slack.directory import Directory
from connectors.slack.incoming import Press, filled_in, heard, pointed_at, press_in
from connectors.slack.keeping import Delivery, Keeping
from connectors.slack.remembered import Remembered
from connectors.slack.sayings import BUSY, HEARD, NOTED, NOTING, SORRY, UNKNOWN, asked, told_late, words
from loopbot.domain.errors import Declined
from loopbot.domain.forms import Form, Wrong
from loopbot.domain.records import Person
from loopbot.domain.speech import Message
from loopbot.ports import Ear, HeardAlreadyError

if TYPE_CHECKING:
    from slack_bolt import Ack, App

Json = Mapping[str, Any]
_LOG = logging.getLogger(__name__)
SHORTCUT: Final = "loopbot_"
"""What the callback ids of the shortcuts in the app's manifest begin with."""
_WORKERS: Final = 8
_WAITING: Final = 200
# How long a form may wait to be told what is wrong in it: Slack waits three seconds for the ack.
_FORM_SECONDS: Final = 1.8
_FORMS_AT_ONCE: Final = 4


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
        self._answers, self._keeping = Answering(calls), Keeping(calls.system, ear, threads)
        self._heard = Remembered()
        self._acks, self._work = threads(_WORKERS, "slack-ack"), threads(_WORKERS, "slack-ear")
        self._room = threading.BoundedSemaphore(_WAITING)
        self._forms = threading.BoundedSemaphore(_FORMS_AT_ONCE)
        self.app = self._app(told)

    def close(self) -> None:
        """Take nothing more, and let work that has begun come to its end."""
        self._acks.shutdown(wait=True)
        self._work.shutdown(wait=True)
        self._keeping.close()

    def resume(self) -> None:
        """Do what another process had heard and did not do."""
        for one in self._keeping.left():
            self._later(lambda one=one: self._do(one))  # type: ignore[misc]

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
        app.command(self._command)(self._kept("command"))
        app.action(re.compile(f"^{re.escape(blocks.ACTION)}"))(self._kept("press"))
        app.shortcut(re.compile(f"^{re.escape(SHORTCUT)}"))(self._acked(self._on_shortcut))
        app.view(re.compile(f"^{re.escape(speaking.FORM)}"))(self._on_form)
        app.event("app_home_opened")(self._acked(self._on_home))
        app.event("reaction_added")(self._kept("event", self._counts))
        app.event("link_shared")(self._acked(self._on_links))
        app.event(re.compile(".*"))(_ignored)
        return app

    # ------------------------------------------------------------------ from the ack to the work

    def _acked(self, work: Callable[[Json], None]) -> "Callable[[Ack, Json], None]":
        # Bolt hands a listener what its parameters' names ask for.
        def listener(ack: "Ack", body: Json) -> None:
            ack()
            if not self._later(lambda: work(body)):
                self._answers.whisper(body, BUSY)

        return listener

    def _kept(self, kind: str, counts: Callable[[Json], bool] = lambda _: True) -> "Callable[[Ack, Json], None]":
        def listener(ack: "Ack", body: Json) -> None:
            if not counts(body):
                ack()
                return
            one = self._keeping.delivered(kind, body)
            kept = self._keeping.keep(one)
            if kept.done() and kept.exception() is not None:
                # Not acked: whoever did it sees so at once, and Slack delivers it again.
                _LOG.warning("what somebody did in Slack could not be kept: %s", kept.exception())
                return
            ack()
            if kept.done() and not kept.result():
                return
            if not self._later(lambda: self._do_when(one, kept)):
                self._answers.whisper(body, NOTING if one.name else BUSY)

        return listener

    def _do_when(self, one: Delivery, kept: "Future[bool]") -> None:
        """Do it as soon as it is kept, where it is new."""
        try:
            new = kept.result()
        except Exception:
            # It was acked before that was known.
            self._answers.whisper(one.body, SORRY)
            raise
        if new:
            self._do(one)

    def _do(self, one: Delivery) -> None:
        do = {
            "command": self._on_command,
            "press": self._on_press,
            "form": self._on_late_form,
            "event": self._on_reaction,
        }[one.kind]
        with contextlib.suppress(HeardAlreadyError), self._keeping.doing(one) as ear:
            do(one.body, ear)

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

    # ------------------------------------------------------------------ what people do

    def _on_command(self, body: Json, ear: Ear) -> None:
        def ask() -> Message | Form:
            person = self._directory.person(str(body.get("user_id", "")), str(body.get("user_name", "")))
            return ear.command(person, str(body.get("text", "")).strip())

        self._told(body, ask)

    def _on_press(self, body: Json, ear: Ear) -> None:
        press = press_in(body)
        user, stamp = str((body.get("user") or {}).get("id", "")), str((body.get("message") or {}).get("ts", ""))
        if press is None:
            self._answers.whisper(body, UNKNOWN)
            return
        container = body.get("container") or {}
        fleeting = bool(container.get("is_ephemeral")) or container.get("type") == "view"
        # What stands only for one person may be pressed again, an hour later.
        mark = ("press", user, press.key, str(body.get("trigger_id", "")) if fleeting else stamp)
        # The same answer again is a double click, unless another one was given in between.
        if not self._heard.first(mark, press.answer):
            return
        person = self._person(body)
        try:
            said = asked(lambda: ear.answer(person, press.key, press.answer))
        except HeardAlreadyError:
            self._heard.again(mark)
            raise
        if isinstance(said, Message) and said.blocks:
            self._pressed(body, press, person, said)
            return
        # The button stands there still (or stands there again once the message is brought up to date): it may be pressed again,
        # as soon as the person is told.
        self._heard.again(mark)
        if said is None:
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

    def _on_shortcut(self, body: Json) -> None:
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

    def _on_form(self, ack: "Ack", body: Json) -> None:
        """A form is acked with what is wrong in it or what came of it; where that takes too long, it is told so and told later."""
        view_id, title = _form_of(body)
        one = self._keeping.delivered("form", body)
        kept = self._keeping.keep(one)
        if kept.done() and kept.exception() is not None:
            _LOG.warning("a form could not be kept: %s", kept.exception())
            return
        done: Future[Message | Wrong] = Future()
        if not self._later(lambda: done.set_result(self._taken(one, kept))):
            ack(response_action="update", view=speaking.answer_view(title, NOTING if one.name else BUSY))
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
            ack(response_action="update", view=speaking.answer_view(title, NOTING))
            done.add_done_callback(lambda one: self._answers.change(view_id, told_late(one.result()), title))
        elif isinstance(said, Wrong):
            ack(response_action="errors", errors=dict(said.errors))
        else:
            ack(response_action="update", view=speaking.answer_view(title, said))

    def _taken(self, one: Delivery, kept: "Future[bool]") -> Message | Wrong:
        """What a form came to; one that was delivered again comes to nothing new."""
        try:
            if not kept.result():
                return HEARD
            with self._keeping.doing(one) as ear:
                return self._submitted(one.body, ear)
        except HeardAlreadyError:
            return HEARD
        except Exception:  # noqa: BLE001 - whatever failed, whoever sent it is told, and the log says what
            _LOG.exception("a form could not be taken")
            return SORRY

    def _on_late_form(self, body: Json, ear: Ear) -> None:
        """A form that another process was sent; it may be open still."""
        view_id, title = _form_of(body)
        self._answers.change(view_id, told_late(self._submitted(body, ear)), title)

    def _submitted(self, body: Json, ear: Ear) -> Message | Wrong:
        said = asked(lambda: ear.submitted(self._person(body), filled_in(body, self._directory.person)))
        return said if isinstance(said, Message | Wrong) else words(said)

    def _on_home(self, body: Json) -> None:
        event = body.get("event") or {}
        if event.get("tab", "home") == "home" and self._heard.first(("event", str(body.get("event_id", "")))):
            self._home(self._directory.person(str(event.get("user", ""))))

    def _home(self, person: Person) -> None:
        said = asked(lambda: self._ear.home(person))
        self._answers.publish(person.key, words(said))

    def _counts(self, body: Json) -> bool:
        """Whether a reaction is of account; most are not, and are not kept."""
        event = body.get("event") or {}
        emoji = str(event.get("reaction", "")).partition("::")[0]
        return (event.get("item") or {}).get("type") == "message" and emoji in self._ear.emojis()

    def _on_reaction(self, body: Json, ear: Ear) -> None:
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

    def _on_links(self, body: Json) -> None:
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


def _form_of(body: Json) -> tuple[str, str]:
    """A form's id and title."""
    view = body.get("view") or {}
    return str(view.get("id", "")), str((view.get("title") or {}).get("text", "loopbot"))


def _ignored(ack: "Ack") -> None:
    ack()
