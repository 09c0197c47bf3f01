"""Statements that run for every record or plan, made once for each kind of database: making one costs more than running it."""

from functools import cache

from sqlalchemy import Select, bindparam, or_, select

from loopbot.store import schema
from loopbot.store.work import among_those

K = schema.link.c
L = schema.lesson.c
X = schema.outbox.c
W = schema.wording.c
SAID = (K.source, K.relation, K.target, K.confidence, K.because, K.by)
"""What a link is made of."""
REF = bindparam("ref", type_=L.subject.type)
OTHER = bindparam("other", type_=L.other.type)
APART = select(L.subject, L.other).where(
    L.kind == "same", L.verdict == "no", L.undone_at.is_(None), or_(L.subject == REF, L.other == OTHER)
)
"""Of which records people said that they are not the same as `ref`, whose written form is `other`."""
OWN = select(W.number, W.title, W.body).where(
    *(column == bindparam(column.name) for column in (W.system, W.kind, W.key))
)
"""What a record itself says: `system`, `kind`, `key`."""


@cache
def held(shared: bool) -> Select[tuple[object, ...]]:  # noqa: FBT001 - which database it is
    """Links between any of the `sources` and any of the `targets`, locked."""
    near = (among_those(shared, K.source, "sources"), among_those(shared, K.target, "targets"))
    query = select(*SAID, K.said_by_person, K.rejected).where(*near)
    return query.order_by(K.source, K.relation, K.target).with_for_update(of=schema.link)


@cache
def causing(shared: bool) -> Select[tuple[object, ...]]:  # noqa: FBT001 - which database it is
    """What caused any of the `incidents`, as far as that is linked."""
    here = (among_those(shared, K.source, "incidents"), K.relation == "caused_by", K.rejected.is_(False))
    return select(*SAID).where(*here).order_by(K.source, K.target)


@cache
def opened(shared: bool) -> Select[tuple[str, object]]:  # noqa: FBT001 - which database it is
    """What the effects with these `keys` opened; locked, so that a ticket that opens at this moment is seen here, or sees us."""
    query = select(X.key, X.ref).where(among_those(shared, X.key, "keys"))
    return query.order_by(X.key).with_for_update(read=True, of=schema.outbox)
