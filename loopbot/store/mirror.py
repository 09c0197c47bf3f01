"""The mirror: every record as last seen, and what putting a newer sight of it changed."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from sqlalchemy import (
    Text,
    and_,
    bindparam,
    exists,
    func,
    or_,
    select,
    tuple_,
    type_coerce,
    update,
)

from loopbot.domain.holdings import SHORT, is_commit, sought_as
from loopbot.domain.records import Record, Ref
from loopbot.domain.wordings import Neighbour, Neighbourhood, Sought, Wording
from loopbot.domain.words import FINISHED, Kind
from loopbot.judgement.nearness import telling
from loopbot.judgement.wording import wording
from loopbot.ports import Upserted
from loopbot.store import schema
from loopbot.store.chunks import chunks
from loopbot.store.places import PAGE, WHOLE, by_kind, named, place_of, record_of, rows_at
from loopbot.store.schema import AnyRow
from loopbot.store.sights import Sights
from loopbot.store.wordings import SqlWordings
from loopbot.store.work import Work

C = schema.record.c
S = schema.record_service.c
N = schema.record_name.c
_NAME = type_coerce(N.name, Text)  # a value to compare with can not be given the column's order as well
W = schema.wording.c
SOUGHT = 60
"""For how many names at most is looked at once: a log in a ticket holds thousands of ids that look like commits."""
NEAR = 400
"""How many neighbours are kept read within one transaction, until something is written: as many as two judgements look at."""

ONE = select(*WHOLE).where(C.system == bindparam("system"), C.kind == bindparam("kind"), C.key == bindparam("key"))
# Made once: rules with a match or a repeat ask this for every record.
BETWEEN = (
    select(*WHOLE)
    .where(
        C.kind == bindparam("kind"),
        C.occurred_at.between(
            bindparam("since", type_=C.occurred_at.type), bindparam("until", type_=C.occurred_at.type)
        ),
        C.gone_at.is_(None),
    )
    .order_by(C.occurred_at.desc(), C.system, C.kind, C.key)
)
_SAME = and_(S.system == C.system, S.kind == C.kind, S.key == C.key)
SERVED_BETWEEN = BETWEEN.where(exists().where(_SAME, S.service.in_(bindparam("services", expanding=True))))
LATEST_BETWEEN = BETWEEN.limit(bindparam("limit"))
LATEST_SERVED_BETWEEN = SERVED_BETWEEN.limit(bindparam("limit"))
SAYING = select(*WHOLE, W.number, W.title, W.body.label("said")).where(
    W.number.in_(bindparam("numbers", expanding=True)),
    W.system == C.system,
    W.kind == C.kind,
    W.key == C.key,
    C.gone_at.is_(None),
)


class SqlMirror:
    """The mirror inside one transaction."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._connection = work.connection
        self._wordings = SqlWordings(work)
        self._near: dict[int, Neighbour] = {}
        self._said: dict[tuple[str, str], Wording] = {}
        self._sights = Sights(work, self._wordings, self._near.clear)

    def put(self, records: Sequence[Record]) -> list[Upserted]:
        """Insert or update; one answer for each record, the newest of its versions in `records`.

        `before` is there for `changed` alone.
        """
        return self._sights.put(records)

    def get(self, ref: Ref) -> Record | None:
        """The record, also one that is gone: what was last seen of it."""
        row = self._connection.execute(ONE, {"system": ref.system, "kind": ref.kind, "key": ref.key}).first()
        return None if row is None else record_of(row)

    def many(self, refs: Collection[Ref]) -> dict[Ref, Record]:
        """Those of the refs that were ever seen."""
        found = (record_of(row) for row in rows_at(self._work, map(named, refs), *WHOLE))
        return {record.ref: record for record in found}

    def all(self, kind: Kind | None = None, system: str | None = None) -> Iterator[Record]:
        """Everything mirrored and not gone, in order of ref, a page in memory at a time."""
        place = tuple_(C.system, C.kind, C.key)
        query = select(*WHOLE).where(C.gone_at.is_(None)).order_by(C.system, C.kind, C.key).limit(PAGE)
        if kind is not None:
            query = query.where(C.kind == kind)
        if system is not None:
            query = query.where(C.system == system)
        page = self._connection.execute(query).all()
        while page:
            yield from (record_of(row) for row in page)
            last = page[-1]
            further = query.where(place > tuple_(last.system, last.kind, last.key))
            page = self._connection.execute(further).all() if len(page) == PAGE else []

    def unfinished(self, kind: Kind) -> list[Ref]:
        """Those of a kind to which something may happen still, in order of ref; none that is gone."""
        here = (C.kind == kind, C.gone_at.is_(None), C.state.not_in(sorted(FINISHED[kind])))
        rows = self._connection.execute(select(C.system, C.key).where(*here).order_by(C.system, C.key))
        return [Ref(row.system, kind, row.key) for row in rows]

    def find(self, key: str) -> list[Record]:
        """Records that people call that, in any case, over all systems."""
        query = select(*WHOLE).where(C.called == key.lower(), C.gone_at.is_(None)).order_by(C.system, C.kind, C.key)
        return [record_of(row) for row in self._connection.execute(query)]

    def called(self, keys: Collection[str]) -> list[Record]:
        """Records that people call any of these, in any case, over all systems."""
        wanted = sorted({key.lower() for key in keys})
        query = select(*WHOLE).where(self._work.among(C.called, wanted), C.gone_at.is_(None))
        return [record_of(row) for row in self._connection.execute(query.order_by(C.system, C.kind, C.key))]

    def identified(self, idents: Collection[str]) -> list[Record]:
        """Records that their own systems know by these ids, over all systems."""
        query = select(*WHOLE).where(self._work.among(C.ident, sorted(set(idents))), C.gone_at.is_(None))
        return [record_of(row) for row in self._connection.execute(query.order_by(C.system, C.kind, C.key))]

    def holding(self, names: Collection[str], limit: int) -> list[Record]:
        """Records that brought any of these commits (the beginning of one is enough), pull requests or versions, newest first."""
        sought = sorted(sought_as(list(names)[:SOUGHT]))
        begun = [name for name in sought if is_commit(name) and len(name) < SHORT]
        # After the last hexadecimal digit comes g: all that begins so lies between, and is found by the index.
        ranges = (_NAME.between(name, f"{name}g") for name in begun)
        # In two steps: told in one, a Postgres without statistics of a young table looks at each record instead.
        held = select(N.system, N.kind, N.key).where(or_(_NAME.in_(sought), *ranges)).distinct().limit(PAGE)
        places = [place_of(row) for row in self._connection.execute(held)]
        rows = [row for row in rows_at(self._work, places, *WHOLE, C.gone_at) if row.gone_at is None]
        return sorted(map(record_of, rows), key=lambda one: (one.occurred_at, one.ref), reverse=True)[:limit]

    def reported(self, whos: Collection[str], kinds: Collection[Kind], limit: int) -> list[Record]:
        """What somebody reported under any of the names they are remembered by, the latest first."""
        query = select(*WHOLE).where(C.reporter.in_(sorted(whos)), C.kind.in_(sorted(kinds)), C.gone_at.is_(None))
        return [record_of(row) for row in self._connection.execute(query.order_by(C.occurred_at.desc()).limit(limit))]

    def count(self, system: str, kind: str) -> int:
        """How many are mirrored and not gone."""
        query = select(func.count()).where(C.system == system, C.kind == kind, C.gone_at.is_(None))
        return self._connection.scalar(query.select_from(schema.record)) or 0

    def systems(self, kind: Kind) -> list[str]:
        """The systems of which records of a kind are mirrored and not gone."""
        query = select(C.system).where(C.kind == kind, C.gone_at.is_(None)).distinct().order_by(C.system)
        return list(self._connection.scalars(query))

    def keys(self, system: str, kind: str) -> Iterator[str]:
        """The keys of those that are mirrored and not gone, in order, a page in memory at a time."""
        here = (C.system == system, C.kind == kind, C.gone_at.is_(None))
        query = select(C.key).where(*here).order_by(C.key).limit(PAGE * 10)
        page = self._connection.scalars(query).all()
        while page:
            yield from page
            page = self._connection.scalars(query.where(C.key > page[-1])).all()

    def moved(self, records: Sequence[Record]) -> list[tuple[Ref, Ref]]:
        """Those of the records that are mirrored under another ref, by their system's own id: the old ref and the new."""
        named = {(one.ref.system, one.ref.kind, one.ident): one.ref for one in records if one.ident}
        pairs: list[tuple[Ref, Ref]] = []
        for some in chunks(sorted({ident for _, _, ident in named}), PAGE):
            query = select(C.system, C.kind, C.key, C.ident).where(self._work.among(C.ident, some), C.gone_at.is_(None))
            for system, kind, key, ident in self._connection.execute(query).all():
                new = named.get((system, kind, ident))
                if new is not None and new.key != key:
                    pairs.append((Ref(system, kind, key), new))
        return pairs

    def between(
        self, kind: Kind, since: datetime, until: datetime, services: frozenset[str], limit: int | None = None
    ) -> list[Record]:
        """Records that occurred in [since, until], newest first; with `services`, those that share one of them."""
        asked: dict[str, object] = {"kind": kind, "since": since, "until": until}
        if services:
            asked["services"] = sorted(services)
        if limit is None:
            query = SERVED_BETWEEN if services else BETWEEN
        else:
            query = LATEST_SERVED_BETWEEN if services else LATEST_BETWEEN
            asked["limit"] = limit
        return [record_of(row) for row in self._connection.execute(query, asked)]

    def gone(self, refs: Collection[Ref]) -> None:
        """Their systems hold them no longer; seen again, they are back."""
        now = self._work.now()
        self._near.clear()
        for (system, kind), keys in by_kind(map(named, refs)).items():
            for some in chunks(keys, PAGE):
                there = (C.system == system, C.kind == kind, self._work.among(C.key, some), C.gone_at.is_(None))
                self._connection.execute(update(schema.record).where(*there).values(gone_at=now))
                self._wordings.forget(system, kind, some)

    def alike(self, of: Record | str, sought: Sought) -> list[Record]:
        """Records that share telling terms with a record or a text, the nearest first by a coarse measure."""
        return [one.record for one in self.neighbours(of, sought).found]

    def neighbours(self, of: Record | str, sought: Sought) -> Neighbourhood:
        """The same with what each of them says, and how rare the terms are: for judgements that weigh them."""
        asked = wording("", of) if isinstance(of, str) else wording(of.title, of.text)
        ref = None if isinstance(of, str) else of.ref
        docs, total = self._wordings.frequencies(asked, ref)
        hits = self._wordings.search(sought, telling(asked, docs, total), ref)
        found = self._neighbours(hits)
        return Neighbourhood(asked, found, docs, total)

    def _neighbours(self, numbers: Sequence[int]) -> tuple[Neighbour, ...]:
        """The records of wordings, and what they say; in a storm the same ones are near to each that comes."""
        missing = [number for number in numbers if number not in self._near]
        if missing and len(self._near) + len(missing) > NEAR:
            self._near.clear()
            self._said.clear()
            missing = list(numbers)
        if missing:
            for row in self._connection.execute(SAYING, {"numbers": missing}):
                said = self._said.setdefault((row.title, row.said), _wording_of(row))
                self._near[row.number] = Neighbour(record_of(row), said)
        return tuple(self._near[number] for number in numbers if number in self._near)


def _wording_of(row: AnyRow) -> Wording:
    return Wording(tuple(row.title.split()), tuple(row.said.split()))
