"""The mirror: every record as last seen, and what putting a newer sight of it changed."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import BigInteger, BindParameter, and_, bindparam, exists, func, select, tuple_, type_coerce, update

from loopbot.domain.records import Record, Ref
from loopbot.domain.words import Kind
from loopbot.ports import Upserted
from loopbot.store import schema
from loopbot.store.chunks import chunks
from loopbot.store.codec import decode_record, digest_of, encode_record
from loopbot.store.database import Work
from loopbot.store.schema import AnyRow, micros, moment_of

C = schema.record.c
S = schema.record_service.c
# Stamps are compared as they are stored: no need to make times of a page of unchanged rows.
UPDATED = type_coerce(C.updated_at, BigInteger).label("updated")
WHOLE = (C.system, C.kind, C.key, UPDATED, C.version, C.body)
PAGE = 1000

What = Literal["new", "changed", "touched", "same"]


@dataclass(frozen=True, slots=True)
class _Sight:
    """A record as it would be stored."""

    record: Record
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
        }


class SqlMirror:
    """The mirror inside one transaction."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._connection = work.connection

    def put(self, records: Sequence[Record]) -> list[Upserted]:
        """Insert or update; one answer for each record, the newest of its versions in `records`.

        `before` is there for `changed` alone.
        """
        sights = [_sight(record) for record in _newest(records)]
        answers: dict[Ref, Upserted] = {}
        for some in chunks(sights, PAGE):
            answers.update(self._put(some))
        return [answers[each.record.ref] for each in sights]

    def get(self, ref: Ref) -> Record | None:
        """The record, also one that is gone: what was last seen of it."""
        return self.many((ref,)).get(ref)

    def many(self, refs: Collection[Ref]) -> dict[Ref, Record]:
        """Those of the refs that were ever seen."""
        found = (_record(row) for row in self._rows(refs, *WHOLE))
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

    def count(self, system: str, kind: str) -> int:
        """How many are mirrored and not gone."""
        query = select(func.count()).where(C.system == system, C.kind == kind, C.gone_at.is_(None))
        return self._connection.scalar(query.select_from(schema.record)) or 0

    def between(self, kind: Kind, since: datetime, until: datetime, services: frozenset[str]) -> list[Record]:
        """Records that occurred in [since, until], newest first; with `services`, those that share one of them."""
        query = select(*WHOLE).where(C.kind == kind, C.occurred_at.between(since, until), C.gone_at.is_(None))
        if services:
            same = and_(S.system == C.system, S.kind == C.kind, S.key == C.key, S.service.in_(sorted(services)))
            query = query.where(exists().where(same))
        return [
            _record(row)
            for row in self._connection.execute(query.order_by(C.occurred_at.desc(), C.system, C.kind, C.key))
        ]

    def gone(self, refs: Collection[Ref]) -> None:
        """Their systems hold them no longer; seen again, they are back."""
        now = self._work.now()
        for (system, kind), keys in _by_kind(refs).items():
            for some in chunks(keys, PAGE):
                there = (C.system == system, C.kind == kind, C.key.in_(some), C.gone_at.is_(None))
                self._connection.execute(update(schema.record).where(*there).values(gone_at=now))

    def _put(self, sights: Sequence[_Sight]) -> dict[Ref, Upserted]:
        brief = (C.system, C.kind, C.key, UPDATED, C.version, C.digest, C.gone_at)
        seen = {_ref(row): row for row in self._rows([each.record.ref for each in sights], *brief)}
        answers: dict[Ref, Upserted] = {}
        other: list[_Sight] = []
        new: list[_Sight] = []
        for each in sights:
            row = seen.get(each.record.ref)
            if row is None:
                new.append(each)
            elif each.against(row) == "same":
                answers[each.record.ref] = Upserted(each.record, None, "same")
            else:
                other.append(each)
        if new:
            inserted = self._insert(new)
            answers.update((each.record.ref, each) for each in inserted)
            # Where several hosts write, someone may have inserted one meanwhile: then it is an update.
            other += [each for each in new if each.record.ref not in answers]
        if other:
            answers.update(self._update(sorted(other, key=lambda each: each.record.ref)))
        return answers

    def _insert(self, sights: Sequence[_Sight]) -> list[Upserted]:
        ordered = sorted(sights, key=lambda each: each.record.ref)  # two writers never wait for each other in a ring
        statement = self._work.insert(schema.record).on_conflict_do_nothing().returning(C.system, C.kind, C.key)
        there = {_ref(row) for row in self._connection.execute(statement, [each.columns() for each in ordered])}
        mine = [each.record for each in sights if each.record.ref in there]
        self._serve(mine)
        return [Upserted(record, None, "new") for record in mine]

    def _update(self, sights: Sequence[_Sight]) -> dict[Ref, Upserted]:
        refs = [each.record.ref for each in sights]
        # Read again under a lock, now with the content: another host may have been quicker.
        rows = {_ref(row): row for row in self._rows(refs, *WHOLE, C.digest, C.gone_at, lock=True)}
        answers: dict[Ref, Upserted] = {}
        changed: list[_Sight] = []
        touched: list[_Sight] = []
        for each in sights:
            row = rows[each.record.ref]
            what = each.against(row)
            before = _record(row) if what == "changed" else None
            answers[each.record.ref] = Upserted(each.record, before, what)
            if what == "changed":
                changed.append(each)
            elif what == "touched":
                touched.append(each)
        self._write(changed, ("called", "ident", "state", "occurred_at", "body", "digest"))
        self._write(touched, ("occurred_at",))
        moved = [answers[each.record.ref] for each in changed]
        self._serve(
            [one.record for one in moved if one.before and one.before.services != one.record.services], anew=True
        )
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

    def _serve(self, records: Iterable[Record], *, anew: bool = False) -> None:
        """Write which services the records are about."""
        served = [
            {"system": one.ref.system, "kind": one.ref.kind, "key": one.ref.key, "service": service}
            for one in records
            for service in sorted(one.services)
        ]
        if anew:
            for (system, kind), keys in _by_kind([one.ref for one in records]).items():
                there = (S.system == system, S.kind == kind, S.key.in_(keys))
                self._connection.execute(schema.record_service.delete().where(*there))
        if served:
            self._connection.execute(schema.record_service.insert(), served)

    def _rows(self, refs: Collection[Ref], *columns: Any, lock: bool = False) -> Iterator[AnyRow]:
        for (system, kind), keys in sorted(_by_kind(refs).items()):
            for some in chunks(keys, PAGE):
                query = select(*columns).where(C.system == system, C.kind == kind, C.key.in_(some))
                if lock:
                    query = query.order_by(C.key).with_for_update()
                yield from self._connection.execute(query)


def _newest(records: Sequence[Record]) -> list[Record]:
    newest: dict[Ref, Record] = {}
    for record in records:
        held = newest.get(record.ref)
        if held is None or _age(held) <= _age(record):
            newest[record.ref] = record
    return list(newest.values())


def _age(record: Record) -> tuple[datetime, int]:
    return record.updated_at, -1 if record.version is None else record.version


def _sight(record: Record) -> _Sight:
    body = encode_record(record)
    return _Sight(record, body, digest_of(body), micros(record.updated_at))


def _by_kind(refs: Iterable[Ref]) -> Mapping[tuple[str, str], list[str]]:
    grouped: dict[tuple[str, str], list[str]] = defaultdict(list)
    for ref in refs:
        grouped[ref.system, ref.kind].append(ref.key)
    return grouped


def _ref(row: AnyRow) -> Ref:
    return Ref(row.system, row.kind, row.key)


def _record(row: AnyRow) -> Record:
    return decode_record(row.kind, _ref(row), moment_of(row.updated), row.version, row.body)
