"""Whose turn it is to read a stream: one reading at a time, each with a holder of its own, so that none ends another's.

A sweep may take hours, and what is new must not wait for it. Whoever comes to read while one is under way leaves word, on
any node; the sweep looks for word between two of its pages and reads what is new, in its own turn, before it goes on.
"""

from loopbot.ports import Lease, Tx
from loopbot.usecases.loop import Loop, poll_lease

_SWEEPS = " (sweep)"
_WORD = "to-be-read:"


def take_turn(loop: Loop, tx: Tx, stream: str, *, sweep: bool) -> Lease | None:
    """The right to read the stream alone; None where it is somebody else's. A sweep that is under way is left word then."""
    holder = f"{loop.holder}/{next(loop.turns)}{_SWEEPS if sweep else ''}"
    lease = tx.leases.take(poll_lease(stream), holder, loop.waits.lease)
    if lease is None and not sweep and swept_now(tx, stream):
        tx.remember(_WORD + stream, holder)
    return lease


def swept_now(tx: Tx, stream: str) -> bool:
    """Whether a sweep of the stream is under way."""
    lease = tx.leases.holder(poll_lease(stream))
    return lease is not None and lease.holder.endswith(_SWEEPS)


def word(tx: Tx, stream: str) -> str:
    """The last word that was left for a sweep of the stream: differs each time."""
    return tx.recall(_WORD + stream) or ""
