"""The graph between records: who says that they belong together, and how sure it is.

A person's word outranks what a system states, and that outranks what a rule concludes; among rules the surer one stands.
"""

from bisect import insort
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from sqlalchemy import and_, bindparam, delete, exists, or_, select, update

from loopbot.domain.pending import PENDING_KIND
from loopbot.domain.records import Deployment, Link, Record, Ref
from loopbot.domain.words import Relation
from loopbot.store import agreed, prepared, schema
from loopbot.store.chunks import chunks
from loopbot.store.mirror import SqlMirror
from loopbot.store.schema import AnyRow
from loopbot.store.work import Work

C = schema.link.c
T = schema.link_stated.c
COLUMNS = prepared.SAID
# Made once: rules that follow links ask this for every record.
END = bindparam("end", type_=C.source.type)
AT = (
    select(*COLUMNS)
    .where(or_(C.source == END, C.target == END), C.rejected.is_(False))
    .order_by(C.source, C.relation, C.target)
)
PERSON = "person:"
SYSTEM = "system:"
RULE = "rule:"

Triple = tuple[Ref, str, Ref]


class SqlLinks:
    """The links inside one transaction."""

    def __init__(self, work: Work, mirror: SqlMirror) -> None:
        self._work = work
        self._connection = work.connection
        self._mirror = mirror
        self._near: dict[Ref, list[Link]] = {}
        self._leads: dict[tuple[Ref, str], set[Ref]] = {}

    def put(self, links: Iterable[Link]) -> list[Link]:
        """Add or strengthen; returns those that are new, their pending refs resolved where the ticket is open already."""
        wanted: dict[Triple, Link] = {}
        for link in self._resolved(links):
            held = wanted.get(_triple(link))
            wanted[_triple(link)] = link if held is None or _outweighs(link, held) else held
        return [link for some in chunks(sorted(wanted.values(), key=_triple)) for link in self._put(some)]

    def state(self, records: Sequence[Record]) -> list[Link]:
        """Replace what each record's own system states about it by the record's links; returns those that are new."""
        new: list[Link] = []
        for some in chunks(records):
            stated = {(record.ref, *_triple(link)) for record in some for link in record.links}
            before = self._stated([record.ref for record in some])
            self._unstate(before - stated)
            links = [_stated_link(record, link) for record in some for link in record.links]
            new += self.put(links)
            if stated - before:
                names = ("stated_by", "source", "relation", "target")
                rows = [dict(zip(names, each, strict=True)) for each in sorted(stated - before)]
                self._connection.execute(self._work.insert(schema.link_stated).on_conflict_do_nothing(), rows)
        return new

    def of(self, ref: Ref) -> list[Link]:
        """Live links at either end."""
        # Rules ask this again and again about the record they judge: kept until a link is written.
        if ref not in self._near:
            self._near[ref] = [_link(row) for row in self._connection.execute(AT, {"end": ref})]
        return list(self._near[ref])

    def causes(self, refs: Collection[Ref]) -> list[Link]:
        """Live links to what caused any of them."""
        given = {"incidents": self._work.several(map(str, refs))}
        return (
            [_link(row) for row in self._connection.execute(prepared.causing(self._work.shared), given)] if refs else []
        )

    def led_to(self, ref: Ref, relation: Relation) -> Collection[Ref]:
        """Where live links of that relation lead from it."""
        # In a storm thousands join one problem, and each asks whether it is there: not all of them are gone through each time.
        if (ref, relation) not in self._leads:
            found = {link.target for link in self.of(ref) if link.source == ref and link.relation == relation}
            self._leads[ref, relation] = found
        return self._leads[ref, relation]

    def reject(self, source: Ref, relation: str, target: Ref, by: str) -> None:
        """A person says that this is not so; it stays said."""
        self._look_anew()
        said = {"by": by, "at": self._work.now(), "said_by_person": True, "rejected": True}
        row = {"source": source, "relation": relation, "target": target, "confidence": 0.0, "because": ""}
        places = [C.source, C.relation, C.target]
        statement = self._work.insert(schema.link).values(**row, **said)
        self._connection.execute(statement.on_conflict_do_update(index_elements=places, set_=said))

    def take_back(self, source: Ref, relation: str, target: Ref) -> bool:
        """A person takes back what they said of it; what its own systems state stands again. False: nothing was said."""
        self._look_anew()
        here = (C.source == source, C.relation == relation, C.target == target)
        said = delete(schema.link).where(*here, C.said_by_person).returning(C.source)
        if self._connection.execute(said).first() is None:
            return False
        same = (T.source == source, T.relation == relation, T.target == target)
        stated_by = self._connection.scalars(select(T.stated_by).where(*same).order_by(T.stated_by)).first()
        if stated_by is not None:
            self.put([Link(source, cast("Relation", relation), target, by=f"{SYSTEM}{stated_by.system}")])
        return True

    def forget(self, end: Ref) -> None:
        """A ticket will never be open: what rules linked with it is linked no more."""
        self._look_anew()
        named = or_(C.source == end, C.target == end)
        self._connection.execute(delete(schema.link).where(named, ~C.said_by_person))

    def refused(self, ref: Ref, relation: str) -> frozenset[Ref]:
        """The far ends of the links at either end of it that were rejected."""
        query = select(C.source, C.target).where(
            or_(C.source == ref, C.target == ref), C.relation == relation, C.rejected.is_(True)
        )
        rows = self._connection.execute(query)
        return frozenset(row.target if row.source == ref else row.source for row in rows)

    def deployed(self, issues: Collection[Ref]) -> dict[Ref, frozenset[str]]:
        """The environments that hold each of the issues now; where two deployments are equally late, a roll-back wins."""
        moves = self._moves(issues)
        deployments = self._mirror.many({source for source, _, _ in moves})
        last: dict[tuple[Ref, str], tuple[tuple[Any, ...], str]] = {}
        for source, relation, issue in moves:
            deployment = deployments.get(source)
            if not isinstance(deployment, Deployment) or deployment.state != "succeeded" or not deployment.environment:
                continue
            place = (issue, deployment.environment)
            moment = (deployment.occurred_at, relation == "withdraws", source)
            if place not in last or last[place][0] < moment:
                last[place] = (moment, relation)
        held: dict[Ref, set[str]] = {issue: set() for issue in issues}
        for (issue, environment), (_, relation) in last.items():
            if relation == "delivers":
                held[issue].add(environment)
        return {issue: frozenset(environments) for issue, environments in held.items()}

    def settle(self, pending: Ref, became: Ref) -> None:
        """Rewrite links that name a ticket not yet open, now that it is; what is then said twice is said once."""
        agreed.rename(self._work, pending, became)
        named = or_(C.source == pending, C.target == pending)
        rows = self._connection.execute(select(*COLUMNS, C.said_by_person, C.rejected).where(named)).all()
        if not rows:
            return
        self._connection.execute(delete(schema.link).where(named))
        self._look_anew()
        names = {pending: became}
        for row in rows:
            link = _renamed(_link(row), names)
            if row.rejected:
                self.reject(link.source, link.relation, link.target, link.by)
            else:
                self.put([link])

    def moved(self, old: Ref, new: Ref) -> None:
        """A record has another ref now: links follow it."""
        self.settle(old, new)

    def _put(self, links: Sequence[Link]) -> list[Link]:
        held = self._held(links)
        missing = [link for link in links if _triple(link) not in held]
        new: list[Link] = []
        if missing:
            statement = self._work.insert(schema.link).on_conflict_do_nothing()
            rows = self._connection.execute(
                statement.returning(C.source, C.relation, C.target), [self._columns(link) for link in missing]
            )
            inserted = {(row.source, row.relation, row.target) for row in rows}
            new = [link for link in missing if _triple(link) in inserted]
            # Where several hosts write, someone may have said the rest meanwhile: then it is a second opinion.
            held |= self._held([link for link in missing if _triple(link) not in inserted])
        stronger = [link for link in links if _triple(link) in held and _replaces(link, held[_triple(link)])]
        self._come_near(new)
        if stronger:
            self._look_anew()
            places = {"old_source": C.source, "old_relation": C.relation, "old_target": C.target}
            names = ("confidence", "because", "by", "at", "said_by_person", "rejected")
            statement_ = update(schema.link).where(*(column == bindparam(name) for name, column in places.items()))
            rows_ = [
                {f"new_{name}": value for name, value in self._columns(link).items() if name in names}
                | {"old_source": link.source, "old_relation": link.relation, "old_target": link.target}
                for link in stronger
            ]
            self._connection.execute(statement_.values({name: bindparam(f"new_{name}") for name in names}), rows_)
        return new + [link for link in stronger if held[_triple(link)].rejected]

    def _come_near(self, new: Iterable[Link]) -> None:
        """Add new links to what is kept: in a storm thousands join one problem, and each asks what it holds already."""
        for link in new:
            for end in {link.source, link.target} & self._near.keys():
                insort(self._near[end], link, key=_order)
            if (link.source, link.relation) in self._leads:
                self._leads[link.source, link.relation].add(link.target)

    def _look_anew(self) -> None:
        self._near.clear()
        self._leads.clear()

    def _columns(self, link: Link) -> dict[str, object]:
        return {
            "source": link.source,
            "relation": link.relation,
            "target": link.target,
            "confidence": link.confidence,
            "because": link.because,
            "by": link.by,
            "at": self._work.now(),
            "said_by_person": link.by.startswith(PERSON),
            "rejected": False,
        }

    def _held(self, links: Sequence[Link]) -> dict[Triple, AnyRow]:
        """What stands at the places of these links, locked."""
        if not links:
            return {}
        triples = {_triple(link) for link in links}
        ends = {
            "sources": self._work.several(sorted({str(link.source) for link in links})),
            "targets": self._work.several(sorted({str(link.target) for link in links})),
        }
        rows = self._connection.execute(prepared.held(self._work.shared), ends)
        found = {(row.source, row.relation, row.target): row for row in rows}
        return {triple: row for triple, row in found.items() if triple in triples}

    def _moves(self, issues: Collection[Ref]) -> list[Triple]:
        found: list[Triple] = []
        for some in chunks(sorted(set(issues))):
            query = select(C.source, C.relation, C.target).where(
                self._work.among(C.target, map(str, some)),
                C.relation.in_(["delivers", "withdraws"]),
                C.rejected.is_(False),
            )
            found += [(row.source, row.relation, row.target) for row in self._connection.execute(query)]
        return found

    def _stated(self, by: Sequence[Ref]) -> set[tuple[Ref, Ref, str, Ref]]:
        query = select(T.stated_by, T.source, T.relation, T.target).where(self._work.among(T.stated_by, map(str, by)))
        return {(row.stated_by, row.source, row.relation, row.target) for row in self._connection.execute(query)}

    def _unstate(self, statements: Collection[tuple[Ref, Ref, str, Ref]]) -> None:
        """Take statements back; a link that no record states any more ends, unless a person said it.

        Where a rule said it first, someone removed in the system what the rule had written there: that counts as a no.
        """
        if statements:
            self._look_anew()
        for stated_by, source, relation, target in sorted(statements):
            same = (T.source == source, T.relation == relation, T.target == target)
            self._connection.execute(delete(schema.link_stated).where(T.stated_by == stated_by, *same))
            still = exists().where(and_(T.source == C.source, T.relation == C.relation, T.target == C.target))
            here = (C.source == source, C.relation == relation, C.target == target)
            self._connection.execute(
                delete(schema.link).where(*here, C.by.startswith(SYSTEM), ~C.said_by_person, ~C.rejected, ~still)
            )
            refused = {"rejected": True, "by": f"{SYSTEM}{stated_by.system}", "at": self._work.now()}
            self._connection.execute(
                update(schema.link).where(*here, C.by.startswith(RULE), ~C.said_by_person, ~still).values(**refused)
            )

    def _resolved(self, links: Iterable[Link]) -> list[Link]:
        links = list(links)
        keys = {end.key for link in links for end in (link.source, link.target) if end.kind == PENDING_KIND}
        if not keys:
            return links
        names: dict[Ref, Ref] = {}
        for some in chunks(sorted(keys)):
            rows = self._connection.execute(prepared.opened(self._work.shared), {"keys": self._work.several(some)})
            names |= {Ref("loopbot", PENDING_KIND, row.key): row.ref for row in rows if row.ref}
        return [_renamed(link, names) for link in links]


def _triple(link: Link) -> Triple:
    return link.source, link.relation, link.target


def _order(link: Link) -> tuple[str, str, str]:
    return str(link.source), link.relation, str(link.target)


def _link(row: AnyRow) -> Link:
    relation = cast("Relation", row.relation)
    return Link(row.source, relation, row.target, row.confidence, row.because, row.by)


def _renamed(link: Link, names: Mapping[Ref, Ref]) -> Link:
    source, target = names.get(link.source, link.source), names.get(link.target, link.target)
    return replace(link, source=source, target=target) if (source, target) != (link.source, link.target) else link


def _stated_link(record: Record, link: Link) -> Link:
    return link if link.by.startswith((SYSTEM, PERSON)) else replace(link, by=f"{SYSTEM}{record.system}")


def _rank(by: str) -> int:
    return 2 if by.startswith(PERSON) else 1 if by.startswith(SYSTEM) else 0


def _outweighs(one: Link, other: Link) -> bool:
    return (_rank(one.by), one.confidence) > (_rank(other.by), other.confidence)


def _replaces(link: Link, row: AnyRow) -> bool:
    """Whether a link is said instead of what stands there. A person may take back their own word, nobody else."""
    if link.by.startswith(PERSON):
        return bool(row.rejected or not row.said_by_person or _link(row) != link)
    if row.said_by_person:
        return False
    if row.rejected:
        # Only a system took it back so far: it may say it again, a rule may not.
        return link.by.startswith(SYSTEM)
    if _rank(link.by) == _rank(row.by) == 1:
        return _link(row) != link
    if link.by.startswith(SYSTEM):
        # The system says what a rule said first, most likely because we wrote it there: the rule's reason is worth more.
        return False
    return _outweighs(link, _link(row))
