"""What was learnt about causes moves from facts to the table of models; which version is in use is told alike for all judgements."""

import json
from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_FACT = sa.table("fact", sa.column("name"), sa.column("value"))
_MODEL = sa.table("model", *(sa.column(name) for name in ("kind", "version", "at", "labels", "summary", "body")))
_CAUSE = "judgement:cause:"


def upgrade() -> None:
    """Move them."""
    connection = op.get_bind()
    facts = {row.name: row.value for row in connection.execute(sa.select(_FACT.c.name, _FACT.c.value))}
    for one in json.loads(facts.get(f"{_CAUSE}versions") or "[]"):
        body = facts.get(f"{_CAUSE}model:{one['version']}")
        if body is not None:
            at = round(datetime.fromisoformat(one["at"]).timestamp() * 1_000_000)
            row = {"version": one["version"], "at": at, "labels": one["answers"], "summary": one["note"], "body": body}
            connection.execute(sa.insert(_MODEL).values(kind="cause", **row))
    if "topic model in force" in facts:
        value = facts["topic model in force"]
        connection.execute(sa.insert(_FACT).values(name="judgement:topic:version", value=value))
    moved = [f"{_CAUSE}versions", f"{_CAUSE}model", "topic model in force"]
    moved += [name for name in facts if name.startswith(f"{_CAUSE}model:")]
    connection.execute(sa.delete(_FACT).where(_FACT.c.name.in_(moved)))
