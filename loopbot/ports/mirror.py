"""The mirror of what the systems hold, as protocols: records, links, fields that are kept alike."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Protocol

from loopbot.domain.mirroring import Conflict, Note
from loopbot.domain.records import Link, Record, Ref
from loopbot.domain.wordings import Sought
from loopbot.domain.words import Kind, Relation
from loopbot.ports.rows import ConflictEntry, Upserted


class Mirror(Protocol):
    """The records as last seen."""

    def put(self, records: Sequence[Record]) -> list[Upserted]:
        """Insert or update; the newest of several versions of one record in `records` wins (by updated_at, then version).

        A record older than the mirrored one (lower version, or earlier stamp) changes nothing.
        """

    def get(self, ref: Ref) -> Record | None:
        """The record with that ref."""

    def many(self, refs: Collection[Ref]) -> dict[Ref, Record]:
        """Those of the records that are mirrored."""

    def all(self, kind: Kind | None = None, system: str | None = None) -> Iterator[Record]:
        """Everything mirrored, in order of ref, without holding it all in memory."""

    def unfinished(self, kind: Kind) -> list[Ref]:
        """Those of a kind to which something may happen still, in order of ref; none that is gone."""

    def find(self, key: str) -> list[Record]:
        """Records that people call that (INC0012345, loop-42), over all systems."""

    def called(self, keys: Collection[str]) -> list[Record]:
        """Records that people call any of these, in any case, over all systems."""

    def identified(self, idents: Collection[str]) -> list[Record]:
        """Records that their own systems know by these ids, over all systems."""

    def holding(self, names: Collection[str], limit: int) -> list[Record]:
        """Records that brought any of these commits (the beginning of one is enough), pull requests or versions, newest first."""

    def reported(self, whos: Collection[str], kinds: Collection[Kind], limit: int) -> list[Record]:
        """What somebody reported under any of the names they are remembered by (domain/people.py), the latest first."""

    def alike(self, of: Record | str, sought: Sought) -> Sequence[Record]:
        """Records that share telling terms with a record (itself left out) or a text, the nearest first; none that is gone.

        A search, not a judgement: the words in common may be few.
        """

    def count(self, system: str, kind: str) -> int:
        """How many are mirrored and not gone."""

    def moved(self, records: Sequence[Record]) -> list[tuple[Ref, Ref]]:
        """Those of the records that are mirrored under another ref, by their system's own id: the old ref and the new."""

    def systems(self, kind: Kind) -> list[str]:
        """The systems of which records of a kind are mirrored and not gone."""

    def keys(self, system: str, kind: str) -> Iterator[str]:
        """The keys of those that are mirrored and not gone."""

    def gone(self, refs: Collection[Ref]) -> None:
        """Their systems hold these records no longer; seen again, they are back."""


class Links(Protocol):
    """The graph between records. Pending refs may stand in it until the ticket is open."""

    def put(self, links: Iterable[Link]) -> list[Link]:
        """Add or strengthen; returns those that are new. A person's word (also a rejection) is never overwritten."""

    def state(self, records: Sequence[Record]) -> list[Link]:
        """Replace what each record's own system states about it by the record's links; returns those that are new."""

    def of(self, ref: Ref) -> list[Link]:
        """Live links at either end."""

    def causes(self, refs: Collection[Ref]) -> list[Link]:
        """Live links to what caused any of them."""

    def led_to(self, ref: Ref, relation: Relation) -> Collection[Ref]:
        """Where live links of that relation lead from it; only to be asked what is in it."""

    def reject(self, source: Ref, relation: str, target: Ref, by: str) -> None:
        """A person says that this is not so; it stays said."""

    def take_back(self, source: Ref, relation: str, target: Ref) -> bool:
        """A person takes back what they said of it, for or against; what its own systems state stands again. False: nothing was said."""

    def forget(self, end: Ref) -> None:
        """A ticket will never be open: what rules linked with it is linked no more."""

    def moved(self, old: Ref, new: Ref) -> None:
        """A record has another ref now (an issue moved to another project): links follow it."""

    def deployed(self, issues: Collection[Ref]) -> dict[Ref, frozenset[str]]:
        """The environments that hold each issue now: the last succeeded deployment that delivers or withdraws it decides."""


class Agreements(Protocol):
    """What mirrored pairs agree on (`View.agreed` reads it), and what was overruled."""

    def note(self, notes: Iterable[Note]) -> None:
        """Keep what is agreed on now."""

    def landed(self, target: Ref, key: str) -> None:
        """The write of a field has come about, and its record is mirrored as it is since then."""

    def log(self, rule: str, conflicts: Iterable[Conflict]) -> None:
        """Keep what was overruled."""

    def conflicts(self, ref: Ref | None = None, limit: int = 100) -> list[ConflictEntry]:
        """What was overruled, of one record or of all, the latest first."""
