"""The types of columns, the same on both databases."""

from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from sqlalchemy import (
    TEXT,
    BigInteger,
    ColumnElement,
    Dialect,
    Integer,
    MetaData,
    Row,
    Text,
    TypeDecorator,
    literal_column,
)

from loopbot.domain.records import Ref
from loopbot.store.codec import clean

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
NEVER = datetime.max.replace(tzinfo=UTC)
"""Not by itself."""


def micros(moment: datetime) -> int:
    """Microseconds since 1970; raises ValueError for a time without a zone (`datetime.max` alone stands for never)."""
    if moment.tzinfo is None:
        if moment != datetime.max:  # noqa: DTZ901  # the mark for "never", which has no zone of its own
            message = f"{moment.isoformat()} has no time zone; every time in loopbot is aware and in UTC"
            raise ValueError(message)
        moment = NEVER
    return (moment - EPOCH) // MICROSECOND


def moment_of(stored: int) -> datetime:
    """The time again."""
    return EPOCH + timedelta(microseconds=stored)


AnyRow: TypeAlias = Row[*tuple[Any, ...]]
"""A row of whatever columns a query named."""


class Moment(TypeDecorator[datetime]):
    """A time."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """To the database."""
        return None if value is None else micros(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """From the database."""
        return None if value is None else moment_of(value)


class Words(TypeDecorator[str]):
    """Free text, cleaned of what Postgres refuses."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """To the database."""
        return None if value is None else clean(value)


class RefText(TypeDecorator[Ref]):
    """A ref in its written form."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """Ordered by bytes, as keys are."""
        return TEXT(collation="C") if dialect.name == "postgresql" else TEXT()

    def process_bind_param(self, value: Ref | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """To the database."""
        return None if value is None else str(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> Ref | None:  # noqa: ARG002
        """From the database."""
        return None if value is None else Ref(*value.split(":", 2))


# Keys are ordered by bytes on both databases: pages of `all` and beginnings of keys rest on it.
KEY = Text().with_variant(Text(collation="C"), "postgresql")
NUMBER = BigInteger().with_variant(Integer(), "sqlite")
# SQLite uses a partial index only where the query repeats its condition literally.
PLANNED: ColumnElement[str] = literal_column("'planned'")
SENDING: ColumnElement[str] = literal_column("'sending'")
UNCERTAIN: ColumnElement[str] = literal_column("'uncertain'")

metadata = MetaData()
