"""What people want, who they are in a chat, when they were written to, and which effects share a message."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "bundle",
        sa.Column("key", KEY, nullable=False),
        sa.Column("leader", KEY, nullable=False),
        sa.ForeignKeyConstraint(["key"], ["outbox.key"], name="bundle_key", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("bundle_leader", "bundle", ["leader"], unique=False)
    op.create_table(
        "preference",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person", "name"),
    )
    op.create_index("preference_name", "preference", ["name", "at"], unique=False)
    op.create_table(
        "acquaintance",
        sa.Column("system", KEY, nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.Column("ident", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("checked_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("system", "person"),
    )
    op.create_table(
        "spoken",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sqlite_autoincrement=True,
    )
    op.create_index("spoken_lane", "spoken", ["lane", "at"], unique=False)
