"""The rows that effects act on, read just before writing: their ids, and what people have changed meanwhile."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from connectors.servicenow.instance import Instance, Row
from connectors.servicenow.mapping import Shape
from connectors.servicenow.query import among
from connectors.servicenow.rows import UnmappableError, value
from loopbot.domain.errors import Rejected
from loopbot.domain.receipts import Delivery
from loopbot.domain.records import Person, Record, Ref

_MOST = 1000
_EMAIL = re.compile(r"[^\s^,]+@[^\s^,]+")


@dataclass(frozen=True, slots=True)
class Want:
    """A row an effect needs: which, where it is known to be, further fields, and whether its present values matter."""

    ref: Ref
    shape: Shape
    known: Record | None
    fresh: bool = True
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """A row to write to. `row` is None where only its id was needed."""

    ref: Ref
    shape: Shape
    sys_id: str
    row: Row | None = None

    def has(self, name: str) -> str | None:
        """A field's present value; "" where it is empty, None where it is hidden or was not read."""
        return value(self.row, name) if self.row is not None else None

    def record(self) -> Record | None:
        """The row as a record; None where it can not be mapped."""
        try:
            return self.shape.record(self.row) if self.row is not None else None
        except UnmappableError:
            return None


@dataclass(slots=True)
class Targets:
    """What was found of the rows that were wanted."""

    system: str
    found: dict[Ref, Target] = field(default_factory=dict)
    refused: dict[Ref, Rejected] = field(default_factory=dict)

    def of(self, ref: Ref) -> Target:
        """The row; raises Rejected where there is none, or where it could not be asked for."""
        target = self.found.get(ref)
        if target is None and ref in self.refused:
            raise self.refused[ref]
        if target is None:
            raise Rejected(self.system, f"{ref.key} is not there, or the account may not see it")
        return target


def shape_of(shapes: Mapping[str, Shape], ref: Ref, delivery: Delivery, system: str) -> Shape:
    """How the table of a mentioned record is read; raises Rejected for what lives elsewhere."""
    if ref.system != system:
        raise Rejected(system, f"{ref} lives in another system")
    record = delivery.record(ref)
    named = shapes.get(record.extra.get("table", "")) if record else None
    shape = named or next((one for one in shapes.values() if one.kind == ref.kind), None)
    if shape is None:
        raise Rejected(system, f"{ref.kind} is not kept in a configured table")
    return shape


def resolve(instance: Instance, wants: Iterable[Want]) -> Targets:
    """Find the rows, with one call a table; a table that is refused concerns its own rows only. Raises Transient etc."""
    targets = Targets(instance.system)
    by_table: dict[str, list[Want]] = {}
    for want in wants:
        if want.known is not None and want.known.ident and not want.fresh:
            targets.found.setdefault(want.ref, Target(want.ref, want.shape, want.known.ident))
            continue
        try:
            among(instance.system, "sys_id", [want.known.ident if want.known else want.ref.key])
        except Rejected as unsafe:
            targets.refused[want.ref] = unsafe
        else:
            by_table.setdefault(want.shape.table.table, []).append(want)
    for some in by_table.values():
        try:
            _read(instance, some, targets)
        except Rejected as refused:
            targets.refused.update((want.ref, refused) for want in some)
    return targets


def reporters(instance: Instance, people: Collection[Person]) -> Mapping[Person, str]:
    """The sys_ids of people: known, or found by e-mail where exactly one active user has it; never guessed. One call."""
    found = {person: person.key for person in people if person.system == instance.system}
    others = [person for person in people if person.system != instance.system and person.email]
    emails = sorted({person.email for person in others if person.email and _EMAIL.fullmatch(person.email)})
    if not emails:
        return found
    query = f"{among(instance.system, 'email', emails)}^active=true"
    users: dict[str, list[str]] = {}
    try:
        rows = instance.rows("sys_user", query, ("sys_id", "email"), limit=_MOST).rows
    except Rejected:
        # Whoever may not read users opens tickets without a caller; the receipt says so.
        return found
    for row in rows:
        users.setdefault((value(row, "email") or "").casefold(), []).append(value(row, "sys_id") or "")
    for person in others:
        same = users.get((person.email or "").casefold(), [])
        if len(same) == 1:
            found[person] = same[0]
    return found


def _read(instance: Instance, wants: list[Want], targets: Targets) -> None:
    shape = wants[0].shape
    idents = sorted({want.known.ident for want in wants if want.known and want.known.ident})
    keys = sorted({want.ref.key for want in wants if not (want.known and want.known.ident)})
    parts = [among(instance.system, "sys_id", idents)] if idents else []
    parts += [among(instance.system, shape.number, keys)] if keys else []
    extra = [name for want in wants for name in want.fields]
    fields = dict.fromkeys((*shape.fields, "sys_updated_by", *extra))
    found = instance.rows(shape.table.table, "^NQ".join(parts), tuple(fields), limit=_MOST)
    by_ident = {value(row, "sys_id"): row for row in found.rows}
    by_key = {value(row, shape.number): row for row in found.rows}
    for want in wants:
        known = want.known.ident if want.known else ""
        row = by_ident.get(known) if known else by_key.get(want.ref.key)
        if row is not None:
            targets.found[want.ref] = Target(want.ref, shape, value(row, "sys_id") or "", row)
