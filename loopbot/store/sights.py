"""Putting what was seen into the mirror: what is new, what has changed, what was only touched, what is late."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy import BindParameter, Table, bindparam, update

from loopbot.domain.holdings import held_by, searched_text
from loopbot.domain.people import who
from loopbot.domain.records import Record, Ref
from loopbot.ports import Upserted
from loopbot.store import schema
from loopbot.store.chunks import chunks
from loopbot.store.codec import digest_of, encode_record
from loopbot.store.places import PAGE, UPDATED, WHOLE, Place, named, place_of, record_of, rows_at
from loopbot.store.schema import AnyRow, micros
from loopbot.store.wordings import SqlWordings
from loopbot.store.work import Work

C = schema.record.c
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


class Sights:
    """What enters sights inside one transaction; `written` is called before anything is."""

    def __init__(self, work: Work, wordings: SqlWordings, written: Callable[[], None]) -> None:
        self._work = work
        self._connection = work.connection
        self._wordings = wordings
        self._written = written

    def put(self, records: Sequence[Record]) -> list[Upserted]:
        """Insert or update; one answer for each record, the newest of its versions in `records`."""
        sights = [_sight(place, record) for place, record in _newest(records).items()]
        answers: dict[Place, Upserted] = {}
        for some in chunks(sights, PAGE):
            answers.update(self._put(some))
        return [answers[each.place] for each in sights]

    def _put(self, sights: Sequence[_Sight]) -> dict[Place, Upserted]:
        brief = (C.system, C.kind, C.key, UPDATED, C.version, C.digest, C.gone_at)
        seen: dict[Place, AnyRow] = {
            row[:3]: row for row in rows_at(self._work, [each.place for each in sights], *brief)
        }
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
        there = {place_of(row) for row in rows_at(self._work, places, C.system, C.kind, C.key)}
        late = [each for each in sights if each.place in there]
        return [each for each in sights if each.place not in there], late

    def _insert(self, sights: Sequence[_Sight]) -> dict[Place, Upserted]:
        self._written()
        for some in chunks(sights, 250):  # what is made for each of a page's rows is not held together
            self._connection.execute(schema.record.insert(), [each.columns() for each in some])
            self._serve([each.record for each in some])
            self._name([each.record for each in some])
            self._wordings.add([each.record for each in some])
        return {each.place: Upserted(each.record, None, "new") for each in sights}

    def _update(self, sights: Sequence[_Sight]) -> dict[Place, Upserted]:
        self._written()
        places = [each.place for each in sights]
        # Read again under a lock, now with the content: another host may have been quicker.
        rows = {place_of(row): row for row in rows_at(self._work, places, *WHOLE, C.digest, C.gone_at, lock=True)}
        answers: dict[Place, Upserted] = {}
        changed: list[_Sight] = []
        touched: list[_Sight] = []
        moved: list[Record] = []
        renamed: list[Record] = []
        reworded: list[Record] = []
        back: list[Record] = []
        for each in sights:
            row = rows[each.place]
            what = each.against(row)
            if row.gone_at is not None:
                back.append(each.record)
            before = record_of(row) if what == "changed" else None
            answers[each.place] = Upserted(each.record, before, what)
            if what == "touched":
                touched.append(each)
            elif before is not None:
                changed.append(each)
                if (before.title, searched_text(before)) != (each.record.title, searched_text(each.record)):
                    reworded.append(each.record)
                if before.services != each.record.services:
                    moved.append(each.record)
                if held_by(before) != held_by(each.record):
                    renamed.append(each.record)
        self._write(changed, ("called", "ident", "state", "occurred_at", "body", "digest", "reporter"))
        self._write(touched, ("occurred_at",))
        self._serve(moved, anew=True)
        self._name(renamed, anew=True)
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
        self._attach(schema.record_service, "service", [(one.ref, one.services) for one in records], anew=anew)

    def _name(self, records: Sequence[Record], *, anew: bool = False) -> None:
        """Write by what else the records may be named."""
        self._attach(schema.record_name, "name", [(one.ref, held_by(one)) for one in records], anew=anew)

    def _attach(self, table: Table, column: str, told: Sequence[tuple[Ref, Collection[str]]], *, anew: bool) -> None:
        """Write what each record has any number of, a row each."""
        if anew and told:
            c = table.c
            gone = (c.system == bindparam("a"), c.kind == bindparam("b"), c.key == bindparam("c"))
            here = [{"a": ref.system, "b": ref.kind, "c": ref.key} for ref, _ in told]
            self._connection.execute(table.delete().where(*gone), here)
        rows = [
            {"system": ref.system, "kind": ref.kind, "key": ref.key, column: each}
            for ref, several in told
            for each in sorted(several)
        ]
        if rows:
            self._connection.execute(table.insert(), rows)


def reporter_of(record: Record) -> str | None:
    """What the reporter of a record is known by; None where nobody is named."""
    person = record.person("reporter")
    return who(person) if person else None


def _newest(records: Sequence[Record]) -> Mapping[Place, Record]:
    newest: dict[Place, Record] = {}
    for record in records:
        place = named(record.ref)
        held = newest.get(place)
        if held is None or _age(held) <= _age(record):
            newest[place] = record
    return newest


def _age(record: Record) -> tuple[datetime, int]:
    return record.updated_at, -1 if record.version is None else record.version


def _sight(place: Place, record: Record) -> _Sight:
    body = encode_record(record)
    return _Sight(record, place, body, digest_of(body), micros(record.updated_at))
