"""The clusters as they were last gathered, with the time of that.

Gathering compares each ticket of the span with those before it, which takes half a minute at a busy desk. So it is done when its
bell rings: once a day, and when somebody asks and the last look is no longer fresh. Whoever asks is shown the last look, and when it was taken.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final

from loopbot.domain.records import Ref
from loopbot.domain.views import View
from loopbot.ports import Tx
from loopbot.usecases.loop import Loop
from loopbot.usecases.recurring import Cluster, clusters, repeat_of

GATHER: Final = "recurring"
"""The bell at which they are gathered anew."""
FRESH: Final = timedelta(minutes=10)
_FACT: Final = "recurring: last look"
_KEPT: Final = 50
_LATEST: Final = 3
_MEMBERS: Final = 30


@dataclass(frozen=True, slots=True)
class Latest:
    """One of the latest tickets of a cluster: how sure (0..1) it is one, and why."""

    ref: Ref
    score: float
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """A cluster as it was seen: `name` is the title of its centre, `people` how many are known to have reported it, `sure` 0..1.

    `members` are the latest of its tickets, the earliest of them first.
    """

    name: str
    tickets: int
    people: int
    first_at: datetime
    last_at: datetime
    sure: float
    services: tuple[str, ...]
    problem: Ref | None
    latest: tuple[Latest, ...]
    members: tuple[Ref, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen at a moment: what came back `at_least` so often `within` the span before it, the biggest first."""

    at: datetime
    at_least: int
    within: timedelta
    clusters: tuple[Seen, ...]
    more: int = 0


def gather(loop: Loop, enough: Callable[[], bool] = lambda: False) -> Look | None:
    """Look anew, and keep what was seen; None where `enough` ended it before all was looked at."""
    repeat = repeat_of(loop)
    with loop.store.read() as tx:
        view: View = tx
        at = tx.now()
        found = clusters(view, loop.judgement, repeat, enough=enough)
    if enough():
        return None
    look = Look(at, repeat.at_least, repeat.within, tuple(map(_seen, found[:_KEPT])), max(len(found) - _KEPT, 0))
    with loop.store.write() as tx:
        tx.remember(_FACT, _written(look))
    loop.witness.noted("what keeps coming back was gathered", clusters=len(found))
    return look


def last_look(tx: Tx) -> Look | None:
    """What was seen last; None where nobody has looked yet, or an earlier version wrote down something else."""
    kept = tx.recall(_FACT)
    try:
        return _read(kept) if kept else None
    except (ValueError, KeyError, TypeError):
        return None


def said_since(tx: Tx, look: Look) -> bool:
    """Whether people have said since then which tickets are the same, and which are not."""
    return any(one.kind == "same" for one in tx.lessons.since(look.at))


def due(tx: Tx) -> bool:
    """Whether another look is worth it."""
    look = last_look(tx)
    return look is None or tx.now() - look.at > FRESH or said_since(tx, look)


def _seen(cluster: Cluster) -> Seen:
    latest = cluster.members[-_LATEST:]
    return Seen(
        name=cluster.name,
        tickets=len(cluster.members),
        people=cluster.people,
        first_at=cluster.members[0].record.occurred_at,
        last_at=cluster.members[-1].record.occurred_at,
        sure=round(cluster.sure, 4),
        services=tuple(sorted(cluster.services)),
        problem=cluster.problem,
        latest=tuple(Latest(one.record.ref, round(one.score, 4), one.because) for one in reversed(latest)),
        members=tuple(one.record.ref for one in cluster.members[-_MEMBERS:]),
    )


def _written(look: Look) -> str:
    return json.dumps(asdict(look), ensure_ascii=False, default=_plain)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    raise TypeError(type(value).__name__)


def _read(kept: str) -> Look:
    told = json.loads(kept)
    seen = tuple(
        Seen(
            name=str(one["name"]),
            tickets=int(one["tickets"]),
            people=int(one["people"]),
            first_at=datetime.fromisoformat(one["first_at"]),
            last_at=datetime.fromisoformat(one["last_at"]),
            sure=float(one["sure"]),
            services=tuple(map(str, one["services"])),
            problem=Ref(**one["problem"]) if one["problem"] else None,
            latest=tuple(
                Latest(Ref(**each["ref"]), float(each["score"]), _texts(each["because"])) for each in one["latest"]
            ),
            members=tuple(Ref(**each) for each in one.get("members", ())),
        )
        for one in told["clusters"]
    )
    return Look(
        datetime.fromisoformat(told["at"]),
        int(told["at_least"]),
        timedelta(seconds=told["within"]),
        seen,
        int(told["more"]),
    )


def _texts(given: Sequence[object]) -> tuple[str, ...]:
    return tuple(map(str, given))
