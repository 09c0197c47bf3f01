"""Doing once what somebody did in a chat: it is kept before the chat hears so, and ends with the first thing that is written for it."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace

from loopbot.ports import HeardAlreadyError, Kept, Store, Tx, Unmapped
from loopbot.usecases.loop import Loop

_OURS = 60.0
"""Seconds for which what was heard is the hearer's to do."""
_TRIES = 5


def keep(loop: Loop, kept: Kept) -> bool:
    """Keep it for this process to do, without what must not be kept; False where any node kept it before."""
    with loop.store.write() as tx:
        return tx.heard.keep(replace(kept, body=loop.redacted(kept.body)), _OURS)


def left(loop: Loop, system: str) -> list[Kept]:
    """What was kept and not done in time, now the caller's to do. What was tried often enough is set aside, and shown."""
    with loop.store.read() as tx:
        if not tx.heard.waits(system):
            return []
    with loop.store.write() as tx:
        found = tx.heard.left(system, _OURS)
        for kept in [kept for kept, tries in found if tries >= _TRIES]:
            tx.heard.end(kept.name)
            why = f"what somebody did in the chat ({kept.kind}) could not be taken, {_TRIES} times over"
            tx.quarantine(f"chat:{system}", [Unmapped(kept.name, why, kept.kind)])
    taken = [kept for kept, tries in found if tries < _TRIES]
    if taken:
        loop.witness.noted("what another process had heard is taken on", system=system, number=len(taken))
    return taken


def end(loop: Loop, delivery: str) -> None:
    """There is nothing more to do about it, also where nothing was written for it."""
    with loop.store.read() as tx:
        if not tx.heard.open(delivery):
            return
    with loop.store.write() as tx:
        tx.heard.end(delivery, said_nothing=True)


class OnceStore:
    """A store for what follows from one delivery. Implements ports.Store.

    The first transaction that commits also ends the delivery: whoever comes to it later, after a death or beside us, raises
    HeardAlreadyError instead of doing it again. What only looks ends nothing.
    """

    def __init__(self, store: Store, delivery: str) -> None:
        self._store, self._delivery, self._ended = store, delivery, False

    @property
    def shared(self) -> bool:
        """As the store's."""
        return self._store.shared

    @contextmanager
    def write(self, *, keep: bool = True) -> Iterator[Tx]:
        """A transaction; the first one ends the delivery. Raises HeardAlreadyError."""
        first = keep and not self._ended
        with self._store.write(keep=keep) as tx:
            if first and not tx.heard.end(self._delivery):
                raise HeardAlreadyError(self._delivery)
            yield tx
        self._ended = self._ended or first

    def read(self) -> AbstractContextManager[Tx]:
        """As the store's."""
        return self._store.read()

    def short_of_room(self) -> str:
        """As the store's."""
        return self._store.short_of_room()

    def close(self) -> None:
        """Nothing: the store is not ours."""
