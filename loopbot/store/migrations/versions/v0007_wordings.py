"""What records say, as terms, with an index over them; records that are mirrored already are read once more for it."""

import sqlalchemy as sa
from alembic import op

from loopbot.store.schema import INDEXED

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables and the index, and fill them."""
    op.create_table(
        "wording",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("system", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
    )
    op.create_index("wording_record", "wording", ["system", "kind", "key"], unique=True)
    op.create_table(
        "wording_term",
        sa.Column("term", KEY, nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("docs", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("term", "part"),
    )
    op.execute(INDEXED[op.get_bind().dialect.name])
