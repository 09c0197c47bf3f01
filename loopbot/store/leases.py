"""Who may do what alone, for how long, and the token by which a late one is told from the present one."""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Text, and_, bindparam, case, or_, select, update
from sqlalchemy.sql.dml import ReturningInsert

from loopbot.ports import Lease
from loopbot.store import schema
from loopbot.store.work import Work, inserting

C = schema.lease.c

# Each round of each stream asks these: they are made once, as making one takes longer than running it.
_NAMED, _BY = bindparam("named", type_=Text), bindparam("by", type_=Text)
_AT, _TO = bindparam("at", type_=schema.Moment), bindparam("to", type_=schema.Moment)
_SAME = (C.name == _NAMED, C.holder == _BY, C.token == bindparam("ours", type_=BigInteger))
_RELEASED = update(schema.lease).where(*_SAME).values(until=_AT)
# What was given back is free also where the clock is set back after it.
_OVER = datetime(1970, 1, 1, tzinfo=UTC)
_STANDS = select(C.token).where(*_SAME).with_for_update()


@cache
def _taken(shared: bool) -> ReturningInsert[tuple[Any, ...]]:  # noqa: FBT001 - which database it is
    """Takes or renews a lease, and says its token; nothing where somebody else holds it."""
    renews = and_(C.holder == _BY, C.until > _AT)
    return (
        inserting(shared, schema.lease)
        .values(name=_NAMED, holder=_BY, token=1, until=_TO)
        .on_conflict_do_update(
            index_elements=[C.name],
            set_={"holder": _BY, "until": _TO, "token": case((renews, C.token), else_=C.token + 1)},
            where=or_(C.holder == _BY, C.until <= _AT),
        )
        .returning(C.token)
    )


def _ours(lease: Lease) -> dict[str, object]:
    return {"named": lease.name, "by": lease.holder, "ours": lease.token}


class SqlLeases:
    """The leases inside one transaction."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._connection = work.connection

    def take(self, name: str, holder: str, seconds: float) -> Lease | None:
        """Take or renew; None when someone else holds it.

        The token grows with each taking, also by the same holder once its time had run out; renewing keeps it.
        """
        now = self._work.now()
        until = now + timedelta(seconds=seconds)
        said = {"named": name, "by": holder, "at": now, "to": until}
        token = self._connection.scalar(_taken(self._work.shared), said)
        return None if token is None else Lease(name, holder, token, until)

    def holder(self, name: str) -> Lease | None:
        """Who holds it now."""
        query = select(schema.lease).where(C.name == name, C.until > self._work.now())
        row = self._connection.execute(query).first()
        return None if row is None else Lease(row.name, row.holder, row.token, row.until)

    def release(self, lease: Lease) -> None:
        """Give it back, if it is still ours. Its row stays: the token must go on growing."""
        self._connection.execute(_RELEASED, {**_ours(lease), "at": _OVER})

    def clear(self) -> None:
        """End all of them, whoever holds them. Their rows stay, as above."""
        self._connection.execute(update(schema.lease).values(until=_OVER))

    def stands(self, lease: Lease) -> bool:
        """Whether nobody took it since; nobody can before this transaction ends."""
        return self._connection.scalar(_STANDS, _ours(lease)) is not None
