"""Lengths of time as people write them: 30s, 10m, 2h, 14d, 2w, and 1h30m."""

import re
from datetime import timedelta

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_PART = re.compile(r"(\d+)([smhdw])")
_WHOLE = re.compile(r"(?:\d+[smhdw])+")
PATTERN = r"^(\d+[smhdw])+$"
# A hundred years: more is a slip of the pen, and less can be added to any date without overflow.
_LONGEST = timedelta(days=36_500)


def parse(text: object) -> timedelta:
    """The span; raises ValueError that says how to write one."""
    if not isinstance(text, str) or not _WHOLE.fullmatch(text):
        raise ValueError(f"{text!r} is not a span; write a number and s, m, h, d or w, such as 10m, 14d or 1h30m")
    parts: dict[str, int] = {}
    for number, unit in _PART.findall(text):
        if len(number) > 9:
            raise ValueError(f"{text!r} is longer than a hundred years")
        parts[_UNITS[unit]] = parts.get(_UNITS[unit], 0) + int(number)
    span = timedelta(**parts)
    if span > _LONGEST:
        raise ValueError(f"{text!r} is longer than a hundred years")
    return span
