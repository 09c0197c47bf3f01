"""The mirror: every record as last seen, and what putting a newer sight of it changed."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy import (
    BigInteger,
    BindParameter,
    and_,
    bindparam,
    exists,
    func,
    literal,
    select,
    tuple_,
    type_coerce,
    update,
)

from loopbot.domain.people import who
from loopbot.domain.records import Record, Ref
from loopbot.domain.wordings import Neighbour, Neighbourhood, Sought, Wording
from loopbot.domain.words import Kind
from loopbot.judgement.nearness import telling
from loopbot.judgement.wording import wording
from loopbot.ports import Upserted
from loopbot.store import schema
from loopbot.store.chunks import chunks
from loopbot.store.codec import decode_record, digest_of, encode_record
from loopbot.store.database import Work
from loopbot.store.schema import AnyRow, micros, moment_of
from loopbot.store.wordings import SqlWordings

C = schema.record.c
S = schema.record_service.c
W = schema.wording.c
# Stamps are compared as they are stored: no need to make times of a page of unchanged rows.
UPDATED = type_coerce(C.updated_at, BigInteger).label("updated")
WHOLE = (C.system, C.kind, C.key, UPDATED, C.version, C.body)
PAGE = 1000
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

Place = tuple[str, str, str]
What = Literal["new", "changed", "touched", "same"]


class _Sight(NamedTuple):
    """A record as it would be stored; a tuple, since one is made for every row of every page."""

    record: Record
    place: Place
    body: bytes
    digest: str
    updated: int

    def against(self, row: AnyRow) -> What:
        """What it is beside the row that is there: a late sight of an older state is nothing new."""
        version = self.record.version
        if self.updated < row.updated:
            return "same"
        if self.updated == row.updated and version is not None and row.version is not None and version < row.version:
            return "same"
        if self.digest != row.digest:
            return "changed"
        stands = self.updated == row.updated and version == row.version and row.gone_at is None
        return "same" if stands else "touched"

    def columns(self) -> dict[str, object]:
        """The row."""
        record = self.record
        return {
            "system": record.ref.system,
            "kind": record.ref.kind,
            "key": record.ref.key,
            "called": record.ref.key.lower(),
            "ident": record.ident,
            "state": record.state,
            "updated_at": record.updated_at,
            "occurred_at": record.occurred_at,
            "version": record.version,
            "body": self.body.decode(),
            "digest": self.digest,
            "gone_at": None,
            "reporter": reporter_of(record),
        }


class SqlMirror:
    """The mirror inside one transaction."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._connection = work.connection
        self._wordings = SqlWordings(work)
        self._near: dict[int, Neighbour] = {}

    def put(self, records: Sequence[Record]) -> list[Upserted]:
        """Insert or update; one answer for each record, the newest of its versions in `records`.

        `before` is there for `changed` alone.
        """
        sights = [_sight(place, record) for place, record in _newest(records).items()]
        answers: dict[Place, Upserted] = {}
        for some in chunks(sights, PAGE):
            answers.update(self._put(some))
        return [answers[each.place] for each in sights]

    def get(self, ref: Ref) -> Record | None:
        """The record, also one that is gone: what was last seen of it."""
        row = self._connection.execute(ONE, {"system": ref.system, "kind": ref.kind, "key": ref.key}).first()
        return None if row is None else _record(row)

    def many(self, refs: Collection[Ref]) -> dict[Ref, Record]:
        """Those of the refs that were ever seen."""
        found = (_record(row) for row in self._rows(map(_named, refs), *WHOLE))
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
            yield from (_record(row) for row in page)
            last = page[-1]
            further = query.where(place > tuple_(last.system, last.kind, last.key))
            page = self._connection.execute(further).all() if len(page) == PAGE else []

    def find(self, key: str) -> list[Record]:
        """Records that people call that, in any case, over all systems."""
        query = select(*WHOLE).where(C.called == key.lower(), C.gone_at.is_(None)).order_by(C.system, C.kind, C.key)
        return [_record(row) for row in self._connection.execute(query)]

    def called(self, keys: Collection[str]) -> list[Record]:
        """Records that people call any of these, in any case, over all systems."""
        wanted = sorted({key.lower() for key in keys})
        query = select(*WHOLE).where(self._work.among(C.called, wanted), C.gone_at.is_(None))
        return [_record(row) for row in self._connection.execute(query.order_by(C.system, C.kind, C.key))]

    def identified(self, idents: Collection[str]) -> list[Record]:
        """Records that their own systems know by these ids, over all systems."""
        query = select(*WHOLE).where(self._work.among(C.ident, sorted(set(idents))), C.gone_at.is_(None))
        return [_record(row) for row in self._connection.execute(query.order_by(C.system, C.kind, C.key))]

    def reported(self, whos: Collection[str], kinds: Collection[Kind], limit: int) -> list[Record]:
        """What somebody reported under any of the names they are remembered by, the latest first."""
        query = select(*WHOLE).where(C.reporter.in_(sorted(whos)), C.kind.in_(sorted(kinds)), C.gone_at.is_(None))
        return [_record(row) for row in self._connection.execute(query.order_by(C.occurred_at.desc()).limit(limit))]

    def count(self, system: str, kind: str) -> int:
        """How many are mirrored and not gone."""
        query = select(func.count()).where(C.system == system, C.kind == kind, C.gone_at.is_(None))
        return self._connection.scalar(query.select_from(schema.record)) or 0

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
        return [_record(row) for row in self._connection.execute(query, asked)]

    def gone(self, refs: Collection[Ref]) -> None:
        """Their systems hold them no longer; seen again, they are back."""
        now = self._work.now()
        self._near.clear()
        for (system, kind), keys in _by_kind(map(_named, refs)).items():
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
            missing = list(numbers)
        if missing:
            for row in self._connection.execute(SAYING, {"numbers": missing}):
                said = Wording(tuple(row.title.split()), tuple(row.said.split()))
                self._near[row.number] = Neighbour(_record(row), said)
        return tuple(self._near[number] for number in numbers if number in self._near)

    def _put(self, sights: Sequence[_Sight]) -> dict[Place, Upserted]:
        brief = (C.system, C.kind, C.key, UPDATED, C.version, C.digest, C.gone_at)
        seen: dict[Place, AnyRow] = {row[:3]: row for row in self._rows([each.place for each in sights], *brief)}
        answers: dict[Place, Upserted] = {}
        new: list[_Sight] = []
        other: list[_Sight] = []
        for each in sights:
            row = seen.get(each.place)
            if row is None:
                new.append(each)
            elif row[3:] == (each.updated, each.record.version, each.digest, None) or each.against(row) == "same":
                answers[each.place] = Upserted(each.record, None, "same")
            else:
                other.append(each)
        if new:
            new, late = self._still_new(new)
            answers.update(self._insert(new))
            other += late
        if other:
            answers.update(self._update(sorted(other, key=lambda each: each.place)))
        return answers

    def _still_new(self, sights: Sequence[_Sight]) -> tuple[list[_Sight], list[_Sight]]:
        """Those that nobody else has entered meanwhile, and the rest. Others who enter some wait until we are done."""
        if not self._work.shared:
            return list(sights), []
        places = [each.place for each in sights]
        for system, kind in sorted({place[:2] for place in places}):
            self._work.take_turn(f"mirror:{system}:{kind}")
        there = {_place(row) for row in self._rows(places, C.system, C.kind, C.key)}
        late = [each for each in sights if each.place in there]
        return [each for each in sights if each.place not in there], late

    def _insert(self, sights: Sequence[_Sight]) -> dict[Place, Upserted]:
        self._near.clear()
        for some in chunks(sights, 250):  # what is made for each of a page's rows is not held together
            self._connection.execute(schema.record.insert(), [each.columns() for each in some])
            self._serve([each.record for each in some])
            self._wordings.add([each.record for each in some])
        return {each.place: Upserted(each.record, None, "new") for each in sights}

    def _update(self, sights: Sequence[_Sight]) -> dict[Place, Upserted]:
        self._near.clear()
        places = [each.place for each in sights]
        # Read again under a lock, now with the content: another host may have been quicker.
        rows = {_place(row): row for row in self._rows(places, *WHOLE, C.digest, C.gone_at, lock=True)}
        answers: dict[Place, Upserted] = {}
        changed: list[_Sight] = []
        touched: list[_Sight] = []
        moved: list[Record] = []
        reworded: list[Record] = []
        back: list[Record] = []
        for each in sights:
            row = rows[each.place]
            what = each.against(row)
            if row.gone_at is not None:
                back.append(each.record)
            before = _record(row) if what == "changed" else None
            answers[each.place] = Upserted(each.record, before, what)
            if what == "touched":
                touched.append(each)
            elif before is not None:
                changed.append(each)
                if (before.title, before.text) != (each.record.title, each.record.text):
                    reworded.append(each.record)
                if before.services != each.record.services:
                    moved.append(each.record)
        self._write(changed, ("called", "ident", "state", "occurred_at", "body", "digest", "reporter"))
        self._write(touched, ("occurred_at",))
        self._serve(moved, anew=True)
        self._wordings.look_anew()
        self._wordings.change([*reworded, *(one for one in back if one not in reworded)])
        self._wordings.postpone([each.record for each in (*changed, *touched)])
        return answers

    def _write(self, sights: Sequence[_Sight], names: tuple[str, ...]) -> None:
        if not sights:
            return
        written: dict[str, BindParameter[Any]] = {
            name: bindparam(f"new_{name}") for name in (*names, "updated_at", "version", "gone_at")
        }
        here = (C.system == bindparam("old_system"), C.kind == bindparam("old_kind"), C.key == bindparam("old_key"))
        rows = []
        for each in sights:
            columns = each.columns()
            row = {f"new_{name}": columns[name] for name in written}
            rows.append(row | {f"old_{name}": columns[name] for name in ("system", "kind", "key")})
        self._connection.execute(update(schema.record).where(*here).values(**written), rows)

    def _serve(self, records: Sequence[Record], *, anew: bool = False) -> None:
        """Write which services the records are about."""
        if anew and records:
            gone = (S.system == bindparam("a"), S.kind == bindparam("b"), S.key == bindparam("c"))
            here = [{"a": one.ref.system, "b": one.ref.kind, "c": one.ref.key} for one in records]
            self._connection.execute(schema.record_service.delete().where(*gone), here)
        served = [
            {"system": one.ref.system, "kind": one.ref.kind, "key": one.ref.key, "service": service}
            for one in records
            for service in sorted(one.services)
        ]
        if served:
            self._connection.execute(schema.record_service.insert(), served)

    def _rows(self, places: Iterable[Place], *columns: Any, lock: bool = False) -> Iterator[AnyRow]:
        for (system, kind), keys in sorted(_by_kind(places).items()):
            for some in chunks(keys, PAGE):
                # All three in one comparison: told apart, a Postgres that has no statistics of a young table takes
                # system and kind for rare and compares each of their rows with each key.
                keyed = select(literal(system), literal(kind), self._work.each(some))
                query = select(*columns).where(tuple_(C.system, C.kind, C.key).in_(keyed))
                if lock:
                    query = query.order_by(C.key).with_for_update(of=schema.record)
                yield from self._connection.execute(query).all()


def reporter_of(record: Record) -> str | None:
    """What the reporter of a record is known by; None where nobody is named."""
    person = record.person("reporter")
    return who(person) if person else None


def _newest(records: Sequence[Record]) -> Mapping[Place, Record]:
    newest: dict[Place, Record] = {}
    for record in records:
        place = _named(record.ref)
        held = newest.get(place)
        if held is None or _age(held) <= _age(record):
            newest[place] = record
    return newest


def _age(record: Record) -> tuple[datetime, int]:
    return record.updated_at, -1 if record.version is None else record.version


def _sight(place: Place, record: Record) -> _Sight:
    body = encode_record(record)
    return _Sight(record, place, body, digest_of(body), micros(record.updated_at))


def _by_kind(places: Iterable[Place]) -> Mapping[tuple[str, str], list[str]]:
    grouped: dict[tuple[str, str], list[str]] = defaultdict(list)
    for system, kind, key in places:
        grouped[system, kind].append(key)
    return grouped


def _named(ref: Ref) -> Place:
    return ref.system, ref.kind, ref.key


def _place(row: AnyRow) -> Place:
    return row.system, row.kind, row.key


def _record(row: AnyRow) -> Record:
    ref = Ref(row.system, row.kind, row.key)
    return decode_record(row.kind, ref, moment_of(row.updated), row.version, row.body)
