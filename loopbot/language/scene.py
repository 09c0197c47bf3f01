"""A small world to judge a rule in: a few records and links, and a clock that stands still."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from loopbot.domain.effects import Effect
from loopbot.domain.holdings import held_by, holds
from loopbot.domain.mirroring import Agreed
from loopbot.domain.questions import Asking, Standing
from loopbot.domain.records import Link, Person, Record, Ref
from loopbot.domain.telling import Told
from loopbot.domain.wordings import Neighbourhood, Sought, Vector
from loopbot.domain.words import Kind, Relation
from loopbot.judgement.nearness import Memory


@dataclass(frozen=True, slots=True)
class Scene:
    """A domain View of what it is given."""

    at: datetime
    records: Mapping[Ref, Record]
    links: tuple[Link, ...] = ()
    pairs: Mapping[tuple[Ref, Ref], Mapping[str, Agreed]] = field(default_factory=dict)
    standings: Mapping[tuple[Asking, Ref], Standing] = field(default_factory=dict)
    refusals: tuple[Link, ...] = ()
    differing: frozenset[frozenset[Ref]] = frozenset()
    tellings: Mapping[Ref, tuple[Told, ...]] = field(default_factory=dict)
    following: Mapping[Ref, tuple[Person, ...]] = field(default_factory=dict)
    origins: Mapping[Ref, Ref] = field(default_factory=dict)
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def now(self) -> datetime:
        """The moment of judging."""
        return self.at

    def record(self, ref: Ref) -> Record | None:
        """The record with that ref."""
        return self.records.get(ref)

    def between(
        self,
        kind: Kind,
        since: datetime,
        until: datetime,
        services: frozenset[str] = frozenset(),
        limit: int | None = None,
    ) -> Sequence[Record]:
        """Records that occurred in [since, until], newest first; with `services`, those that share one of them."""
        found = [
            record
            for record in self.records.values()
            if record.kind == kind
            and since <= record.occurred_at <= until
            and (not services or services & record.services)
        ]
        return sorted(found, key=lambda record: (record.occurred_at, record.ref), reverse=True)[:limit]

    def called(self, keys: Collection[str]) -> Sequence[Record]:
        """Records that people call any of these, in any case."""
        wanted = {key.lower() for key in keys}
        return sorted((one for one in self.records.values() if one.key.lower() in wanted), key=lambda one: one.ref)

    def identified(self, idents: Collection[str]) -> Sequence[Record]:
        """Records that their own systems know by these ids."""
        return sorted((one for one in self.records.values() if one.ident in idents), key=lambda one: one.ref)

    def holding(self, names: Collection[str], limit: int) -> Sequence[Record]:
        """Records that brought any of these commits, pull requests or versions, newest first."""
        found = [one for one in self.records.values() if (held := held_by(one)) and any(holds(held, n) for n in names)]
        return sorted(found, key=lambda one: one.occurred_at, reverse=True)[:limit]

    def neighbours(self, of: Record | str, sought: Sought) -> Neighbourhood:
        """Records that share telling terms with a record or a text, the one with most of them first."""
        return Memory(self.records.values()).neighbours(of, sought)

    def meant(
        self,
        texts: Sequence[str],
        encoder: str,  # noqa: ARG002 - nothing is remembered
        make: Callable[[Sequence[str]], Sequence[Vector]],
    ) -> Sequence[Vector]:
        """What texts mean, made anew."""
        return make(texts)

    def learnt(self, judgement: str) -> str:  # noqa: ARG002
        """Nothing was learnt here."""
        return ""

    def depends(self, services: Collection[str]) -> frozenset[str]:
        """The services on which one of these depends."""
        return frozenset(other for service in services for other in self.needs.get(service, ())).difference(services)

    def linked(self, ref: Ref, relation: Relation | None = None) -> Sequence[Link]:
        """Links at either end of it."""
        return [
            link
            for link in self.links
            if ref in (link.source, link.target) and (relation is None or link.relation == relation)
        ]

    def causes(self, refs: Collection[Ref]) -> Sequence[Link]:
        """Links that lead from any of these to what caused it."""
        return [link for link in self.links if link.relation == "caused_by" and link.source in refs]

    def led_to(self, ref: Ref, relation: Relation) -> Collection[Ref]:
        """Where links of that relation lead from it."""
        return {link.target for link in self.linked(ref, relation) if link.source == ref}

    def told(self, ref: Ref) -> Sequence[Told]:
        """What people were told about a record or are to be."""
        return self.tellings.get(ref, ())

    def followers(self, refs: Collection[Ref]) -> Sequence[Person]:
        """Who said that they follow one of these records."""
        return list(dict.fromkeys(person for ref in refs for person in self.following.get(ref, ())))

    def helped(self, ref: Ref) -> tuple[int, int]:
        """Nobody has said anything of it."""
        del ref
        return 0, 0

    def said_in(self, ref: Ref) -> Ref | None:
        """The message of a chat that became this record."""
        return self.origins.get(ref)

    def opened(self, ref: Ref) -> bool:
        """Nothing was opened here."""
        del ref
        return False

    def planned(self, key: str) -> Effect | None:
        """Nothing was planned before."""
        del key
        return None

    def agreed(self, source: Ref, target: Ref) -> Mapping[str, Agreed]:
        """What a mirror and what it mirrors last agreed on, by field."""
        return self.pairs.get((source, target), {})

    def asked(self, kind: Asking, subjects: Collection[Ref]) -> Standing | None:
        """What became of a question of that kind about one of these records."""
        found = (self.standings.get((kind, subject)) for subject in sorted(subjects))
        return next((one for one in found if one is not None), None)

    def refused(self, ref: Ref, relation: Relation) -> frozenset[Ref]:
        """What may not be linked with it so."""
        no = [link for link in self.refusals if link.relation == relation and ref in (link.source, link.target)]
        return frozenset(link.target if link.source == ref else link.source for link in no)

    def apart(self, ref: Ref) -> frozenset[Ref]:
        """What is not the same as this one."""
        return frozenset(other for pair in self.differing if ref in pair for other in pair - {ref})

    def promoted_with(self, ref: Ref) -> frozenset[Ref]:
        """No question of a scene names others than its subject."""
        del ref
        return frozenset()
