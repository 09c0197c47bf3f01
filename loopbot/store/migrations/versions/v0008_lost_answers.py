"""When the answer to an effect's last sending was given up, besides when it was first sent."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column. What is uncertain now is due to be looked for, and was lost before."""
    op.add_column("outbox", sa.Column("lost_at", sa.BigInteger(), nullable=True))
    op.execute("UPDATE outbox SET lost_at = due_at WHERE state = 'uncertain'")
