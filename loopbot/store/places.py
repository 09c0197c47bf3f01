"""Rows of the mirror by their places: how they are asked for and made into records."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Select, Text, bindparam, select, tuple_, type_coerce

from loopbot.domain.records import Record, Ref
from loopbot.store import schema
from loopbot.store.chunks import chunks
from loopbot.store.codec import decode_record
from loopbot.store.schema import AnyRow, moment_of
from loopbot.store.work import Work, each_of

Place = tuple[str, str, str]
"""System, kind and key."""

C = schema.record.c
# Stamps are compared as they are stored: no need to make times of a page of unchanged rows.
UPDATED = type_coerce(C.updated_at, BigInteger).label("updated")
WHOLE = (C.system, C.kind, C.key, UPDATED, C.version, C.body)
PAGE = 1000


def rows_at(work: Work, places: Iterable[Place], *columns: Any, lock: bool = False) -> Iterator[AnyRow]:
    """These columns of the rows at those places, where there are any; `lock`: nobody changes them until we are done."""
    for (system, kind), keys in sorted(by_kind(places).items()):
        for some in chunks(keys, PAGE):
            of = {"of": system, "sort": kind, "keys": work.several(some)}
            yield from work.connection.execute(_there(work.shared, columns, lock), of).all()


@cache
def _there(shared: bool, columns: tuple[Any, ...], lock: bool) -> Select[tuple[Any, ...]]:  # noqa: FBT001
    """The question of `rows_at`: as every page and every record asks it, it is made once for each choice of columns."""
    # All three in one comparison: told apart, a Postgres that has no statistics of a young table takes
    # system and kind for rare and compares each of their rows with each key.
    keyed = select(bindparam("of", type_=Text), bindparam("sort", type_=Text), each_of(shared, "keys"))
    query = select(*columns).where(tuple_(C.system, C.kind, C.key).in_(keyed))
    return query.order_by(C.key).with_for_update(of=schema.record) if lock else query


def by_kind(places: Iterable[Place]) -> Mapping[tuple[str, str], list[str]]:
    """The keys of places, by system and kind."""
    grouped: dict[tuple[str, str], list[str]] = defaultdict(list)
    for system, kind, key in places:
        grouped[system, kind].append(key)
    return grouped


def named(ref: Ref) -> Place:
    """The place of a record with that ref."""
    return ref.system, ref.kind, ref.key


def place_of(row: AnyRow) -> Place:
    """The place of a row."""
    return row.system, row.kind, row.key


def record_of(row: AnyRow) -> Record:
    """The record a row holds."""
    ref = Ref(row.system, row.kind, row.key)
    return decode_record(row.kind, ref, moment_of(row.updated), row.version, row.body)
