"""What people did in a chat, kept until it is done."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "heard",
        sa.Column("number", NUMBER, autoincrement=True, nullable=False),
        sa.Column("name", KEY, nullable=False),
        sa.Column("system", KEY, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("about", KEY, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sqlite_autoincrement=True,
    )
    op.create_index("heard_about", "heard", ["about", "number"], unique=False)
    op.create_index("heard_due", "heard", ["due_at"], unique=False)
    op.create_index("heard_name", "heard", ["name"], unique=True)
