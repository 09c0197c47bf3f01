"""The file of a rule's cases as it is written, read into scenes: records, links, an event, and what is expected."""

import re
import types
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from pydantic import Field

from loopbot.domain.events import Answered, Changed, Due, Event
from loopbot.domain.mirroring import NAMES, Agreed
from loopbot.domain.questions import MONTH, Asking, Standing
from loopbot.domain.records import RECORD_TYPES, Involved, Link, Person, Problem, Record, Ref
from loopbot.domain.rules import Rule
from loopbot.domain.telling import Told
from loopbot.domain.words import KINDS, ROLES, STATES, Relation
from loopbot.domain.workarounds import version_of
from loopbot.language import spans
from loopbot.language.mistakes import Findings, Mistake
from loopbot.language.model import Part, Words
from loopbot.language.reading import parsed_toml, validated
from loopbot.language.scene import Scene
from loopbot.language.suggestions import did_you_mean

_CLOSED = frozenset({"ref", "people", "links"})
_RELATIVE = re.compile(r"(?:(?P<ago>\w+) ago|in (?P<ahead>\w+)|now)")
_PERSON = re.compile(r"(?P<name>[^<>]*?)\s*(?:<(?P<email>[^<>\s]+@[^<>\s]+)>)?")
_TYPES: Mapping[type, str] = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}


class CaseLink(Part):
    """A link that is there."""

    source: Words
    relation: Relation
    target: Words
    agreed: dict[str, Any] = Field(
        default={},
        description="For `mirrors`: what both last agreed on, by field; a list of two where the words differ (target, source).",
    )


class CaseTold(Part):
    """What somebody was told before."""

    who: Words | None = Field(None, description="The person, such as Ann Lee <ann@example.com>.")
    thread: Words | None = Field(None, description="Or the thread it was told in: system:message:channel/stamp.")
    about: Words = Field(description="The record.")
    rule: Words = Field(description="By which rule.")
    at: Any = Field("now", description="When, such as 2h ago.")
    waiting: bool = Field(default=False, description="It is planned, and not told yet.")


class CaseFollow(Part):
    """Somebody who follows a record."""

    who: Words
    ref: Words


class CaseAnswer(Part):
    """What a person answered before."""

    kind: Asking = Field(description="What was asked: cause, item, cluster, topic, root_cause, workaround.")
    subject: Words = Field(description="The record it was asked about.")
    answer: Words = Field(description="The answer's word, such as none, promote, not_now, public.")


class CasePart(Part):
    """One case."""

    about: Words = Field(description="What the case shows, as a sentence.")
    now: datetime = Field(description="The moment of judging, such as 2026-11-22T14:05:00Z.")
    event: Words = Field(description="The record that changed.")
    before: dict[str, Any] | None = Field(None, description="What was different in it before.")
    answer: str | None = Field(None, description="What a person answered about it, instead of a change.")
    question: str = Field("fixed", description="What the answer was an answer to.")
    words: str = Field("", description="What they wrote with it.")
    by_reporter: bool = Field(default=True, description="Whether whoever answered is the reporter.")
    told: list[CaseTold] = Field(default=[])
    follow: list[CaseFollow] = Field(default=[])
    said_in: dict[str, str] = Field(
        default={}, description="Records that came from a chat: each with its message, system:message:channel/stamp."
    )
    due: str | None = Field(None, description="The timer that ran out, instead of a change, such as settle.")
    record: Annotated[list[dict[str, Any]], Field(min_length=1)]
    link: list[CaseLink] = Field(default=[])
    answered: list[CaseAnswer] = Field(default=[], description="What people answered before.")
    expect: list[dict[str, Any]] = Field(description="What the rule asks for; [] where it asks for nothing.")
    asks: bool = Field(default=False, description="Whether a person is to be asked.")


class CaseFile(Part):
    """The cases of one rule."""

    case: Annotated[list[CasePart], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Case:
    """One case, ready to be judged."""

    about: str
    key: str
    event: Event
    scene: Scene
    expect: tuple[Mapping[str, Any], ...]
    asks: bool


def read_cases(text: str, rule: Rule, findings: Findings) -> list[Case]:
    """The cases that can be used; the findings say what is wrong with the others."""
    raw = parsed_toml(text, findings)
    written = (
        validated(
            raw,
            CaseFile,
            {"case": CasePart, "link": CaseLink, "told": CaseTold, "follow": CaseFollow, "answered": CaseAnswer},
            findings,
        )
        if raw is not None
        else None
    )
    cases = []
    for number, part in enumerate(written.case if written else (), start=1):
        key = f"case[{number}]"
        with findings.at(key):
            cases.append(_case(part, key, rule))
    return cases


def _case(part: CasePart, key: str, rule: Rule) -> Case:
    now = _utc(part.now)
    records = [_record(table, now) for table in part.record]
    by_ref = {record.ref: record for record in records}
    links = [Link(_ref(link.source), link.relation, _ref(link.target)) for link in part.link]
    links += [link for record in records for link in record.links]
    subject = by_ref.get(_ref(part.event))
    if subject is None:
        raise Mistake(
            f"the event is about {part.event}, which is not a record of the case",
            did_you_mean(part.event, map(str, by_ref)),
        )
    pairs = {(_ref(link.source), _ref(link.target)): _agreed(link.agreed) for link in part.link if link.agreed}
    following: dict[Ref, tuple[Person, ...]] = {}
    for one in part.follow:
        ref = _ref(one.ref)
        following[ref] = (*following.get(ref, ()), _person(one.who, ref))
    tellings: dict[Ref, tuple[Told, ...]] = {}
    for number, told in enumerate(part.told, start=1):
        about = _ref(told.about)
        tellings[about] = (*tellings.get(about, ()), _told(told, about, number, now))
    origins = {_ref(ref): _ref(message) for ref, message in part.said_in.items()}
    standings = dict(_standing(one, by_ref, now) for one in part.answered)
    scene = Scene(now, by_ref, tuple(links), pairs, standings, tellings=tellings, following=following, origins=origins)
    return Case(part.about, key, _event(part, subject, now, rule), scene, tuple(part.expect), part.asks)


def _told(told: CaseTold, about: Ref, number: int, now: datetime) -> Told:
    if (told.who is None) == (told.thread is None):
        raise Mistake(f"told[{number}]: to whom?", "write who = ... or thread = ...")
    at = None if told.waiting else _moment(told.at, now)
    base = Told(f"told-{number}", told.rule, not told.waiting, at, system="slack")
    if told.thread is not None:
        origin = _ref(told.thread)
        place, _, stamp = origin.key.partition("/")
        return replace(base, system=origin.system, place=place, thread=stamp)
    return replace(base, person=_person(told.who, about))


def _standing(part: CaseAnswer, records: Mapping[Ref, Record], now: datetime) -> tuple[tuple[Asking, Ref], Standing]:
    subject = _ref(part.subject)
    record = records.get(subject)
    rests = now + MONTH if part.answer == "not_now" else None
    about = version_of(record) if part.kind == "workaround" and isinstance(record, Problem) else ""
    return (part.kind, subject), Standing(subject, "answered", part.answer, rests, about, now)


def _event(part: CasePart, subject: Record, now: datetime, rule: Rule) -> Event:
    if part.due is not None:
        return Due(rule.name, subject, part.due, now)
    if part.answer is not None:
        person = subject.person("reporter")
        whose = person.email or person.key if person else "someone"
        return Answered(whose, part.question, part.answer, subject, now, part.words, part.by_reporter)
    return Changed(
        subject, None if part.before is None else replace(subject, **_values(part.before, type(subject), now))
    )


def _agreed(written: Mapping[str, Any]) -> Mapping[str, Agreed]:
    found: dict[str, Agreed] = {}
    for name, value in written.items():
        if name not in NAMES:
            raise Mistake(f"`{name}` is not kept in step", did_you_mean(name, NAMES))
        both = value if isinstance(value, list) else [value, value]
        if len(both) != 2:
            raise Mistake(f"`{name}` agrees on {len(both)} values", "write one, or a list of two: [target, source]")
        found[name] = Agreed(here=str(both[0]), there=str(both[1]))
    return found


def _ref(text: str) -> Ref:
    try:
        return Ref.parse(text)
    except ValueError as error:
        raise Mistake(str(error)) from None


def _record(table: Mapping[str, Any], now: datetime) -> Record:
    if not isinstance(table.get("ref"), str):
        raise Mistake("a record without `ref`", 'write ref = "servicenow:incident:INC0012345"')
    ref = _ref(table["ref"])
    if ref.kind not in KINDS:
        raise Mistake(f"{ref}: `{ref.kind}` is not a kind of record", did_you_mean(ref.kind, KINDS))
    if table.get("kind", ref.kind) != ref.kind:
        raise Mistake(f"{ref}: `kind` says {table['kind']}")
    record = RECORD_TYPES[ref.kind]
    rest = {key: value for key, value in table.items() if key not in {"ref", "kind", *ROLES}}
    values = _values(rest, record, now)
    state = values.setdefault("state", STATES[record.kind][0])
    if state not in STATES[record.kind]:
        raise Mistake(f'{ref}: "{state}" is not a state', did_you_mean(str(state), STATES[record.kind]))
    values.setdefault("ident", ref.key)
    values.setdefault("title", "")
    values.setdefault("updated_at", values.get("opened_at") or now)
    people = [Involved(role, _person(who, ref)) for role in ROLES for who in _several(table.get(role, []))]
    return record(ref=ref, people=tuple(people), **values)


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _person(written: object, ref: Ref) -> Person:
    found = _PERSON.fullmatch(written) if isinstance(written, str) else None
    if found is None or not isinstance(written, str):
        raise Mistake(f"{ref}: {written!r} is not a person", 'write "Ann Lee <ann@example.com>"')
    return Person(ref.system, found["email"] or found["name"], found["name"], found["email"])


def _values(table: Mapping[str, Any], record: type[Record], now: datetime) -> dict[str, Any]:
    hints = get_type_hints(record)
    known = [each.name for each in fields(record) if each.name not in _CLOSED]
    values = {}
    for name, value in table.items():
        if name not in known:
            raise Mistake(f"{record.kind} has no `{name}`", did_you_mean(name, [*known, *ROLES]))
        try:
            values[name] = _value(value, hints[name], now)
        except ValueError as error:
            raise Mistake(f"`{name}`: {error}") from None
    return values


def _value(value: Any, hint: Any, now: datetime) -> Any:
    """The value in the field's own type; TOML has no sets and no null, and a scene's times are easier said from now."""
    if get_origin(hint) in {Union, types.UnionType}:
        if value == "null":
            return None
        hint = next(each for each in get_args(hint) if each is not type(None))
    if hint is datetime:
        return _moment(value, now)
    wanted: type = get_origin(hint) or hint
    if wanted is frozenset and isinstance(value, list):
        return frozenset(value)
    if issubclass(wanted, Mapping):
        return types.MappingProxyType(dict(value))
    if not isinstance(value, wanted):
        raise ValueError(f"{value!r} is not {_TYPES.get(wanted, wanted.__name__)}")  # noqa: TRY004 (told like the other mistakes)
    return value


def _moment(value: object, now: datetime) -> datetime:
    if isinstance(value, datetime):
        return _utc(value)
    found = _RELATIVE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f'{value!r} is not a moment; write "20m ago", "in 2h" or 2026-11-22T14:05:00Z')
    span = spans.parse(found["ago"] or found["ahead"]) if found["ago"] or found["ahead"] else timedelta(0)
    return now - span if found["ago"] else now + span


def _utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
