"""Records are found by who reported them: people ask where their own reports stand."""

from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_PAGE = 5_000
_ROWS = sa.table("record", *(sa.column(name) for name in ("system", "kind", "key", "body", "reporter")))
_PLACE = sa.tuple_(_ROWS.c.system, _ROWS.c.kind, _ROWS.c.key)


def upgrade() -> None:
    """Add the column, fill it from the records that are there, and index it."""
    op.add_column("record", sa.Column("reporter", sa.Text(), nullable=True))
    connection = op.get_bind()
    query = sa.select(_ROWS.c.system, _ROWS.c.kind, _ROWS.c.key, _ROWS.c.body).order_by(*_PLACE).limit(_PAGE)
    here = (_ROWS.c.system == sa.bindparam("a"), _ROWS.c.kind == sa.bindparam("b"), _ROWS.c.key == sa.bindparam("c"))
    change = sa.update(_ROWS).where(*here).values(reporter=sa.bindparam("d"))
    page = connection.execute(query).all()
    while page:
        found = [
            {"a": row.system, "b": row.kind, "c": row.key, "d": who} for row in page if (who := _reporter(row.body))
        ]
        if found:
            connection.execute(change, found)
        last = page[-1]
        page = connection.execute(query.where(sa.tuple_(last.system, last.kind, last.key) < _PLACE)).all()
    op.create_index("record_reporter", "record", ["reporter", "occurred_at"], unique=False)


def _reporter(body: str) -> str | None:
    """What the reporter is known by, as people.who says when a record is written."""
    people: list[dict[str, Any]] = orjson.loads(body).get("people", [])
    person = next((one["person"] for one in people if one.get("role") == "reporter"), None)
    if person is None:
        return None
    return str(person.get("email") or "").strip().casefold() or f"{person['system']}:{person['key']}"
