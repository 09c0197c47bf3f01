"""What was over before loopbot came to a stream: it is mirrored, learnt from and compared with, and no rule acts on it by itself.

Whoever installs loopbot beside years of tickets and deployments does not want them announced, asked about or linked anew. What
happens to one of them from then on (it is reopened, its fix is deployed) is news like any other.
"""

from datetime import datetime

from loopbot.domain.records import Change, Deployment, Incident, Issue, Problem, Record
from loopbot.ports import Tx, Upserted
from loopbot.usecases.loop import Loop


def bygone(loop: Loop, tx: Tx, stream: str) -> datetime:
    """The moment in the life of a stream before which what was over is history, by the clock of the store."""
    return (tx.cursors.since(stream) or tx.now()) - loop.looks_back


def over_before(record: Record, moment: datetime | None) -> bool:
    """Whether it was over then already, whoever has touched it since; nothing was where there is no moment."""
    return moment is not None and record.finished and _over_at(record) < moment


def is_history(row: Upserted, moment: datetime | None) -> bool:
    """Whether it is seen for the first time, and was over before the moment."""
    return row.what == "new" and over_before(row.record, moment)


def _over_at(record: Record) -> datetime:
    """Since when it is over: its end as its system tells it, else its last change (which may be of no account)."""
    end: datetime | None = None
    match record:
        case Incident():
            end = record.resolved_at or record.closed_at
        case Problem() | Issue():
            end = record.resolved_at
        case Change() | Deployment():
            end = record.finished_at
    return end or record.updated_at
