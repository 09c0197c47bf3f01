"""What people do in Slack, taken in: commands, presses, forms, shortcuts, reactions, shared addresses, the home tab.

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
from connectors.slack.handling import SHORTCUT, Handling, form_of
from connectors.slack.keeping import Delivery, Keeping
from connectors.slack.sayings import BUSY, HEARD, NOTING, SORRY, told_late
from loopbot.domain.forms import Wrong
from loopbot.domain.speech import Message
from loopbot.ports import Ear, HeardAlreadyError

if TYPE_CHECKING:
    from slack_bolt import Ack, App

Json = Mapping[str, Any]
_LOG = logging.getLogger(__name__)
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
        self._calls, self._command, self._answers = calls, command, Answering(calls)
        self._handling = Handling(calls, directory, ear, self._answers)
        self._keeping = Keeping(calls.system, ear, threads)
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
        app.shortcut(re.compile(f"^{re.escape(SHORTCUT)}"))(self._acked(self._handling.shortcut))
        app.view(re.compile(f"^{re.escape(speaking.FORM)}"))(self._on_form)
        app.event("app_home_opened")(self._acked(self._handling.home))
        app.event("reaction_added")(self._kept("event", self._handling.counts))
        app.event("link_shared")(self._acked(self._handling.links))
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
            "command": self._handling.command,
            "press": self._handling.press,
            "form": self._handling.late_form,
            "event": self._handling.reaction,
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

    def _on_form(self, ack: "Ack", body: Json) -> None:
        """A form is acked with what is wrong in it or what came of it; where that takes too long, it is told so and told later."""
        view_id, title = form_of(body)
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
                return self._handling.submitted(one.body, ear)
        except HeardAlreadyError:
            return HEARD
        except Exception:  # noqa: BLE001 - whatever failed, whoever sent it is told, and the log says what
            _LOG.exception("a form could not be taken")
            return SORRY


def _ignored(ack: "Ack") -> None:
    ack()
