"""Articles that no stream reads any more: the configuration opens their knowledge base to nobody, so they are told to nobody."""

from collections.abc import Collection

from loopbot.domain.records import Ref
from loopbot.ports import Cursor
from loopbot.usecases.loop import Loop

_AT_ONCE = 1_000


def let_go(loop: Loop, streams: Collection[str]) -> int:
    """Mark all articles of systems whose articles are not among `streams` as gone; how many they were.

    Nothing else would: a stream that is not configured finds nothing out. Configured again, it reads them anew.
    """
    with loop.store.read() as tx:
        left = [system for system in tx.mirror.systems("article") if f"{system}:article" not in streams]
    done = 0
    for system in left:
        with loop.store.write() as tx:
            refs = [Ref(system, "article", key) for key in tx.mirror.keys(system, "article")]
            for start in range(0, len(refs), _AT_ONCE):
                tx.mirror.gone(refs[start : start + _AT_ONCE])
            tx.cursors.move(f"{system}:article", Cursor(), None)
        done += len(refs)
        loop.witness.noted("articles are not read any more, and offered to nobody", system=system, articles=len(refs))
    return done
