"""What stands in a row of ServiceNow: every value is a text, empty is not missing, and a stamp is UTC to the second."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from loopbot.domain.texts import clean

Row = Mapping[str, Any]


class UnmappableError(Exception):
    """A row is not a record; the text says why, for a person."""


def key_of(row: Row) -> tuple[str, str] | None:
    """The row's place in the reading order: (sys_updated_on, sys_id); None where one of them is hidden."""
    at, ident = value(row, "sys_updated_on"), value(row, "sys_id")
    return (at, ident.casefold()) if at and ident else None


def value(row: Row, name: str) -> str | None:
    """The raw value: "" says that there is none, None that the account may not see it."""
    raw = row.get(name)
    if raw is None or isinstance(raw, str):
        return raw
    inner = raw.get("value") if isinstance(raw, dict) else raw
    return None if inner is None else str(inner)


def moment(row: Row, name: str) -> datetime | None:
    """A stamp: UTC without saying so."""
    raw = value(row, name)
    if not raw:
        return None
    try:
        return datetime.fromisoformat(f"{raw}+00:00")
    except ValueError as error:
        raise UnmappableError(
            f"{name} is {clean(raw, 40)!r}, which is not a time such as 2026-01-31 10:00:00"
        ) from error


def whole(row: Row, name: str) -> int | None:
    """A number; None where there is none."""
    raw = value(row, name)
    if not raw:
        return None
    try:
        return int(raw)
    except ValueError as error:
        raise UnmappableError(f"{name} is {clean(raw, 40)!r}, which is not a whole number") from error


def plain(row: Row, name: str) -> str | None:
    """A short text, cleaned; None where there is none."""
    raw = value(row, name)
    return clean(raw, 1000) or None if raw else None
