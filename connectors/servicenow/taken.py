"""Whether the instance took what was written: it answers 200 also where a field has another type by now, or is shorter."""

import re
from collections.abc import Mapping

from connectors.servicenow.instance import Row
from connectors.servicenow.rows import value
from loopbot.domain.texts import shorten

_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def held_otherwise(wanted: Mapping[str, str], former: Mapping[str, str], row: Row) -> tuple[str, bool]:
    """What the answer says that fields hold instead of what was wanted, or ""; and whether that is a loss.

    The instance writes some values in a form of its own. What is empty, as it was before, or a part of what was wanted is none
    of these. `former` holds the fields to look at, with what they held before; what the answer does not show is not known.
    """
    seen = ((name, value(row, name)) for name in former)
    other = {name: there for name, there in seen if there is not None and not _same(there, wanted[name])}
    lost = any(there in {"", former[name]} or wanted[name].startswith(there) for name, there in other.items())
    said = (
        f"{name} holds {shorten(there, 100)!r} and not {shorten(wanted[name], 100)!r}" for name, there in other.items()
    )
    return "; ".join(said), lost


def _same(one: str, other: str) -> bool:
    if _NUMBER.fullmatch(one) and _NUMBER.fullmatch(other):
        return float(one) == float(other)
    return one.strip() == other.strip()
