"""What trackers show of how much items matter, kept current: a weight moves by what others report, when nothing of the item changes.

So the rules that show one look at every open item again when the bell rings. They plan the same effects as ever: what is shown
is written anew only where the weight has moved by much (`SetFields.keep_current`), and nothing is asked of any system.
"""

from collections.abc import Callable
from typing import Final

from loopbot.domain.records import Ref
from loopbot.usecases.enact import judge_again
from loopbot.usecases.loop import Loop

WEIGH: Final = "weights"
"""The bell at which they are looked at."""
_PAGE: Final = 100


def look_at_weights(loop: Loop, enough: Callable[[], bool] = lambda: False) -> frozenset[str]:
    """Let the rules that show a weight look at every open item; returns the systems that have something to write now.

    A page of items is one transaction; `enough` ends it after the page it is at.
    """
    rules = [rule for rule in loop.rules.rules if rule.keeps_current]
    kinds = sorted({kind for rule in rules for kind in rule.on})
    systems: set[str] = set()
    with loop.store.read() as tx:
        refs = [ref for kind in kinds for ref in tx.mirror.unfinished(kind)]
    for start in range(0, len(refs), _PAGE):
        if enough():
            break
        systems |= _looked_at(loop, refs[start : start + _PAGE])
    return frozenset(systems)


def _looked_at(loop: Loop, refs: list[Ref]) -> set[str]:
    with loop.store.write() as tx:
        there = list(tx.mirror.many(refs).values())
        rules = [rule for rule in loop.rules.rules if rule.keeps_current]
        done = [one for rule in rules for one in judge_again(loop, tx, rule, there)]
    return {effect.system for one in done for effect in one.new}
