"""What one effect means for the instance: a single write with only the fields that differ, or nothing, or a reason why not.

ServiceNow has no conditional update. So rows are read just before a state, field or reference is written (one call for
all of a batch), and what a person has done meanwhile is respected: a state moved by hand or a row changed since loopbot
last saw it waits for the next reading; a reference filled by hand stays.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from connectors.servicenow.dictionary import Dictionary
from connectors.servicenow.instance import Write
from connectors.servicenow.mapping import Shape, canonical
from connectors.servicenow.rows import UnmappableError
from connectors.servicenow.settings import Settings
from connectors.servicenow.targets import Target, Targets, Want, shape_of
from loopbot.domain.effects import Align, Comment, LinkTickets, OpenTicket, SetFields, Transition
from loopbot.domain.errors import Rejected, Transient
from loopbot.domain.mirroring import standing
from loopbot.domain.receipts import Delivery, Receipt
from loopbot.domain.records import Ref
from loopbot.domain.texts import clean, shorten
from loopbot.domain.words import FINISHED

JOURNALS: Mapping[str, str] = {"internal": "work_notes", "public": "comments"}
APPENDED = frozenset({*JOURNALS.values(), "comments_and_work_notes"})
"""What is written there replaces nothing."""
_OWN = APPENDED | {"correlation_display"}
_LEVELS = ("impact", "urgency")
_SEEN_AGAIN = 60.0
# A journal shows what stands in [code] as markup; with an invisible character in it, it is text again.
_CODE = re.compile(r"\[(/?code\])", re.IGNORECASE)
LINK_FIELDS: Mapping[str, tuple[str, str, str]] = {
    # relation: which end is the incident, the field on it, the kind of the other end
    "caused_by": ("source", "caused_by", "change"),
    "problem_of": ("target", "problem_id", "problem"),
}


def marker(key: str) -> str:
    """What stands in the marker field of a ticket that loopbot opened."""
    return f"loopbot:{key}"


@dataclass(frozen=True, slots=True)
class Step:
    """A write, and what its receipt names. `former` is what the fields that were asked for by name held before.

    `before` is what the fields it writes held when the row was read, as it was since `since`.
    """

    write: Write
    shape: Shape
    ref: Ref | None = None
    version: int | None = None
    note: str = ""
    former: Mapping[str, str] = field(default_factory=dict)
    before: Mapping[str, str] = field(default_factory=dict)
    since: str = ""


@dataclass(frozen=True, slots=True)
class Bench:
    """What planning needs to know besides the effect."""

    system: str
    settings: Settings
    shapes: Mapping[str, Shape]
    dictionary: Dictionary

    # ------------------------------------------------------------------ which rows have to be known

    def wants(self, delivery: Delivery) -> tuple[Want, ...]:
        """The rows this effect needs. Raises Rejected for what this instance can not do."""
        effect = delivery.effect
        if isinstance(effect, Comment):
            return (self._want(effect.target, delivery, fresh=False),)
        if isinstance(effect, Transition):
            required = shape_of(self.shapes, effect.target, delivery, self.system).table.on_state.get(effect.to, {})
            return (self._want(effect.target, delivery, fields=tuple(required)),)
        if isinstance(effect, SetFields):
            return (self._want(effect.target, delivery, fields=tuple(name for name, _ in effect.fields)),)
        if isinstance(effect, Align):
            table = shape_of(self.shapes, effect.target, delivery, self.system).table
            state = tuple(table.on_state.get(effect.value, {})) if effect.field == "state" else ()
            return (self._want(effect.target, delivery, fields=_LEVELS if effect.field == "priority" else state),)
        if isinstance(effect, LinkTickets):
            incident, _, other = self.ends(effect)
            return (self._want(incident, delivery), self._want(other, delivery, fresh=False))
        return ()

    def ends(self, effect: LinkTickets) -> tuple[Ref, str, Ref]:
        """The incident, its reference field, and what goes into it; raises Rejected where there is no field for it."""
        end, field, kind = LINK_FIELDS.get(effect.relation, ("", "", ""))
        incident, other = (effect.source, effect.target) if end == "source" else (effect.target, effect.source)
        if (
            not field
            or (incident.kind, other.kind) != ("incident", kind)
            or {effect.source.system, effect.target.system} != {self.system}
        ):
            raise Rejected(
                self.system,
                f"ServiceNow has no field for {effect.source.key} {effect.relation} {effect.target.key}",
                "the link is kept in loopbot only",
            )
        return incident, field, other

    def _want(self, ref: Ref, delivery: Delivery, *, fresh: bool = True, fields: tuple[str, ...] = ()) -> Want:
        shape = self.dictionary.fit(shape_of(self.shapes, ref, delivery, self.system))
        return Want(ref, shape, delivery.record(ref), fresh, fields)

    # ------------------------------------------------------------------ what has to be written

    def step(self, delivery: Delivery, targets: Targets, me: str) -> Step | Receipt:
        """The write, or a receipt where all is as wanted. Raises Rejected, or Transient for this item."""
        effect = delivery.effect
        if isinstance(effect, Comment):
            return self._comment(effect, targets.of(effect.target))
        if isinstance(effect, Transition):
            return self._transition(effect, delivery, targets.of(effect.target))
        if isinstance(effect, SetFields):
            return self._set(effect, delivery, targets.of(effect.target), me)
        if isinstance(effect, Align):
            return self._align(effect, targets.of(effect.target))
        if isinstance(effect, LinkTickets):
            return self._link(effect, targets)
        raise Rejected(self.system, f"can not do {effect.verb!r}")

    def opened(self, effect: OpenTicket, reporter: str) -> Step:
        """The POST that opens a ticket; `reporter` is the sys_id of the person it is for, or ""."""
        shape = self.place(effect)
        table, body = shape.table, {shape.title: clean(effect.title).replace("\n", " ")}
        fields = self.dictionary.of(table.table)
        if effect.text and shape.text:
            body[shape.text] = clean(effect.text)
        levels = self.settings.priorities.get(effect.priority) if effect.priority is not None else None
        if levels and fields.has("impact") and fields.has("urgency"):
            body["impact"], body["urgency"] = levels
        field, note = dict(shape.people).get("reporter"), ""
        if field and reporter:
            body[field] = reporter
        elif field and effect.reporter:
            note = f"{effect.reporter.name or effect.reporter.key} is not known here, so it has no {field}"
        if effect.type and fields.has("type"):
            body["type"] = effect.type
        self._settable(table.table, dict(effect.fields))
        body |= dict(effect.fields)
        body[table.marker_field] = marker(effect.key)
        if table.marker_field == "correlation_id":
            body["correlation_display"] = "loopbot"
        named = dict.fromkeys((name for name, _ in effect.fields), "")
        write = Write(table.table, self._fitting(table.table, body), _answered(shape, named))
        return Step(write, shape, note=note, former=named)

    def place(self, effect: OpenTicket) -> Shape:
        """Where a ticket is opened; raises Rejected for a table that is not configured, or one without a marker field."""
        table = self.settings.of_kind(effect.kind, effect.place)
        if table is None or (effect.place and effect.place != table.table):
            raise Rejected(
                self.system,
                f"there is no table {effect.place or effect.kind} configured for a new {effect.kind}",
                "name one of the configured tables as the place",
            )
        if not table.marker_field or not self.dictionary.of(table.table).has(table.marker_field):
            raise Rejected(
                self.system,
                f"a ticket opened in {table.table} could not be found again after a lost answer",
                "set its marker_field to a text field of the table",
            )
        return self.dictionary.fit(self.shapes[table.table])

    def comment(self, effect: Comment, shape: Shape) -> tuple[str, str]:
        """The journal field and the text as it is written; the audience decides the field, nothing else does."""
        element = JOURNALS[effect.audience]
        fields = self.dictionary.of(shape.table.table)
        if not fields.has(element):
            raise Rejected(self.system, f"{shape.table.table} has no field {element} for {effect.audience} comments")
        text = _CODE.sub("[\u200b\\1", clean(effect.text))
        return element, shorten(text, fields.length(element, 4000))

    def _comment(self, effect: Comment, target: Target) -> Step:
        element, text = self.comment(effect, target.shape)
        return self._patch(target, {element: text})

    def _transition(self, effect: Transition, delivery: Delivery, target: Target) -> Step | Receipt:
        shape, seen = target.shape, delivery.record(effect.target)
        try:
            present = canonical(shape, target.row or {})
        except UnmappableError as error:
            raise Rejected(self.system, f"{effect.target.key} is not moved: {error}") from error
        if present == effect.to:
            return already(effect.key, target, f"it was {effect.to} already")
        if (present, effect.to) == ("closed", "resolved"):
            return already(effect.key, target, "it was resolved, and closed since")
        if present == "cancelled" and effect.to in FINISHED[shape.kind]:
            raise Rejected(self.system, f"{effect.target.key} was cancelled meanwhile", "nothing is left to be done")
        if seen is not None and seen.state != present:
            raise Transient(
                self.system,
                f"{effect.target.key} was moved to {present} since loopbot last saw it; it is looked at again",
                after=_SEEN_AGAIN,
                scope="item",
            )
        return self._patch(target, self._moving(target, effect.to))

    def _moving(self, target: Target, to: str) -> dict[str, str]:
        """What brings a row to a state, with the fields that go with it and are empty."""
        shape = target.shape
        number = shape.table.number_of(shape.kind, to)
        if number is None or not shape.state:
            raise Rejected(
                self.system, f"{shape.table.table} has no state for {to}", "add it to its states in the config"
            )
        given = {name: text for name, text in shape.table.on_state.get(to, {}).items() if not target.has(name)}
        return {shape.state: number, **given}

    def _align(self, effect: Align, target: Target) -> Step | Receipt:
        record = target.record()
        if record is None:
            raise Rejected(self.system, f"{effect.target.key} can not be read as a record, and is left as it is")
        how = standing(record, effect.field, effect.value, effect.was)
        if how == "done":
            return already(effect.key, target, "it was so already")
        if how == "overtaken":
            why = f"the {effect.field} of {effect.target.key} was changed meanwhile, and no longer says {effect.was!r}"
            raise Rejected(self.system, why, "it is decided anew once the change is read")
        if effect.field == "state":
            return self._patch(target, self._moving(target, effect.value))
        if effect.field == "title":
            return self._patch(target, self._fitting(target.shape.table.table, {target.shape.title: effect.value}))
        levels = self.settings.priorities.get(int(effect.value))
        if levels is None:
            raise Rejected(self.system, f"there is no priority {effect.value}", "see priorities in the config")
        return self._patch(target, {"impact": levels[0], "urgency": levels[1]})

    def _set(self, effect: SetFields, delivery: Delivery, target: Target, me: str) -> Step | Receipt:
        wanted = self._fitting(target.shape.table.table, dict(effect.fields))
        self._settable(target.shape.table.table, wanted)
        changes = {name: text for name, text in wanted.items() if target.has(name) != text}
        if not changes:
            return already(effect.key, target, "the fields were so already")
        seen, version = delivery.record(effect.target), _version(target)
        others = not me or target.has("sys_updated_by") != me
        if seen is not None and seen.version is not None and version is not None and version > seen.version and others:
            raise Transient(
                self.system,
                f"{effect.target.key} was changed since loopbot last saw it; it is looked at again",
                after=_SEEN_AGAIN,
                scope="item",
            )
        former = {name: target.has(name) or "" for name in changes}
        return replace(self._patch(target, changes, former), note=overwritten(former), former=former)

    def _link(self, effect: LinkTickets, targets: Targets) -> Step | Receipt:
        ref, field, other = self.ends(effect)
        incident, named = targets.of(ref), targets.of(other)
        there = incident.has(field)
        if effect.gone:
            if there != named.sys_id:
                return already(effect.key, incident, "it was not linked any more")
            return self._patch(incident, {field: ""})
        if there == named.sys_id:
            return already(effect.key, incident, "it was linked already")
        if there is None:
            raise Rejected(self.system, f"the account may not see {field} of {ref.key}", "give it access to the field")
        if there:
            present = incident.has(f"{field}.number") or there
            raise Rejected(
                self.system,
                f"{field} of {ref.key} names {present}, which is not overwritten",
                "the link is kept in loopbot",
            )
        return self._patch(incident, {field: named.sys_id})

    def _patch(self, target: Target, body: Mapping[str, str], shown: Iterable[str] = ()) -> Step:
        write = Write(target.shape.table.table, body, _answered(target.shape, shown), target.sys_id)
        before = {name: there for name in body if (there := target.has(name)) is not None}
        since = target.has("sys_updated_on") or ""
        return Step(write, target.shape, target.ref, _version(target), before=before, since=since)

    def _settable(self, table: str, body: Mapping[str, str]) -> None:
        """Refuse fields the table has not (the instance would drop them), and those that have a verb of their own."""
        unknown = self.dictionary.of(table).unknown(body)
        if unknown:
            raise Rejected(self.system, f"{table} has no field {', '.join(unknown)}", "correct the rule")
        own = sorted(set(body) & _OWN | {name for name in body if name.startswith("sys_")})
        if own:
            raise Rejected(
                self.system, f"{', '.join(own)} can not be set as a field", "comments have a verb of their own"
            )

    def _fitting(self, table: str, body: Mapping[str, str]) -> dict[str, str]:
        """The texts, cut where the table would cut them without a mark."""
        fields = self.dictionary.of(table)
        return {name: shorten(clean(text), fields.length(name, 4000)) for name, text in body.items()}


def overwritten(former: Mapping[str, str]) -> str:
    """What the receipt says of the values that were replaced, so that a person finds theirs again."""
    return "; ".join(f"{name} was {shorten(clean(value), 300)!r}" for name, value in former.items() if value)


def already(key: str, target: Target, note: str) -> Receipt:
    """The receipt for what needs no write."""
    record = target.record()
    return Receipt(key, target.ref, target.sys_id, record.url if record else "", note, record)


def _answered(shape: Shape, more: Iterable[str] = ()) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*shape.fields, "sys_updated_by", *more)))


def _version(target: Target) -> int | None:
    raw = target.has("sys_mod_count")
    return int(raw) if raw and raw.isdecimal() else None
