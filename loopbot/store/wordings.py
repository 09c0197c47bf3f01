"""The index over what records say: kept with the mirror, in the same transaction, and searched by the rarest terms.

SQLite: an FTS5 table that knows which terms stand in which row. Postgres: a GIN index over the same terms. Both are asked
the same question (rows that hold any of a few weighed terms), so both find the same.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain, compress, islice
from typing import Any, TypeAlias

from sqlalchemy import bindparam, delete, exists, func, insert, literal, select, text, tuple_, update

from loopbot.domain.holdings import searched_text
from loopbot.domain.records import Record, Ref
from loopbot.domain.wordings import Sought, Wording
from loopbot.domain.words import KINDS, Kind
from loopbot.judgement.nearness import MOST_HITS, SEARCHED
from loopbot.judgement.wording import wording
from loopbot.store import schema
from loopbot.store.chunks import chunks
from loopbot.store.prepared import OWN
from loopbot.store.schema import AnyRow, micros
from loopbot.store.work import Work

Row: TypeAlias = Mapping[str, Any]
"""What is kept of a record, by column."""

W = schema.wording.c
T = schema.wording_term.c
S = schema.record_service.c
Hits: TypeAlias = tuple["array[int]", "array[int]", "array[int]"]
"""Numbers of wordings, the kinds of their records (places in KINDS) and when these occurred, in microseconds.

Thousands of each, so numbers and not objects.
"""

DAY = 86_400_000_000
EVER = (datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC))
PARTS = 256
REMEMBERED = 4
"""How many searches are remembered within a transaction until something is entered: those of one storm are the same."""
# Any number will do that nothing else locks; the parts are counted from it.
ADVISORY_PARTS = 7_307_200_000
_ADD = text(f"INSERT INTO {schema.SEARCH} (rowid, terms) VALUES (:number, :terms)")  # noqa: S608 - our own name
_REMOVE = text(f"INSERT INTO {schema.SEARCH} ({schema.SEARCH}, rowid, terms) VALUES ('delete', :number, :terms)")  # noqa: S608
_SQLITE_HIT = (
    f"SELECT * FROM (SELECT rowid AS number, :w{{0}} AS weight FROM {schema.SEARCH} WHERE {schema.SEARCH} MATCH :t{{0}} "  # noqa: S608 - our own names
    f"ORDER BY rowid DESC LIMIT {MOST_HITS})"
)
_POSTGRES_HIT = (
    "SELECT * FROM (SELECT number, CAST(:w{0} AS integer) AS weight FROM wording "  # noqa: S608 - our own names
    "WHERE string_to_array(title || ' ' || body, ' ') @> ARRAY[CAST(:t{0} AS text)] "
    f"ORDER BY number DESC LIMIT {MOST_HITS}) AS of_{{0}}"
)
# The discount for length is `nearness.discount`.
_RANKED = """
SELECT wording.number, wording.kind, wording.occurred_at FROM
 (SELECT number, sum(weight) AS score FROM ({hits}) AS hit GROUP BY number) AS scored
 JOIN wording ON wording.number = scored.number
ORDER BY score / CAST(1.0 + wording.length / 150.0 AS double precision) DESC, wording.occurred_at DESC, wording.number
"""
_SERVED = select(W.number).where(
    W.number.in_(bindparam("numbers", expanding=True)),
    exists().where(
        S.system == W.system,
        S.kind == W.kind,
        S.key == W.key,
        S.service.in_(bindparam("services", expanding=True)),
    ),
)
_PLACES: Mapping[str, int] = {kind: place for place, kind in enumerate(KINDS)}
_UNKNOWN = -1
"""A kind that a later version knows."""


class SqlWordings:
    """The index inside one transaction."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._connection = work.connection
        self._part: int | None = None
        self._counted: dict[tuple[frozenset[str], frozenset[str]], dict[str, int]] = {}
        self._hits: dict[tuple[object, ...], Hits] = {}
        self._owned: dict[Ref, AnyRow | None] = {}

    def add(self, records: Sequence[Record]) -> None:
        """Enter records that are not in it."""
        self.enter([_row(record) for record in records if record.kind in SEARCHED and _says(record)])

    def enter(self, rows: Sequence[Row]) -> None:
        """The same for rows that were made already."""
        if not rows:
            return
        self.look_anew()
        if self._work.shared:
            self._connection.execute(insert(schema.wording), rows)
        else:
            last = self._connection.scalar(select(func.max(W.number))) or 0
            rows = [{**row, "number": number} for number, row in enumerate(rows, start=last + 1)]
            self._connection.execute(insert(schema.wording), rows)
            self._connection.execute(_ADD, [{"number": row["number"], "terms": _joined(_terms(row))} for row in rows])
        self._count(Counter(chain.from_iterable(map(_terms, rows))))

    def change(self, records: Sequence[Record]) -> None:
        """Enter records anew; those whose terms are still the same cost nothing more than looking."""
        mine = [record for record in records if record.kind in SEARCHED]
        there = {
            (row.system, row.kind, row.key): row
            for some in chunks([(one.ref.system, one.ref.kind, one.ref.key) for one in mine])
            for row in self._connection.execute(
                select(schema.wording).where(tuple_(W.system, W.kind, W.key).in_(some)).order_by(W.number)
            )
        }
        stale, fresh = [], []
        for record in mine:
            held = there.get((record.ref.system, record.ref.kind, record.ref.key))
            new = _row(record)
            if held is None or (held.title, held.body) != (new["title"], new["body"]):
                fresh.append(record)  # where it says nothing any more, `add` leaves it out
                stale.extend([held] if held is not None else [])
        self._remove(stale)
        self.add(fresh)

    def postpone(self, records: Iterable[Record]) -> None:
        """Note the times of records that occur whenever they last changed, since their systems tell no other time."""
        moved = [
            {"a": one.ref.system, "b": one.ref.kind, "c": one.ref.key, "at": one.occurred_at}
            for one in records
            if one.occurred_at == one.updated_at and one.kind in SEARCHED
        ]
        if moved:
            self.look_anew()
            here = (W.system == bindparam("a"), W.kind == bindparam("b"), W.key == bindparam("c"))
            self._connection.execute(update(schema.wording).where(*here).values(occurred_at=bindparam("at")), moved)

    def forget(self, system: str, kind: str, keys: Sequence[str]) -> None:
        """Take records out of it."""
        here = (W.system == system, W.kind == kind, self._work.among(W.key, keys))
        self._remove(self._connection.execute(select(schema.wording).where(*here)).all())

    def frequencies(self, asked: Wording, but: Ref | None) -> tuple[dict[str, int], int]:
        """How many records hold each term, and how many there are; the one that asks is not counted where it is indexed."""
        own = self._own(but)
        held = frozenset((*own.title.split(), *own.body.split())) if own is not None else frozenset()
        place = (asked.terms, held)
        if place not in self._counted:
            part = select(T.term, func.sum(T.docs)).where(self._work.among(T.term, ["", *sorted(asked.terms)]))
            docs = {term: int(count) for term, count in self._connection.execute(part.group_by(T.term))}
            counted = {term: count - (term in held) for term, count in docs.items() if term}
            found = {term: count for term, count in counted.items() if count > 0}
            if len(self._counted) >= REMEMBERED:
                self._counted.clear()
            self._counted[place] = {**found, "": docs.get("", 0) - (own is not None)}
        found = dict(self._counted[place])
        return found, found.pop("")

    def search(self, sought: Sought, terms: Sequence[tuple[str, int]], but: Ref | None) -> list[int]:
        """The numbers of the wordings that share the most of the weighed terms, those first; `but` is the record that asks."""
        if not terms or not sought.kinds or sought.limit < 1:
            return []
        own = self._own(but)
        since, until = (micros(moment) for moment in (sought.since or EVER[0], sought.until or EVER[1]))
        hits = self._all_hits(terms)
        if sought.services:
            hits = self._served(hits, sought, terms, (since // DAY, until // DAY))
        fitting = _fitting(hits, sought.kinds, since, until)
        return list(islice((number for number in fitting if own is None or number != own.number), sought.limit))

    def _all_hits(self, terms: Sequence[tuple[str, int]]) -> Hits:
        """All that share the terms, the nearest first, whatever they are: of one ticket several judgements ask for several kinds."""
        place = (tuple(terms),)
        if place in self._hits:
            return self._hits[place]
        given: dict[str, Any] = {}
        for index, (term, weight) in enumerate(terms):
            given |= {f"t{index}": term if self._work.shared else f'"{term}"', f"w{index}": weight}
        hit = _POSTGRES_HIT if self._work.shared else _SQLITE_HIT
        hits = " UNION ALL ".join(hit.format(index) for index in range(len(terms)))
        rows = self._connection.execute(text(_RANKED.format(hits=hits)), given).all()
        found = (
            array("q", [row[0] for row in rows]),
            array("b", [_PLACES.get(row[1], _UNKNOWN) for row in rows]),
            array("q", [row[2] for row in rows]),
        )
        return self._remember(place, found)

    def _served(self, hits: Hits, sought: Sought, terms: Sequence[tuple[str, int]], days: tuple[int, int]) -> Hits:
        """Those of the kinds and of these whole days that share a service: in a storm each asks the same of the same."""
        place = (tuple(terms), sought.kinds, sought.services, days)
        if place in self._hits:
            return self._hits[place]
        asked = list(_fitting(hits, sought.kinds, days[0] * DAY, (days[1] + 1) * DAY - 1))
        served: set[int] = set()
        for some in chunks(asked):
            given = {"numbers": some, "services": sorted(sought.services)}
            served.update(self._connection.scalars(_SERVED, given))
        kept = [number in served for number in hits[0]]
        numbers, of, at = (array(each.typecode, compress(each, kept)) for each in hits)
        return self._remember(place, (numbers, of, at))

    def _remember(self, place: tuple[object, ...], hits: Hits) -> Hits:
        if len(self._hits) >= REMEMBERED:
            self._hits.clear()
        self._hits[place] = hits
        return hits

    def look_anew(self) -> None:
        """Forget what was found: a record has changed."""
        self._counted.clear()
        self._hits.clear()
        self._owned.clear()

    def _own(self, ref: Ref | None) -> AnyRow | None:
        if ref is None:
            return None
        if ref not in self._owned:
            if len(self._owned) >= REMEMBERED:
                self._owned.clear()
            given = {"system": ref.system, "kind": ref.kind, "key": ref.key}
            self._owned[ref] = self._connection.execute(OWN, given).first()
        return self._owned[ref]

    def _remove(self, rows: Sequence[AnyRow]) -> None:
        if not rows:
            return
        self.look_anew()
        terms = [frozenset((*row.title.split(), *row.body.split())) for row in rows]
        if not self._work.shared:
            gone = [{"number": row.number, "terms": _joined(held)} for row, held in zip(rows, terms, strict=True)]
            self._connection.execute(_REMOVE, gone)
        for some in chunks(rows):
            self._connection.execute(delete(schema.wording).where(W.number.in_([row.number for row in some])))
        self._count(Counter(chain.from_iterable((*held, "") for held in terms)), sign=-1)

    def _count(self, docs: Counter[str], sign: int = 1) -> None:
        """Add to the counts of terms; "" counts the wordings themselves. Ordered, so that no two wait for each other."""
        entry = self._work.insert(schema.wording_term)
        entry = entry.on_conflict_do_update(
            index_elements=[T.term, T.part], set_={"docs": schema.wording_term.c.docs + entry.excluded.docs}
        )
        for some in chunks(
            sorted(docs), 500
        ):  # a page may bring twenty thousand terms: their rows are not held together
            self._connection.execute(
                entry, [{"term": term, "part": self._mine(), "docs": sign * docs[term]} for term in some]
            )

    def _mine(self) -> int:
        """The part of the counts that is ours alone until this transaction ends: nobody waits for anybody."""
        if self._part is None:
            self._part = 0
            if self._work.shared:
                for part in range(PARTS):
                    lock = select(func.pg_try_advisory_xact_lock(literal(ADVISORY_PARTS + part)))
                    if self._connection.scalar(lock):
                        self._part = part
                        break
        return self._part


def _fitting(hits: Hits, kinds: frozenset[Kind], since: int, until: int) -> Iterator[int]:
    wanted = frozenset(map(_PLACES.__getitem__, kinds))
    return (number for number, kind, at in zip(*hits, strict=True) if kind in wanted and since <= at <= until)


def row_of(ref: Ref, occurred_at: datetime, title: str, text: str) -> Row:
    """What is kept of a record."""
    said = wording(title, text)
    return {
        "system": ref.system,
        "kind": ref.kind,
        "key": ref.key,
        "occurred_at": occurred_at,
        "length": len(said.title) + len(said.body),
        "title": " ".join(said.title),
        "body": " ".join(said.body),
    }


def _row(record: Record) -> Row:
    return row_of(record.ref, record.occurred_at, record.title, searched_text(record))


def _says(record: Record) -> bool:
    """Whether there is anything to be found by: an article that is not for everybody has no words here."""
    return bool(record.title or record.text)


def _terms(row: Row) -> frozenset[str]:
    """What is counted and indexed of a row: its terms, and "" for the row itself."""
    return frozenset((*row["title"].split(), *row["body"].split(), ""))


def _joined(terms: Iterable[str]) -> str:
    return " ".join(sorted(term for term in terms if term))
