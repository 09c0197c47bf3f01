"""Tables of what is mirrored: records, what they say and mean, links."""

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    event,
)

from loopbot.store.schema.columns import KEY, NUMBER, Moment, RefText, Words, metadata

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

record_name = Table(  # by what else records are named: commits, pull requests and versions that they brought
    "record_name",
    metadata,
    Column("system", KEY, primary_key=True),
    Column("kind", KEY, primary_key=True),
    Column("key", KEY, primary_key=True),
    Column("name", KEY, primary_key=True),
    ForeignKeyConstraint(
        ["system", "kind", "key"],
        ["record.system", "record.kind", "record.key"],
        name="record_name_record",
        ondelete="CASCADE",
    ),
    Index("record_name_name", "name"),
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
