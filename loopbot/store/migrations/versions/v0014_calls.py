"""What the nodes of a fleet share of calls: slices of the budgets an hour, and what servers closed."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "call_slice",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("system", KEY, nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sqlite_autoincrement=True,
    )
    op.create_index("call_slice_system", "call_slice", ["system", "until"], unique=False)
    op.create_table(
        "call_closure",
        sa.Column("system", KEY, nullable=False),
        sa.Column("endpoint", KEY, nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("system", "endpoint"),
    )
