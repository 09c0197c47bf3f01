"""How values read in texts: one place for dates, shares, sets and what is not there."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from loopbot.domain.records import Record
from loopbot.domain.scoring import span_in_words
from loopbot.domain.telling import moment
from loopbot.domain.texts import listed

MOST_LISTED = 20
# A forged marker of a pending ticket would be taken for a real one when the text is sent (effects.PENDING_MARK).
_MARKS = str.maketrans("", "", "\x02\x03")


def said(value: object, null: str = "unknown") -> str:  # noqa: PLR0911 (one case a type)
    """A value as a person writes it; foreign text stays as it is."""
    match value:
        case None:
            return null
        case bool():
            return "yes" if value else "no"
        case str():
            return value.translate(_MARKS)
        case float():
            return f"{value:.4g}"
        case datetime():
            return moment(value)
        case timedelta():
            return span_in_words(value.total_seconds())
        case frozenset() | set():
            return listed(sorted(said(each) for each in value)) or "none"
        case Record():
            return value.key
        case _:
            return str(value)


def share(score: float) -> str:
    """83 %."""
    return f"{round(score * 100)} %"


def bullets(records: Iterable[Record]) -> str:
    """One line a record, at most twenty, and how many more there are."""
    every = list(records)
    lines = [f"• {said(one.key)} {' '.join(said(one.title).split())}".rstrip() for one in every[:MOST_LISTED]]
    if len(every) > MOST_LISTED:
        lines.append(f"and {len(every) - MOST_LISTED} more")
    return "\n".join(lines)
