"""The few server-side expressions that people put into queries after `javascript:`."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from loopbot.sandbox.servicenow.rows import stamp

_AGO = re.compile(r"gs\.(minutes|hours|days)Ago\((\d+)\)")
_DATE = re.compile(r"gs\.dateGenerate\(['\"]([\d-]+)['\"],\s*['\"]([\d:]+)['\"]\)")


@dataclass(frozen=True, slots=True)
class Asker:
    """The user whose request is answered."""

    user_name: str
    sys_id: str


def run(source: str, user: Asker | None, now: datetime) -> str:
    """The value of an expression; what is not known here evaluates to nothing."""
    source = source.strip().removesuffix(";")
    if user and source == "gs.getUserID()":
        return user.sys_id
    if user and source == "gs.getUserName()":
        return user.user_name
    if source == "gs.nowDateTime()":
        return stamp(now)
    ago = _AGO.fullmatch(source)
    if ago:
        return stamp(now - timedelta(**{ago[1]: int(ago[2])}))
    date = _DATE.fullmatch(source)
    return f"{date[1]} {date[2]}" if date else ""
