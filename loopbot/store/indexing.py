"""Fills the index over what records say from a mirror that was there before the index."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from sqlalchemy import func, select, tuple_

from loopbot.domain.holdings import FILES
from loopbot.domain.records import Ref
from loopbot.judgement.nearness import SEARCHED
from loopbot.store import schema
from loopbot.store.wordings import SqlWordings, row_of
from loopbot.store.work import Work

PAGE = 1000
C = schema.record.c


def _searched(body: Mapping[str, Any]) -> str:
    """As `searched_text`, of a record that is not made."""
    return f"{body.get('text', '')}\n{body.get('extra', {}).get(FILES, '')}".strip()


def fill(work: Work, progress: Callable[[int, int], None]) -> int:
    """Read every record once where nothing is indexed yet; returns how many. `progress` is told after each page."""
    if work.connection.scalar(select(schema.wording.c.number).limit(1)) is not None:
        return 0
    there = (C.gone_at.is_(None), C.kind.in_(sorted(SEARCHED)))
    total = work.connection.scalar(select(func.count()).select_from(schema.record).where(*there)) or 0
    place = tuple_(C.system, C.kind, C.key)
    query = select(C.system, C.kind, C.key, C.occurred_at, C.body).where(*there).order_by(*place).limit(PAGE)
    wordings, done = SqlWordings(work), 0
    page = work.connection.execute(query).all()
    while page:
        said = [(row, orjson.loads(row.body)) for row in page]
        wordings.enter(
            [row_of(Ref(*row[:3]), row.occurred_at, str(body.get("title", "")), _searched(body)) for row, body in said]
        )
        done += len(page)
        progress(done, total)
        page = work.connection.execute(query.where(place > tuple_(*page[-1][:3]))).all()
    return done
