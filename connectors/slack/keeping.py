"""What people did in Slack, kept before it is acked: by which name it is known again, and what another process takes on after a death.

Slack waits three seconds for an ack. A store that answers later than that is locked, by a restore or a disk: then the ack goes
first, and what was heard is kept as soon as that is possible.
"""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import orjson

from connectors.slack.incoming import press_in
from loopbot.ports import Ear, Kept

Json = Mapping[str, Any]
_LOG = logging.getLogger(__name__)
_WORKERS: Final = 4
_SECONDS: Final = 1.0
_HASTY: Final = 0.05
# The verification token of old: nothing relies on it.
_NOT_KEPT: Final = frozenset({"token"})
_CONTEXT: Final = "\x1f"


@dataclass(frozen=True, slots=True)
class Delivery:
    """Something that came: what it is, the name by which it is known again ("": none), and whose words about what it holds."""

    kind: str
    name: str
    about: str
    body: Json


class Keeping:
    """Keeps what one ear hears."""

    def __init__(self, system: str, ear: Ear, threads: Callable[[int, str], Executor]) -> None:
        self._system, self._ear = system, ear
        self._pool = threads(_WORKERS, "slack-keep")
        self._under_way: set[str] = set()
        self._overdue = 0
        self._lock = threading.Lock()

    def close(self) -> None:
        """Let what is being kept come to its end."""
        self._pool.shutdown(wait=True)

    def delivered(self, kind: str, body: Json) -> Delivery:
        """What came, under the name that it keeps when it is delivered again."""
        mark = _MARKS[kind](body)
        user = str((body.get("user") or {}).get("id", "") or body.get("user_id", ""))
        name = f"{self._system}:{kind}:{user}:{mark}" if mark else ""
        subject = _subject(kind, body)
        return Delivery(kind, name, f"{user}:{subject}" if subject else "", body)

    def keep(self, one: Delivery) -> "Future[bool]":
        """Keep it, and wait for that for a moment; whether it is new. What has no name counts as new, and is not kept."""
        if not one.name:
            new: Future[bool] = Future()
            new.set_result(True)
            return new
        body = orjson.dumps({key: value for key, value in one.body.items() if key not in _NOT_KEPT}).decode()
        kept = Kept(one.name, self._system, one.kind, body, one.about)
        done = self._pool.submit(self._ear.keep, kept)
        try:
            done.exception(_HASTY if self._overdue else _SECONDS)
        except TimeoutError:
            _LOG.warning("the store is slow: what somebody did in Slack is acked before it is kept")
            with self._lock:
                self._overdue += 1
            done.add_done_callback(self._caught_up)
        return done

    @contextmanager
    def doing(self, one: Delivery) -> Iterator[Ear]:
        """The ear that does what follows from it, once; at the end of the block there is nothing more to do, or it raised."""
        if not one.name:
            yield self._ear
            return
        with self._lock:
            self._under_way.add(one.name)
        try:
            yield self._ear.once(one.name)
            self._ear.end(one.name)
        finally:
            with self._lock:
                self._under_way.discard(one.name)

    def left(self) -> Iterator[Delivery]:
        """What another process had heard and did not do; what is under way here is not left."""
        for kept in self._ear.left(self._system):
            with self._lock:
                if kept.name in self._under_way:
                    continue
            try:
                body = orjson.loads(kept.body)
            except orjson.JSONDecodeError:
                _LOG.warning("what was kept of a %s can not be read any more", kept.kind)
                continue
            yield Delivery(kept.kind, kept.name, kept.about, body)

    def _caught_up(self, _done: "Future[bool]") -> None:
        with self._lock:
            self._overdue -= 1


def _of_press(body: Json) -> str:
    press = press_in(body)
    at = str((body.get("actions") or [{}])[0].get("action_ts", "") or body.get("trigger_id", ""))
    return f"{at}:{press.key}:{press.answer}" if press is not None and at else at


def _of_form(body: Json) -> str:
    view = body.get("view") or {}
    return str(body.get("trigger_id", "")) or ":".join(str(view.get(name, "")) for name in ("id", "hash"))


def _of_trigger(body: Json) -> str:
    return str(body.get("trigger_id", ""))


def _of_event(body: Json) -> str:
    return str(body.get("event_id", ""))


def _subject(kind: str, body: Json) -> str:
    """Under which message or question it was said: the last word under one counts."""
    if kind == "press":
        press = press_in(body)
        return press.key if press is not None else ""
    if kind != "form":
        return ""
    try:
        told = orjson.loads((body.get("view") or {}).get("private_metadata") or "{}")
    except orjson.JSONDecodeError:
        return ""
    return str(told.get("context", "")).partition(_CONTEXT)[0] if isinstance(told, dict) else ""


_MARKS: Final[Mapping[str, Callable[[Json], str]]] = {
    "press": _of_press,
    "form": _of_form,
    "command": _of_trigger,
    "event": _of_event,
}
