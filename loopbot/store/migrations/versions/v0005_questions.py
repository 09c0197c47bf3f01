"""Questions to people, what they answered, and what that taught."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the four tables."""
    _questions()
    op.create_table(
        "answer",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("question", KEY, nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("undone_at", sa.BigInteger(), nullable=True),
        sa.Column("undone_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sqlite_autoincrement=True,
    )
    op.create_index("answer_question", "answer", ["question"], unique=False)
    op.create_table(
        "lesson",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", KEY, nullable=False),
        sa.Column("other", sa.Text(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("answer", sa.BigInteger(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("undone_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("lesson_subject", "lesson", ["subject", "kind"], unique=False)
    op.create_index("lesson_other", "lesson", ["other", "kind"], unique=False)
    op.create_index("lesson_answer", "lesson", ["answer"], unique=False)


def _questions() -> None:
    op.create_table(
        "question",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("subject", KEY, nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("message", KEY, nullable=False),
        sa.Column("reminded_at", sa.BigInteger(), nullable=True),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("answered_by", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("rests_until", sa.BigInteger(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sqlite_autoincrement=True,
    )
    op.create_index("question_key", "question", ["key"], unique=True)
    op.create_index("question_subject", "question", ["subject", "kind"], unique=False)
    op.create_index("question_state", "question", ["state", "asked_at"], unique=False)
    op.create_index("question_message", "question", ["message"], unique=False)
    op.create_table(
        "question_ref",
        sa.Column("key", KEY, nullable=False),
        sa.Column("ref", KEY, nullable=False),
        sa.PrimaryKeyConstraint("key", "ref"),
    )
    op.create_index("question_ref_ref", "question_ref", ["ref"], unique=False)
