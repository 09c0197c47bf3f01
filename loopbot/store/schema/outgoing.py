"""Tables of what is to be written and told, and to whom."""

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text

from loopbot.store.schema.columns import KEY, NUMBER, PLANNED, SENDING, UNCERTAIN, Moment, RefText, Words, metadata

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
