"""Times as JQL and the API write them.

A bare JQL date is read in the account's time zone and has minute resolution; epoch milliseconds are exact.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from loopbot.sandbox.jira.jql import Call, Operand, Value
from loopbot.sandbox.jira.lexing import JqlError

_PERIOD = re.compile(r"\s*([+-]?)\s*((?:\d+[wdhm]\s*)+)\Z")
_UNITS = {"w": timedelta(weeks=1), "d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}
_FORMATS = (
    ("%Y-%m-%d %H:%M", timedelta(minutes=1)),
    ("%Y/%m/%d %H:%M", timedelta(minutes=1)),
    ("%Y-%m-%d", timedelta(days=1)),
    ("%Y/%m/%d", timedelta(days=1)),
)


@dataclass(frozen=True, slots=True)
class Span:
    """What a date in a query means: it begins at `start` and equality covers `length`."""

    start: datetime
    length: timedelta


def stamp(moment: datetime, zone: ZoneInfo) -> str:
    """A time as the API writes it: milliseconds, and the account's offset without a colon."""
    local = moment.astimezone(zone)
    return f"{local:%Y-%m-%dT%H:%M:%S}.{local.microsecond // 1000:03d}{local:%z}"


def span(field: str, operand: Operand, now: datetime, zone: ZoneInfo) -> Span:
    """What a date operand means now; raises JqlError."""
    instant = timedelta(milliseconds=1)
    if isinstance(operand, Call):
        return Span(_called(operand, now, zone), instant)
    if isinstance(operand, Value):
        if operand.number is not None and abs(operand.number) < 10**14:
            return Span(datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=operand.number), instant)
        if period := _period(operand.text):
            return Span(now + period, instant)
        for form, length in _FORMATS:
            try:
                read = datetime.strptime(operand.text, form)  # noqa: DTZ007 - the zone is put on right below
            except ValueError:
                continue
            return Span(read.replace(tzinfo=zone).astimezone(UTC), length)
        raise JqlError(
            f"Date value '{operand.text}' for field '{field}' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', "
            "'yyyy-MM-dd HH:mm', 'yyyy/MM/dd', 'yyyy-MM-dd', or a period format e.g. '-5d', '4w 2d'.",
        )
    raise JqlError(f"The operator does not support searching for an empty value in the field '{field}'.")


def _period(text: str) -> timedelta | None:
    found = _PERIOD.match(text)
    if not found:
        return None
    total = sum(
        (int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d{1,6})([wdhm])", found[2])), timedelta()
    )
    return -total if found[1] == "-" else total


def _called(call: Call, now: datetime, zone: ZoneInfo) -> datetime:
    name, shift = call.name.lower(), timedelta()
    if call.arguments:
        period = _period(call.arguments[0])
        if period is None:
            raise JqlError(f"Duration for function '{call.name}' should have the format (+/-)nn(y|M|w|d|h|m).")
        shift = period
    if name == "now":
        return now
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    if name == "startofday":
        return midnight.astimezone(UTC) + shift
    if name == "endofday":
        return (midnight + timedelta(days=1)).astimezone(UTC) - timedelta(milliseconds=1) + shift
    raise JqlError(f"Unable to find JQL function '{call.name}({', '.join(call.arguments)})'.")
