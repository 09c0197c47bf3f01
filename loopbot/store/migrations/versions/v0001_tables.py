"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create every table."""
    _records()
    _effects()
    _progress()
    _accounts()


def _records() -> None:
    op.create_table(
        "record",
        sa.Column("system", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("called", sa.Text(), nullable=False),
        sa.Column("ident", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("gone_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("system", "kind", "key"),
    )
    op.create_index("record_called", "record", ["called"], unique=False)
    op.create_index("record_occurred", "record", ["kind", "occurred_at"], unique=False)
    op.create_table(
        "record_service",
        sa.Column("system", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["system", "kind", "key"],
            ["record.system", "record.kind", "record.key"],
            name="record_service_record",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("system", "kind", "key", "service"),
    )
    op.create_table(
        "link",
        sa.Column("source", KEY, nullable=False),
        sa.Column("relation", sa.Text(), nullable=False),
        sa.Column("target", KEY, nullable=False),
        sa.Column("confidence", sa.Float(precision=53), nullable=False),
        sa.Column("because", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("said_by_person", sa.Boolean(), nullable=False),
        sa.Column("rejected", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("source", "relation", "target"),
    )
    op.create_index("link_target", "link", ["target"], unique=False)
    op.create_table(
        "link_stated",
        sa.Column("stated_by", KEY, nullable=False),
        sa.Column("source", KEY, nullable=False),
        sa.Column("relation", sa.Text(), nullable=False),
        sa.Column("target", KEY, nullable=False),
        sa.PrimaryKeyConstraint("stated_by", "source", "relation", "target"),
    )
    op.create_index("link_stated_link", "link_stated", ["source", "relation", "target"], unique=False)


def _effects() -> None:
    op.create_table(
        "outbox",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("system", KEY, nullable=False),
        sa.Column("subject", KEY, nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("planned_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("claimed_until", sa.BigInteger(), nullable=True),
        sa.Column("holder", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("sent_digest", sa.Text(), nullable=True),
        sa.Column("receipt", sa.Text(), nullable=True),
        sa.Column("ref", KEY, nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sqlite_autoincrement=True,
    )
    op.create_index("outbox_key", "outbox", ["key"], unique=True)
    op.create_index(
        "outbox_lane",
        "outbox",
        ["lane", "number"],
        unique=False,
        sqlite_where=sa.text("state IN ('planned', 'sending', 'uncertain')"),
        postgresql_where=sa.text("state IN ('planned', 'sending', 'uncertain')"),
    )
    op.create_index(
        "outbox_planned",
        "outbox",
        ["system", "number"],
        unique=False,
        sqlite_where=sa.text("state = 'planned'"),
        postgresql_where=sa.text("state = 'planned'"),
    )
    op.create_index("outbox_rule", "outbox", ["rule", "state", "planned_at"], unique=False)
    op.create_index(
        "outbox_sending",
        "outbox",
        ["lane"],
        unique=True,
        sqlite_where=sa.text("state = 'sending'"),
        postgresql_where=sa.text("state = 'sending'"),
    )
    op.create_index("outbox_state", "outbox", ["state", "system"], unique=False)
    op.create_table(
        "outbox_need",
        sa.Column("key", KEY, nullable=False),
        sa.Column("needs", KEY, nullable=False),
        sa.ForeignKeyConstraint(["key"], ["outbox.key"], name="outbox_need_key", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["needs"], ["outbox.key"], name="outbox_need_needs", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("key", "needs"),
    )
    op.create_index("outbox_need_needs_key", "outbox_need", ["needs"], unique=False)
    op.create_table(
        "outbox_ref",
        sa.Column("key", KEY, nullable=False),
        sa.Column("ref", KEY, nullable=False),
        sa.ForeignKeyConstraint(["key"], ["outbox.key"], name="outbox_ref_key", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("key", "ref"),
    )
    op.create_index("outbox_ref_ref", "outbox_ref", ["ref"], unique=False)
    op.create_table("turn", sa.Column("name", KEY, nullable=False), sa.PrimaryKeyConstraint("name"))


def _progress() -> None:
    op.create_table(
        "timer",
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("subject", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("rule", "subject", "name"),
    )
    op.create_index("timer_at", "timer", ["at"], unique=False)
    op.create_index("timer_subject", "timer", ["subject"], unique=False)
    op.create_table(
        "cursor",
        sa.Column("stream", KEY, nullable=False),
        sa.Column("position", sa.Text(), nullable=False),
        sa.Column("moved_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("stream"),
    )
    op.create_table(
        "cycle",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("stream", KEY, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sqlite_autoincrement=True,
    )
    op.create_index("cycle_stream", "cycle", ["stream", "number"], unique=False)
    op.create_table(
        "lease",
        sa.Column("name", KEY, nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def _accounts() -> None:
    op.create_table(
        "journal",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("subject", KEY, nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("because", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sqlite_autoincrement=True,
    )
    op.create_index("journal_at", "journal", ["at"], unique=False)
    op.create_index("journal_subject", "journal", ["subject", "number"], unique=False)
    op.create_table(
        "quarantine",
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("ident", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("excerpt", sa.Text(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("place", "ident"),
    )
    op.create_table(
        "fact",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
