"""What was not sent to people, and why: one quiet line a day for those who run loopbot."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from loopbot.domain.effects import Cause, Post, Tell
from loopbot.domain.phrasing import counted
from loopbot.domain.records import Ref
from loopbot.ports import EffectState, OutboxRow, Tx
from loopbot.usecases.loop import Loop

RULE: Final = "what-was-not-sent"
_FACT: Final = "told what was not sent"
_A_DAY: Final = timedelta(days=1)
_MOST_ROWS: Final = 5_000
_MOST_REASONS: Final = 5
_HELD_BACK: Final[tuple[EffectState, ...]] = ("planned", "dropped", "parked", "held")
_SAID: Final[Mapping[EffectState, str]] = MappingProxyType(
    {"planned": "waiting", "dropped": "not told", "parked": "stuck", "held": "held for a person"}
)


def report_what_was_not_sent(loop: Loop) -> bool:
    """Plan the line of the day once its hour has come; true when there is one. Nothing was held back: nothing is said."""
    manners = loop.manners
    if not manners.report_to or manners.report_in not in loop.sinks:
        return False
    with loop.store.read() as tx:
        if not _is_time(loop, tx):
            return False
    with loop.store.write() as tx:
        if not _is_time(loop, tx):
            return False
        tx.remember(_FACT, f"{tx.now():%Y-%m-%d}")
        lines = in_words(unsent(tx, tx.now() - _A_DAY))
        if not lines:
            return False
        subject = Ref("loopbot", "report", f"{tx.now():%Y-%m-%d}")
        text = "Not told in the last day: " + "; ".join(lines) + ". Each with its reason: loopbot outbox list"
        cause = Cause(RULE, subject, "line", because="what is not sent is shown")
        tx.outbox.plan(
            [Post(system=manners.report_in, cause=cause, channel=manners.report_to, text=loop.redacted(text))]
        )
        return True


def unsent(tx: Tx, since: datetime) -> list[OutboxRow]:
    """Messages for people and channels that wait with a reason, were dropped or are stuck, planned since then."""
    rows = tx.outbox.rows(_HELD_BACK, limit=_MOST_ROWS)
    return [row for row in rows if isinstance(row.effect, Tell | Post) and row.planned_at >= since and row.why]


def in_words(rows: Sequence[OutboxRow]) -> list[str]:
    """How many of each, and the commonest reasons."""
    by_state = Counter(row.state for row in rows)
    reasons = Counter((row.state, row.why) for row in rows)
    lines = []
    for state in _HELD_BACK:
        if by_state[state]:
            common = [why for (of, why), _ in reasons.most_common() if of == state][:_MOST_REASONS]
            lines.append(f"{counted(by_state[state], 'message')} {_SAID[state]} ({', '.join(common)})")
    return lines


def _is_time(loop: Loop, tx: Tx) -> bool:
    now = tx.now()
    return (now.hour, now.minute) >= loop.manners.report_at and tx.recall(_FACT) != f"{now:%Y-%m-%d}"
