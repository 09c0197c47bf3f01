"""After a restore: how long what is planned is looked for before it is sent."""

from collections.abc import Collection
from datetime import timedelta

from loopbot.usecases.loop import Loop

# Rules that waited, and effects that follow from effects, may still repeat what was done in the lost time.
LASTS = timedelta(hours=24)


def settle_down(loop: Loop, streams: Collection[str]) -> bool:
    """End the doubt once a day has passed and every stream was read to its end since; true when it ended now."""
    with loop.store.read() as tx:
        span = tx.outbox.doubted()
        if span is None:
            return False
        enough = span[1] + LASTS
        if tx.now() < enough:
            return False
        for stream in streams:
            if not any(cycle.complete and cycle.started_at >= enough for cycle in tx.cursors.cycles(stream, 5)):
                return False
    with loop.store.write() as tx:
        tx.outbox.trust()
    loop.witness.noted("what is planned is new again: the time lost by the restore has been gone through")
    return True
