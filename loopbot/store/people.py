"""People inside one transaction: what they want, who they are in a chat, when they were last written to."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import delete, func, select

from loopbot.domain.records import Ref
from loopbot.domain.telling import FOLLOW
from loopbot.ports import Acquaintance, Replied, Spoken, Standing
from loopbot.store import schema
from loopbot.store.schema import AnyRow
from loopbot.store.work import Work

P = schema.preference.c
A = schema.acquaintance.c
S = schema.spoken.c
R = schema.reply.c
_KEPT = timedelta(days=2)


class SqlPeople:
    """Implements ports.People."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._connection = work.connection

    def prefer(self, who: str, name: str, value: str | None) -> None:
        """Keep what somebody wants; None: forget it."""
        if value is None:
            self._connection.execute(delete(schema.preference).where(P.person == who, P.name == name))
            return
        said = {"value": value, "at": self._work.now()}
        row = self._work.insert(schema.preference).values(person=who, name=name, **said)
        self._connection.execute(row.on_conflict_do_update(index_elements=[P.person, P.name], set_=said))

    def wishes(self, whos: Collection[str]) -> dict[str, dict[str, str]]:
        """What each of them wants, by name."""
        found: dict[str, dict[str, str]] = {one: {} for one in whos}
        if found:
            query = select(P.person, P.name, P.value).where(self._work.among(P.person, sorted(found)))
            for row in self._connection.execute(query.order_by(P.person, P.at, P.name)):
                found[row.person][row.name] = row.value
        return found

    def followers(self, refs: Collection[Ref]) -> dict[Ref, list[str]]:
        """Who said that they follow these records, the first to say so first."""
        names = {f"{FOLLOW}{ref}": ref for ref in refs}
        found: dict[Ref, list[str]] = {}
        if names:
            query = select(P.person, P.name).where(self._work.among(P.name, sorted(names)))
            for row in self._connection.execute(query.order_by(P.at, P.person)):
                found.setdefault(names[row.name], []).append(row.person)
        return found

    def keep(self, acquaintances: Iterable[Acquaintance]) -> None:
        """Note who somebody is in a chat."""
        for one in acquaintances:
            said = {
                "standing": one.standing,
                "ident": one.ident,
                "name": one.name,
                "zone": one.zone,
                "why": one.why,
                "checked_at": one.checked_at,
            }
            row = self._work.insert(schema.acquaintance).values(system=one.system, person=one.who, **said)
            self._connection.execute(row.on_conflict_do_update(index_elements=[A.system, A.person], set_=said))

    def forget(self, system: str, whos: Collection[str]) -> None:
        """Nobody is looked for under these names any more."""
        if whos:
            here = (A.system == system, self._work.among(A.person, sorted(whos)))
            self._connection.execute(delete(schema.acquaintance).where(*here))

    def known(self, system: str, whos: Collection[str]) -> dict[str, Acquaintance]:
        """Those who were looked for in this chat."""
        if not whos:
            return {}
        query = select(schema.acquaintance).where(A.system == system, self._work.among(A.person, sorted(whos)))
        return {row.person: _acquaintance(row) for row in self._connection.execute(query)}

    def all_known(self, system: str | None = None, standing: Standing | None = None) -> list[Acquaintance]:
        """Everybody who was looked for, in order of name."""
        query = select(schema.acquaintance).order_by(A.system, A.person)
        if system is not None:
            query = query.where(A.system == system)
        if standing is not None:
            query = query.where(A.standing == standing)
        return [_acquaintance(row) for row in self._connection.execute(query)]

    def replied(self, reply: Replied) -> bool:
        """Keep an answer, the last word of each person to each message; false where it says nothing new."""
        here = (R.key == reply.key, R.person == reply.who)
        before = self._connection.execute(select(R.answer, R.words).where(*here)).first()
        if before is not None and before.answer == reply.answer and (before.words == reply.words or not reply.words):
            return False
        said = {
            "about": reply.about,
            "question": reply.question,
            "answer": reply.answer,
            "words": reply.words,
            "at": self._work.now(),
        }
        row = self._work.insert(schema.reply).values(key=reply.key, person=reply.who, **said)
        self._connection.execute(row.on_conflict_do_update(index_elements=[R.key, R.person], set_=said))
        return True

    def answered(self, key: str, who: str) -> str | None:
        """What somebody has answered to this message; None while they have not."""
        return self._connection.scalar(select(R.answer).where(R.key == key, R.person == who))

    def replies(self, since: datetime) -> list[Replied]:
        """What was answered since then, the latest first."""
        query = select(schema.reply).where(R.at >= since).order_by(R.at.desc(), R.key, R.person)
        return [
            Replied(row.key, row.person, row.about, row.question, row.answer, row.words, row.at)
            for row in self._connection.execute(query)
        ]

    def spoke(self, lane: str) -> None:
        """A message went out in this lane now."""
        now = self._work.now()
        self._connection.execute(delete(schema.spoken).where(S.lane == lane, S.at < now - _KEPT))
        self._connection.execute(schema.spoken.insert().values(lane=lane, at=now))

    def spoken(self, lane: str, since: datetime) -> Spoken:
        """What went out in a lane since then."""
        query = select(func.max(S.at, type_=S.at.type), func.min(S.at, type_=S.at.type), func.count())
        row = self._connection.execute(query.where(S.lane == lane, S.at > since)).one()
        return Spoken(row[0], row[1], row[2])


def _acquaintance(row: AnyRow) -> Acquaintance:
    return Acquaintance(
        who=row.person,
        system=row.system,
        standing=cast("Standing", row.standing),
        checked_at=row.checked_at,
        ident=row.ident,
        name=row.name,
        zone=row.zone,
        why=row.why,
    )
