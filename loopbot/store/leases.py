"""Who may do what alone, for how long, and the token by which a late one is told from the present one."""

from datetime import timedelta

from sqlalchemy import and_, case, or_, select, update

from loopbot.ports import Lease
from loopbot.store import schema
from loopbot.store.database import Work

C = schema.lease.c


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
        renews = and_(C.holder == holder, C.until > now)
        statement = (
            self._work.insert(schema.lease)
            .values(name=name, holder=holder, token=1, until=until)
            .on_conflict_do_update(
                index_elements=[C.name],
                set_={"holder": holder, "until": until, "token": case((renews, C.token), else_=C.token + 1)},
                where=or_(C.holder == holder, C.until <= now),
            )
        )
        token = self._connection.scalar(statement.returning(C.token))
        return None if token is None else Lease(name, holder, token, until)

    def holder(self, name: str) -> Lease | None:
        """Who holds it now."""
        query = select(schema.lease).where(C.name == name, C.until > self._work.now())
        row = self._connection.execute(query).first()
        return None if row is None else Lease(row.name, row.holder, row.token, row.until)

    def release(self, lease: Lease) -> None:
        """Give it back, if it is still ours. Its row stays: the token must go on growing."""
        here = (C.name == lease.name, C.holder == lease.holder, C.token == lease.token)
        self._connection.execute(update(schema.lease).where(*here).values(until=self._work.now()))

    def clear(self) -> None:
        """End all of them, whoever holds them. Their rows stay, as above."""
        now = self._work.now()
        self._connection.execute(update(schema.lease).where(C.until > now).values(until=now))

    def stands(self, lease: Lease) -> bool:
        """Whether nobody took it since; nobody can before this transaction ends."""
        here = (C.name == lease.name, C.holder == lease.holder, C.token == lease.token)
        return self._connection.scalar(select(C.token).where(*here).with_for_update()) is not None
