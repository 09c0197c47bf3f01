"""What an action acts on: it, other, others, or a ticket that an earlier action opened."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from loopbot.domain.pending import PENDING_KIND
from loopbot.domain.records import Record, Ref
from loopbot.domain.rules import Scope


@dataclass(frozen=True, slots=True)
class End:
    """One thing acted on, and the system it lives in (or will)."""

    ref: Ref
    system: str
    record: Record | None = None


@dataclass(frozen=True, slots=True)
class Aim:
    """The names an action acts on. `homes` tells for each opened ticket in which system it is opened."""

    names: tuple[str, ...]
    homes: Mapping[str, str] = field(default_factory=dict)

    @property
    def needs(self) -> frozenset[str]:
        """The opened tickets among them."""
        return frozenset(self.names) & frozenset(self.homes)

    def ends(self, scope: Scope) -> tuple[End, ...]:
        """What the names stand for now, each thing once."""
        found: dict[Ref, End] = {}
        for name in self.names:
            for end in self._named(name, scope):
                found.setdefault(end.ref, end)
        return tuple(found.values())

    def records(self, scope: Scope) -> tuple[Record, ...]:
        """Those that are mirrored records."""
        return tuple(end.record for end in self.ends(scope) if end.record)

    def _named(self, name: str, scope: Scope) -> tuple[End, ...]:
        match name:
            case "it":
                records: tuple[Record, ...] = (scope.it,)
            case "other":
                records = (scope.other,) if scope.other else ()
            case "others":
                records = scope.others
            case _:
                ref = dict(scope.opened)[name]
                return (End(ref, self.homes[name] if ref.kind == PENDING_KIND else ref.system),)
        return tuple(End(record.ref, record.system, record) for record in records)
