"""What stands for a ticket that an earlier effect will open, until it is there."""

import re

from loopbot.domain.records import Ref

PENDING_KIND = "pending"
# A text may name a ticket that is not open yet. STX and ETX can not come from outside: the border strips control characters.
PENDING_MARK = re.compile("\x02([0-9a-f]{32})\x03")


def pending_mark(key: str) -> str:
    """What stands in a text for the key of the ticket that this effect will open."""
    return f"\x02{key}\x03"


def pending_ref(key: str) -> Ref:
    """The placeholder of a ticket that the effect with this key will open; a link may name it before the ticket exists."""
    return Ref("loopbot", PENDING_KIND, key)
