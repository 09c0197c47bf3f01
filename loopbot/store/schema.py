"""The tables, once for both databases.

Times are microseconds since 1970 in UTC: exact, and they compare the same everywhere. Refs are written `system:kind:key`.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

from sqlalchemy import (
    DDL,
    TEXT,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Dialect,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    Table,
    Text,
    TypeDecorator,
    event,
    literal_column,
)

from loopbot.domain.records import Ref
from loopbot.store.codec import clean

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010", "0011", "0012", "0013")
"""The migrations this code knows, oldest first; the last one is the schema below."""

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

record = Table(
    "record",
    metadata,
    Column("system", KEY, primary_key=True),
    Column("kind", KEY, primary_key=True),
    Column("key", KEY, primary_key=True),
    Column("called", Words, nullable=False),  # the key in lower case: people write loop-42
    Column("ident", Words, nullable=False),
    Column("state", Text, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("occurred_at", Moment, nullable=False),
    Column("version", BigInteger),
    Column("body", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("gone_at", Moment),
    Column("reporter", Words),  # what they are known by: the e-mail in lower case, else `system:key`
    Index("record_called", "called"),
    Index("record_reporter", "reporter", "occurred_at"),
    Index("record_ident", "ident"),
    Index("record_occurred", "kind", "occurred_at"),
)

record_service = Table(
    "record_service",
    metadata,
    Column("system", KEY, primary_key=True),
    Column("kind", KEY, primary_key=True),
    Column("key", KEY, primary_key=True),
    Column("service", Words, primary_key=True),
    ForeignKeyConstraint(
        ["system", "kind", "key"],
        ["record.system", "record.kind", "record.key"],
        name="record_service_record",
        ondelete="CASCADE",
    ),
)

wording = Table(  # what records say, as terms between spaces: found by meaning, and compared without reading them anew
    "wording",
    metadata,
    Column("number", NUMBER, primary_key=True, autoincrement=True),
    Column("system", KEY, nullable=False),
    Column("kind", KEY, nullable=False),
    Column("key", KEY, nullable=False),
    Column("occurred_at", Moment, nullable=False),
    Column("length", Integer, nullable=False),  # in terms
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Index("wording_record", "system", "kind", "key", unique=True),
)

meaning = Table(  # what texts mean as an encoder says: remembered, and made anew where it was forgotten
    "meaning",
    metadata,
    Column("number", NUMBER, primary_key=True, autoincrement=True),
    Column("encoder", KEY, nullable=False),
    Column("digest", KEY, nullable=False),  # of the text
    Column("vector", LargeBinary, nullable=False),  # numbers of 16 bits
    Index("meaning_text", "encoder", "digest", unique=True),
    sqlite_autoincrement=True,
)

wording_term = Table(  # in how many wordings each term stands; parts, so that several hosts can count at once
    "wording_term",
    metadata,
    Column("term", KEY, primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("docs", BigInteger, nullable=False),
)

SEARCH = "wording_index"
"""The index over terms, and the beginning of the names of what SQLite keeps it in; Alembic knows nothing of either."""
# Which terms stand in which wording, and nothing else: the terms themselves are in the table.
INDEXED = {
    "sqlite": f"CREATE VIRTUAL TABLE {SEARCH} USING fts5(terms, content='', detail=none, columnsize=0, tokenize='ascii')",
    "postgresql": f"CREATE INDEX {SEARCH} ON wording USING gin (string_to_array(title || ' ' || body, ' ')) "
    "WITH (gin_pending_list_limit = 512)",
}
for _dialect, _statement in INDEXED.items():
    event.listen(wording, "after_create", DDL(_statement).execute_if(dialect=_dialect))  # type: ignore[no-untyped-call]  # SQLAlchemy's
_DROP = DDL(f"DROP TABLE IF EXISTS {SEARCH}").execute_if(dialect="sqlite")  # type: ignore[no-untyped-call]  # SQLAlchemy's
event.listen(wording, "before_drop", _DROP)

link = Table(
    "link",
    metadata,
    Column("source", RefText, primary_key=True),
    Column("relation", Text, primary_key=True),
    Column("target", RefText, primary_key=True),
    Column("confidence", Float(53), nullable=False),
    Column("because", Words, nullable=False),
    Column("by", Words, nullable=False),
    Column("at", Moment, nullable=False),
    Column("said_by_person", Boolean, nullable=False),
    Column("rejected", Boolean, nullable=False),
    Index("link_target", "target"),
)

link_stated = Table(
    "link_stated",
    metadata,
    Column("stated_by", RefText, primary_key=True),  # the record whose own system says so; both ends may
    Column("source", RefText, primary_key=True),
    Column("relation", Text, primary_key=True),
    Column("target", RefText, primary_key=True),
    Index("link_stated_link", "source", "relation", "target"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("number", NUMBER, primary_key=True, autoincrement=True),
    Column("key", KEY, nullable=False),
    Column("rule", Words, nullable=False),
    Column("verb", Text, nullable=False),
    Column("system", KEY, nullable=False),
    Column("subject", RefText, nullable=False),
    Column("lane", Words, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("planned_at", Moment, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("claimed_until", Moment),
    Column("holder", Words),
    Column("sent_at", Moment),  # first
    Column("lost_at", Moment),  # when the answer to the last sending was given up: it had begun by then
    Column("settled_at", Moment),
    Column("body", Text, nullable=False),
    Column("digest", Text, nullable=False),  # of a post's text: a changed one is due again
    Column("sent_digest", Text),  # what went out last
    Column("receipt", Text),
    Column("ref", RefText),  # the receipt's: what pending refs become
    Column("why", Words, nullable=False),
    Index("outbox_key", "key", unique=True),
    Index("outbox_state", "state", "system"),
    Index("outbox_rule", "rule", "state", "planned_at"),
    sqlite_autoincrement=True,
)
LIVE = outbox.c.state.in_([PLANNED, SENDING, UNCERTAIN])
# The same conditions hold on Postgres (`_conditions_on_postgres`): said here they would load its dialect, 3 MB, on SQLite too.
Index("outbox_planned", outbox.c.system, outbox.c.number, sqlite_where=outbox.c.state == PLANNED)
Index("outbox_lane", outbox.c.lane, outbox.c.number, sqlite_where=LIVE)
# The promise that a lane is never sent twice at once, kept by the database itself.
Index(
    "outbox_sending",
    outbox.c.lane,
    unique=True,
    sqlite_where=outbox.c.state == SENDING,
)

outbox_need = Table(
    "outbox_need",
    metadata,
    Column("key", KEY, ForeignKey("outbox.key", name="outbox_need_key", ondelete="CASCADE"), primary_key=True),
    Column("needs", KEY, ForeignKey("outbox.key", name="outbox_need_needs", ondelete="CASCADE"), primary_key=True),
    Index("outbox_need_needs_key", "needs"),
)

outbox_ref = Table(
    "outbox_ref",
    metadata,
    Column("key", KEY, ForeignKey("outbox.key", name="outbox_ref_key", ondelete="CASCADE"), primary_key=True),
    Column("ref", RefText, primary_key=True),
    Index("outbox_ref_ref", "ref"),
)

bundle = Table(
    "bundle",
    metadata,
    Column("key", KEY, ForeignKey("outbox.key", name="bundle_key", ondelete="CASCADE"), primary_key=True),
    Column("leader", KEY, nullable=False),  # the effect whose message holds it; its own key: it is sent by itself
    Index("bundle_leader", "leader"),
)

preference = Table(
    "preference",
    metadata,
    Column("person", Words, primary_key=True),
    Column("name", Words, primary_key=True),
    Column("value", Words, nullable=False),
    Column("at", Moment, nullable=False),
    Index("preference_name", "name", "at"),
)

acquaintance = Table(
    "acquaintance",
    metadata,
    Column("system", KEY, primary_key=True),
    Column("person", Words, primary_key=True),
    Column("standing", Text, nullable=False),
    Column("ident", KEY, nullable=False),
    Column("name", Words, nullable=False),
    Column("zone", Words, nullable=False),
    Column("why", Words, nullable=False),
    Column("checked_at", Moment, nullable=False),
)

spoken = Table(
    "spoken",
    metadata,
    Column("number", NUMBER, primary_key=True, autoincrement=True),
    Column("lane", Words, nullable=False),
    Column("at", Moment, nullable=False),
    Index("spoken_lane", "lane", "at"),
    sqlite_autoincrement=True,
)

reply = Table(
    "reply",
    metadata,
    Column("key", KEY, primary_key=True),  # of the effect whose message asked
    Column("person", Words, primary_key=True),
    Column("about", RefText, nullable=False),
    Column("question", Words, nullable=False),
    Column("answer", Words, nullable=False),
    Column("words", Words, nullable=False),
    Column("at", Moment, nullable=False),
    Index("reply_at", "at"),
)

turn = Table("turn", metadata, Column("name", KEY, primary_key=True))

timer = Table(
    "timer",
    metadata,
    Column("rule", Words, primary_key=True),
    Column("subject", RefText, primary_key=True),
    Column("name", Words, primary_key=True),
    Column("at", Moment, nullable=False),
    Index("timer_at", "at"),
    Index("timer_subject", "subject"),
)

cursor = Table(
    "cursor",
    metadata,
    Column("stream", KEY, primary_key=True),
    Column("position", Words, nullable=False),
    Column("moved_at", Moment, nullable=False),
)

cycle = Table(
    "cycle",
    metadata,
    Column("number", NUMBER, primary_key=True, autoincrement=True),
    Column("stream", KEY, nullable=False),
    Column("body", Text, nullable=False),
    Index("cycle_stream", "stream", "number"),
    sqlite_autoincrement=True,
)

lease = Table(
    "lease",
    metadata,
    Column("name", KEY, primary_key=True),
    Column("holder", Words, nullable=False),
    Column("token", BigInteger, nullable=False),
    Column("until", Moment, nullable=False),
)

journal = Table(
    "journal",
    metadata,
    Column("number", NUMBER, primary_key=True, autoincrement=True),
    Column("at", Moment, nullable=False),
    Column("rule", Words, nullable=False),
    Column("subject", RefText, nullable=False),
    Column("what", Words, nullable=False),
    Column("because", Words, nullable=False),
    Index("journal_subject", "subject", "number"),
    Index("journal_at", "at"),
    sqlite_autoincrement=True,
)

quarantine = Table(
    "quarantine",
    metadata,
    Column("place", Words, primary_key=True),
    Column("ident", Words, primary_key=True),
    Column("why", Words, nullable=False),
    Column("excerpt", Words, nullable=False),
    Column("first_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
    Column("tries", Integer, nullable=False),
)

agreed = Table(
    "agreed",
    metadata,
    Column("source", RefText, primary_key=True),  # the mirror
    Column("target", RefText, primary_key=True),  # what it mirrors
    Column("field", Text, primary_key=True),
    Column("key", KEY),  # of the effect that wrote it last
    Column("body", Text, nullable=False),
    Index("agreed_target", "target"),
)

conflict = Table(
    "conflict",
    metadata,
    Column("number", NUMBER, primary_key=True, autoincrement=True),
    Column("at", Moment, nullable=False),
    Column("rule", Words, nullable=False),
    Column("source", RefText, nullable=False),
    Column("target", RefText, nullable=False),
    Column("field", Text, nullable=False),
    Column("loser", RefText, nullable=False),
    Column("lost", Words, nullable=False),
    Column("kept", Words, nullable=False),
    Index("conflict_source", "source"),
    Index("conflict_target", "target"),
    sqlite_autoincrement=True,
)

question = Table(
    "question",
    metadata,
    Column("number", NUMBER, primary_key=True, autoincrement=True),
    Column("key", KEY, nullable=False),
    Column("kind", Text, nullable=False),
    Column("rule", Words, nullable=False),
    Column("subject", RefText, nullable=False),
    Column("audience", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("round", Integer, nullable=False),
    Column("asked_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("message", KEY, nullable=False),  # of the effect that asks it; "" for none yet
    Column("reminded_at", Moment),
    Column("answered_at", Moment),
    Column("answered_by", Words, nullable=False),
    Column("answer", Words, nullable=False),
    Column("rests_until", Moment),  # none after an answer: for good
    Column("why", Words, nullable=False),
    Index("question_key", "key", unique=True),
    Index("question_subject", "subject", "kind"),
    Index("question_state", "state", "asked_at"),
    Index("question_message", "message"),
    sqlite_autoincrement=True,
)

question_ref = Table(
    "question_ref",
    metadata,
    Column("key", KEY, primary_key=True),
    Column("ref", RefText, primary_key=True),
    Index("question_ref_ref", "ref"),
)

answer = Table(
    "answer",
    metadata,
    Column("number", NUMBER, primary_key=True, autoincrement=True),
    Column("question", KEY, nullable=False),
    Column("answer", Words, nullable=False),
    Column("detail", Words, nullable=False),
    Column("by", Words, nullable=False),
    Column("at", Moment, nullable=False),
    Column("undone_at", Moment),
    Column("undone_by", Words, nullable=False),
    Index("answer_question", "question"),
    sqlite_autoincrement=True,
)

lesson = Table(
    "lesson",
    metadata,
    Column("id", NUMBER, primary_key=True, autoincrement=True),
    Column("at", Moment, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", RefText, nullable=False),
    Column("other", Words, nullable=False),  # a ref, a topic; "" for none at all
    Column("verdict", Text, nullable=False),
    Column("by", Words, nullable=False),
    Column("answer", BigInteger, nullable=False),  # what it followed from; 0: nothing that was asked
    Column("before", Words, nullable=False),
    Column("undone_at", Moment),
    Index("lesson_subject", "subject", "kind"),
    Index("lesson_other", "other", "kind"),
    Index("lesson_answer", "answer"),
    sqlite_autoincrement=True,
)

inbox = Table(
    "inbox",
    metadata,
    Column("stream", KEY, primary_key=True),
    Column("called", KEY, primary_key=True),  # the record's key in lower case; "" for the whole stream
    Column("changed_at", Moment),  # by its own system; none: not told
    Column("first_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
    Column("asked_at", Moment),
    Column("due_at", Moment, nullable=False),
    Column("tries", Integer, nullable=False),
)

inbox_delivery = Table(
    "inbox_delivery",
    metadata,
    Column("name", KEY, primary_key=True),
    Column("at", Moment, nullable=False),
    Index("inbox_delivery_at", "at"),
)

fact = Table(
    "fact",
    metadata,
    Column("name", Words, primary_key=True),
    Column("value", Words, nullable=False),
)

label = Table(
    "label",
    metadata,
    Column("digest", KEY, primary_key=True),  # of the project, the title and the text
    Column("title", Words, nullable=False),
    Column("text", Words, nullable=False),
    Column("project", Words, nullable=False),
    Column("topic", Text, nullable=False),
    Column("source", Words, nullable=False),
    Column("at", Moment, nullable=False),
)

model = Table(
    "model",
    metadata,
    Column("kind", KEY, primary_key=True),
    Column("version", KEY, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("labels", Integer, nullable=False),
    Column("summary", Words, nullable=False),
    Column("body", Text, nullable=False),
)


@event.listens_for(metadata, "before_create")
def _conditions_on_postgres(_: object, connection: Connection, **__: object) -> None:
    """Partial indexes are partial on both databases."""
    if connection.dialect.name != "postgresql":
        return
    for index in (index for table in metadata.tables.values() for index in table.indexes):
        condition = index.dialect_options["sqlite"]["where"]
        if condition is not None:
            index.dialect_options["postgresql"]["where"] = condition
