"""How far reports have come, read in a few statements: none of the thousands of records in a window is decoded."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import chain

from sqlalchemy import Text, and_, func, or_, select, type_coerce

from loopbot.domain.listening import Passed, Stage
from loopbot.domain.records import Deployment, Issue, Ref
from loopbot.domain.words import FINISHED
from loopbot.store import schema
from loopbot.store.chunks import chunks
from loopbot.store.mirror import SqlMirror
from loopbot.store.work import Work

R = schema.record.c
L = schema.link.c
O = schema.outbox.c  # noqa: E741 - beside R and L
J = schema.journal.c
_REF = (R.system + ":" + R.kind + ":" + R.key).label("ref")
_KINDS = ("incident", "feedback")
_MANY = 50_000
"""How many refs a statement is given, all in one parameter."""
_HELPED = ("helped: yes", "as an answer, helped: yes")
_DID_NOT = ("helped: no", "as an answer, helped: no")


class SqlProgress:
    """How far things have come, inside one transaction."""

    def __init__(self, work: Work, mirror: SqlMirror) -> None:
        self._work, self._mirror = work, mirror

    def passed(self, since: datetime) -> list[Passed]:
        """The reports since then and when each came to which stage, the latest last."""
        reports = select(_REF, R.kind, R.state, R.occurred_at).where(
            R.kind.in_(_KINDS), R.occurred_at >= since, R.gone_at.is_(None), R.state != "cancelled"
        )
        at: dict[str, dict[Stage, datetime]] = {}
        over: dict[str, bool] = {}
        for row in self._work.connection.execute(reports.order_by(R.occurred_at)):
            at[row.ref] = {"heard": row.occurred_at}
            over[row.ref] = row.state in FINISHED[row.kind]
        # Asked for by name, some at a time: joined to the reports, their refs would have to be made up for each comparison.
        for some in chunks(list(at), _MANY):
            for ref, stage, moment in (*_told(self._work, some), *_on_the_way(self._work, self._mirror, some)):
                at[ref][stage] = min(moment, at[ref].get(stage, moment))
        return [Passed(Ref(*ref.split(":", 2)), stages, over[ref]) for ref, stages in at.items()]

    def caused(self, refs: Collection[Ref]) -> dict[Ref, list[Ref]]:
        """The incidents that each of these changes and deployments is linked with as their cause."""
        found: dict[Ref, list[Ref]] = defaultdict(list)
        for some in chunks(sorted(set(refs))):
            query = select(L.target, L.source).where(
                self._work.among(L.target, map(str, some)), L.relation == "caused_by", L.rejected.is_(False)
            )
            for row in self._work.connection.execute(query.order_by(L.source)):
                found[row.target].append(row.source)
        return found

    def paired(self, refs: Collection[Ref]) -> dict[Ref, list[Ref]]:
        """The records in other systems that each of these mirrors, or is mirrored by."""
        found: dict[Ref, list[Ref]] = defaultdict(list)
        for some in chunks(sorted(set(refs))):
            for near, far in ((L.source, L.target), (L.target, L.source)):
                here = (self._work.among(near, map(str, some)), L.relation == "mirrors", L.rejected.is_(False))
                for row in self._work.connection.execute(select(near.label("near"), far.label("far")).where(*here)):
                    found[row.near].append(row.far)
        return found

    def helped(self, since: datetime) -> tuple[int, int]:
        """How many said since then that what was offered to them helped, and how many said anything."""
        said = select(J.what, func.count().label("many")).where(
            J.at >= since, J.what.in_(["helped: yes", "helped: no"])
        )
        many = {row.what: row.many for row in self._work.connection.execute(said.group_by(J.what))}
        return many.get("helped: yes", 0), sum(many.values())

    def helped_by(self, ref: Ref) -> tuple[int, int]:
        """How many said that what this record offers as an answer helped them, and how many that it did not."""
        said = select(J.what, func.count().label("many")).where(J.subject == ref, J.what.in_([*_HELPED, *_DID_NOT]))
        many = {row.what: row.many for row in self._work.connection.execute(said.group_by(J.what))}
        return sum(many.get(one, 0) for one in _HELPED), sum(many.get(one, 0) for one in _DID_NOT)

    def open_problems(self, limit: int) -> list[tuple[Ref, int]]:
        """The problems that are not over with the number of incidents each explains, those with most first."""
        mine = schema.record.alias("problem")
        ref = mine.c.system + ":problem:" + mine.c.key
        many = (
            select(func.count())
            .select_from(schema.link)
            .where(L.source == ref, L.relation == "problem_of", L.rejected.is_(False))
            .scalar_subquery()
        )
        query = select(mine.c.system, mine.c.key, many.label("many")).where(
            mine.c.kind == "problem", mine.c.gone_at.is_(None), mine.c.state.not_in(sorted(FINISHED["problem"]))
        )
        rows = self._work.connection.execute(query.order_by(many.desc(), mine.c.key).limit(limit)).all()
        return [(Ref(row.system, "problem", row.key), row.many) for row in rows if row.many]


def _told(work: Work, reports: Sequence[str]) -> Iterator[tuple[str, Stage, datetime]]:
    """What reporters were told, and what they and those who work on it said."""
    said = (
        select(schema.outbox_ref.c.ref, O.settled_at, O.body.like('%"question":"fixed"%').label("asked"))
        .join(schema.outbox, and_(O.key == schema.outbox_ref.c.key, O.verb == "tell", O.settled_at.is_not(None)))
        .where(work.among(schema.outbox_ref.c.ref, reports))
    )
    for row in work.connection.execute(said):
        yield str(row.ref), "acknowledged", row.settled_at
        if row.asked:
            yield str(row.ref), "told", row.settled_at
    heard = or_(J.what == "answered: yes", J.what.like("acknowledged%"))
    noted = select(J.subject, J.what, J.at).where(work.among(J.subject, reports), heard)
    for row in work.connection.execute(noted):
        yield str(row.subject), "confirmed" if row.what == "answered: yes" else "acknowledged", row.at


def _on_the_way(work: Work, mirror: SqlMirror, reports: Sequence[str]) -> Iterator[tuple[str, Stage, datetime]]:
    """The issues behind the reports, over their problems or directly, and what became of them: looked up once for all of them."""
    behind = _links(work, reports, ("problem_of", "fixes"))
    problems = {source for _, source, _ in behind if ":problem:" in source}
    mending: dict[str, dict[str, datetime]] = defaultdict(dict)
    for problem, issue, moment in _links(work, problems, ("fixes",)):
        mending[problem][issue] = moment
    named = {source for _, source, _ in behind if ":issue:" in source} | {
        one for each in mending.values() for one in each
    }
    later = _came_to(work, mirror, named)
    of_problem = {
        problem: _first((("decided", at) for at in issues.values()), *(later[one].items() for one in issues))
        for problem, issues in mending.items()
    }
    for report, source, moment in behind:
        if ":issue:" in source:
            yield report, "decided", moment
        for stage, at in (later if ":issue:" in source else of_problem).get(source, {}).items():
            yield report, stage, at


def _first(*passed: Iterable[tuple[Stage, datetime]]) -> dict[Stage, datetime]:
    """The earliest moment of each stage."""
    found: dict[Stage, datetime] = {}
    for stage, moment in chain.from_iterable(passed):
        found[stage] = min(moment, found.get(stage, moment))
    return found


def _links(work: Work, targets: Collection[str], relations: tuple[str, ...]) -> list[tuple[str, str, datetime]]:
    """The links of these relations that lead to the targets: target, source, since when."""
    # Thousands of refs are compared here and nothing else: as texts.
    ends = (type_coerce(L.target, Text), type_coerce(L.source, Text), L.at)
    query = select(*ends).where(L.relation.in_(relations), L.rejected.is_(False))
    return [
        (target, source, at)
        for some in chunks(sorted(targets), _MANY)
        for target, source, at in work.connection.execute(query.where(work.among(L.target, some)))
    ]


def _came_to(work: Work, mirror: SqlMirror, issues: Collection[str]) -> dict[str, dict[Stage, datetime]]:
    """When each issue was done, and when it first reached production."""
    found: dict[str, dict[Stage, datetime]] = {issue: {} for issue in issues}
    for ref, one in mirror.many([Ref.parse(issue) for issue in issues]).items():
        if isinstance(one, Issue) and one.state == "done":
            found[str(ref)]["fixed"] = one.resolved_at or one.updated_at
    brought = _links(work, issues, ("delivers",))
    deployments = mirror.many({Ref.parse(source) for source in {source for _, source, _ in brought}})
    shipped = {
        str(ref): one.occurred_at
        for ref, one in deployments.items()
        if isinstance(one, Deployment) and one.state == "succeeded" and one.environment == "production"
    }
    for issue, source, _ in brought:
        if source in shipped:
            found[issue]["deployed"] = min(shipped[source], found[issue].get("deployed", shipped[source]))
    return found
