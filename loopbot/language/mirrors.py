"""The action `mirror`: a copy of a record in another system, and both kept in step. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime

from loopbot.domain import mirroring
from loopbot.domain.effects import Align
from loopbot.domain.events import Timer
from loopbot.domain.mirroring import Agreed, Conflict, Field, Name, Note
from loopbot.domain.pending import PENDING_KIND, pending_ref
from loopbot.domain.records import Link, Record, Ref
from loopbot.domain.rules import Bench, Found, Mirrored, Predicate, Scope, Wanted
from loopbot.domain.verdicts import Verdict, judged
from loopbot.domain.words import STATES, Kind
from loopbot.language.actions import NOTHING, Open, caused

AGAIN = "mirror"
KINDS: frozenset[Kind] = frozenset({"incident", "problem", "issue"})
KINDS_HINT = "incidents, problems and issues can mirror each other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """Opens the mirror where there is none yet and the condition holds; else compares the two, field by field."""

    slot: str
    opens: Open
    fields: tuple[Field, ...]
    only_if: Predicate | None = None

    def want(self, scope: Scope, bench: Bench) -> Wanted:
        """The mirror, or what brings the pair in step."""
        source = self._mirror(scope.it.ref, bench)
        if source is None:
            return self._opened(scope, bench)
        pair = _pair(source, scope.it, bench)
        if pair is None:
            where = "is not open yet" if source.kind == PENDING_KIND else f"{source.key} was not read yet"
            return Wanted(mirrored=Mirrored(steps=(Found("its mirror is known", held=True, saw=f"no: it {where}"),)))
        it, other, agreed = pair
        now = bench.view.now()
        found = [(field, judged(field, it, other, agreed.get(field.name), now)) for field in self.fields]
        return self._wanted(found, it, other, bench)

    def _mirror(self, ref: Ref, bench: Bench) -> Ref | None:
        """The mirror of `it` in our system, or the placeholder of the one that is being opened."""
        for link in bench.view.linked(ref, "mirrors"):
            source = link.source
            ours = (source.system, source.kind) == (self.opens.system, self.opens.kind)
            if link.target == ref and (ours or source.kind == PENDING_KIND):
                return source
        return None

    def _opened(self, scope: Scope, bench: Bench) -> Wanted:
        if self.only_if is not None and not self.only_if.holds(scope):
            return NOTHING
        wanted = self.opens.want(scope, bench)
        source, it = pending_ref(wanted.effects[0].key), scope.it
        link = Link(source, "mirrors", it.ref, because=bench.because, by=f"rule:{bench.rule}")
        notes = tuple(Note(source, it.ref, field.name, self._beginning(field, it)) for field in self.fields)
        return replace(wanted, links=(link,), mirrored=Mirrored(notes=notes))

    def _beginning(self, field: Field, it: Record) -> Agreed:
        """What counts as agreed when the mirror opens: what it is given. Whether it takes a priority is not known."""
        if field.name == "title":
            value = mirroring.said(it, "title")
            return Agreed(here=value, there=value)
        if field.name == "state":
            first = STATES[self.opens.kind][0]
            return Agreed(here=field.passed(first, "it"), there=first)
        return Agreed()

    def _wanted(self, found: list[tuple[Field, Verdict]], it: Record, other: Record, bench: Bench) -> Wanted:
        effects, notes, conflicts, withdraws, steps = [], [], [], [], []
        again: datetime | None = None
        for field, verdict in found:
            steps.append(Found(f"{field.name} is in step", held=True, saw=verdict.saw))
            withdraws.extend([verdict.withdraws] if verdict.withdraws and verdict.again_at is None else [])
            again = min(filter(None, (again, verdict.again_at)), default=None)
            agreed = verdict.agreed
            if verdict.to is not None and agreed is not None and agreed.flight is not None:
                target = it if verdict.to == "it" else other
                cause = caused(bench, self.slot, f"{field.name}>{target.ref}")
                effect = Align(
                    system=target.system,
                    cause=replace(cause, once=str(agreed.writes), because=verdict.saw),
                    target=target.ref,
                    field=field.name,
                    value=verdict.value,
                    was=verdict.was,
                )
                effects.append(effect)
                agreed = replace(agreed, flight=replace(agreed.flight, key=effect.key))
                if verdict.lost:
                    conflicts.append(
                        Conflict(other.ref, it.ref, field.name, target.ref, verdict.lost, kept=verdict.value)
                    )
            if agreed is not None:
                notes.append(Note(other.ref, it.ref, field.name, agreed))
        mirrored = Mirrored(
            notes=tuple(notes),
            conflicts=tuple(conflicts),
            withdraws=tuple(withdraws),
            timers=(Timer(bench.rule, it.ref, AGAIN, again),) if again else (),
            steps=tuple(steps),
        )
        return Wanted(effects=tuple(effects), mirrored=mirrored)


def _pair(source: Ref, it: Record, bench: Bench) -> tuple[Record, Record, dict[str, Agreed]] | None:
    """Both records and what they agree on; the records are read after it, so that nobody changes them meanwhile."""
    agreed = dict(bench.view.agreed(source, it.ref))
    other = bench.view.record(source)
    return None if other is None else (bench.view.record(it.ref) or it, other, agreed)


def field_of(
    name: Name, wins: mirroring.Wins, kinds: tuple[Kind, Kind], states: tuple[dict[str, str], dict[str, str]] | None
) -> Field:
    """A field as the rule has it; `states` instead of loopbot's own maps where it gives some."""
    if name != "state":
        return mirroring.field_of(name, wins, {}, {})
    return mirroring.field_of(name, wins, *(states or mirroring.default_states(*kinds)))
