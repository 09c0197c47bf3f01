"""Tables of where reading stands, what came in, what people decided and what was learnt."""

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from loopbot.store.schema.columns import KEY, NUMBER, Moment, RefText, Words, metadata

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

heard = Table(
    "heard",
    metadata,
    Column("number", NUMBER, primary_key=True, autoincrement=True),
    Column("name", KEY, nullable=False),
    Column("system", KEY, nullable=False),
    Column("kind", Text, nullable=False),
    Column("about", KEY, nullable=False),  # whose word about what; "" for none
    Column("body", Words, nullable=False),  # "" once it is done
    Column("at", Moment, nullable=False),
    Column("due_at", Moment),  # when somebody else may do it; none: it is done
    Column("tries", Integer, nullable=False),
    Index("heard_name", "name", unique=True),
    Index("heard_about", "about", "number"),
    Index("heard_due", "due_at"),
    sqlite_autoincrement=True,
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
