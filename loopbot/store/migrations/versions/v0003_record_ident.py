"""Records are found by their system's own id: one that moved has another key, and the same id."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the index."""
    op.create_index("record_ident", "record", ["ident"], unique=False)
