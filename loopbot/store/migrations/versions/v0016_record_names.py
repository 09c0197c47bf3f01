"""Records are found by what they brought: a ticket names a commit, a pull request or a version, and means a deployment."""

import re
from typing import Any

import orjson
import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_PAGE = 5_000
_PLACED = ("system", "kind", "key")
_ROWS = sa.table("record", *(sa.column(name) for name in (*_PLACED, "body")))
_NAMES = sa.table("record_name", *(sa.column(name) for name in (*_PLACED, "name")))
_PLACE = sa.tuple_(_ROWS.c.system, _ROWS.c.kind, _ROWS.c.key)
_TAGGED = re.compile(r"(?<![\d.])\d{1,4}(?:\.\d{1,5}){1,3}(?:-[A-Za-z0-9.]{1,20})?(?![\w.])")
_TITLED = re.compile(
    r"\b(?:deploy|releas|roll(?:ed|ing)?[ -]?out|go(?:es|ing)?[ -]live|install|ship|upgrad)\w*\b[^\n]{0,60}?[ \t(]"
    r"(?:v(?=\d)|(?=\d{1,4}\.\d{1,5}\.\d))(\d{1,4}(?:\.\d{1,5}){1,3}(?:-[A-Za-z0-9.]{1,20})?)(?!\w)",
    re.IGNORECASE,
)


def upgrade() -> None:
    """Create the table, and fill it from the records that are there."""
    op.create_table(
        "record_name",
        sa.Column("system", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("name", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["system", "kind", "key"],
            ["record.system", "record.kind", "record.key"],
            name="record_name_record",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("system", "kind", "key", "name"),
    )
    connection = op.get_bind()
    kinds = _ROWS.c.kind.in_(("change", "deployment", "release"))
    query = sa.select(_ROWS.c.system, _ROWS.c.kind, _ROWS.c.key, _ROWS.c.body).where(kinds)
    query = query.order_by(*_PLACE).limit(_PAGE)
    page = connection.execute(query).all()
    while page:
        found = [
            {"system": row.system, "kind": row.kind, "key": row.key, "name": name}
            for row in page
            for name in _names(row.kind, row.key, orjson.loads(row.body))
        ]
        if found:
            connection.execute(sa.insert(_NAMES), found)
        last = page[-1]
        page = connection.execute(query.where(sa.tuple_(last.system, last.kind, last.key) < _PLACE)).all()
    op.create_index("record_name_name", "record_name", ["name"], unique=False)


def _names(kind: str, key: str, body: dict[str, Any]) -> set[str]:
    """As holdings.held_by says when a record is written; of what was read before, its own commit and versions are known."""
    extra = body.get("extra", {})
    tags = (extra.get("ref", ""), extra.get("tag", ""), key if kind == "release" else "")
    told = [found[0] for tag in tags if (found := _TAGGED.search(tag.rpartition("/")[2])) is not None]
    told += [*_TITLED.findall(body.get("title", "")[:500]), (body.get("commit") or "")[:12]]
    return {name.lower() for name in told if name}
