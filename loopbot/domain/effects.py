"""Effects: the writes a plan asks for, each with an identity that outlives edits of rules, texts and models.

`key = hash(rule, verb, system, subject, once, slot)`: the same thing is never done twice, whatever it would say today.
What may rightly happen again names in `once` what makes it another one.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import ClassVar, Literal

from loopbot.domain.messages import AskPart, Dated, Shared
from loopbot.domain.pending import PENDING_KIND, PENDING_MARK
from loopbot.domain.records import Person, Ref
from loopbot.domain.words import Kind, Relation

BETWEEN_KEYS = ","
"""Between the keys of effects that one press answers."""
TEXT_FIELDS = ("title", "text")


@dataclass(frozen=True, slots=True)
class Cause:
    """Why an effect exists. `subject` is the record the rule judged, `slot` which of the rule's actions this is (and for whom)."""

    rule: str
    subject: Ref
    slot: str
    once: str = ""
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One write to one system. A `Ref` of kind `pending` anywhere in it stands for a ticket an earlier effect opens."""

    verb: ClassVar[str]

    system: str
    cause: Cause

    @property
    def key(self) -> str:
        """The identity: 32 hex digits."""
        cause = self.cause
        parts = (cause.rule, self.verb, self.system, str(cause.subject), cause.once, cause.slot)
        return hashlib.blake2b("\x1f".join(parts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    @property
    def lane(self) -> str:
        """Effects of one lane are delivered in the order they were planned, one at a time."""
        return f"{self.system}|{self.cause.subject}"

    @property
    def needs(self) -> frozenset[str]:
        """Keys of the effects that must have settled before this one can be delivered."""
        named = {ref.key for ref in self.mentions if ref.kind == PENDING_KIND}
        for name in TEXT_FIELDS:
            named.update(PENDING_MARK.findall(getattr(self, name, "")))
        return frozenset(named)

    @property
    def mentions(self) -> tuple[Ref, ...]:
        """The records this effect acts on."""
        return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenTicket(Effect):
    """Open a ticket of `kind` in `place` (a table, a project), found again by its marker, the key."""

    verb: ClassVar[str] = "open"

    kind: Kind
    place: str
    title: str
    text: str = ""
    type: str | None = None
    priority: int | None = None
    labels: tuple[str, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()
    reporter: Person | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTickets(Effect):
    """Record a link where people of that system look for it (a reference field, an issue link, a remote link).

    `gone`: clear it there, if it still says so; only for sinks that can (`clears_links`).
    """

    verb: ClassVar[str] = "link"

    source: Ref
    relation: Relation
    target: Ref
    confidence: float = 1.0
    title: str = ""
    url: str = ""
    gone: bool = False

    @property
    def mentions(self) -> tuple[Ref, ...]:
        """Both ends."""
        return (self.source, self.target)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment(Effect):
    """Add a comment. `audience` is part of the type on purpose: an internal note can never reach a reporter."""

    verb: ClassVar[str] = "comment"

    target: Ref
    text: str
    audience: Literal["internal", "public"] = "internal"

    @property
    def mentions(self) -> tuple[Ref, ...]:
        """The ticket commented on."""
        return (self.target,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition(Effect):
    """Bring a ticket to a canonical state; nothing is sent where it is there already."""

    verb: ClassVar[str] = "transition"

    target: Ref
    to: str

    @property
    def mentions(self) -> tuple[Ref, ...]:
        """The ticket moved."""
        return (self.target,)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetFields(Effect):
    """Set fields of a ticket, by the system's own field names; only those that differ are written.

    With `keep_current`, a later plan under the same key writes them once more; `weight` is how much the ticket mattered (0..100) when
    they were filled in, none where they do not speak of it.
    """

    verb: ClassVar[str] = "set"

    target: Ref
    fields: tuple[tuple[str, str], ...]
    keep_current: bool = False
    weight: float | None = None

    @property
    def mentions(self) -> tuple[Ref, ...]:
        """The ticket changed."""
        return (self.target,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Align(Effect):
    """Bring a field of a mirrored pair in step, in canonical words, where it still says what it said (`was`).

    Where it says the value already, nothing is written; where it says anything else, someone was quicker: the sink refuses.
    """

    verb: ClassVar[str] = "align"

    target: Ref
    field: Literal["title", "state", "priority"]
    value: str
    was: str

    @property
    def mentions(self) -> tuple[Ref, ...]:
        """The ticket changed."""
        return (self.target,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Post(Effect):
    """A message to a channel. With `keep_current`, a later plan under the same key updates the message in place.

    `thread`: the message it answers, by the channel's own stamp. `dated`: the points in time in the text, as of a Tell.
    """

    verb: ClassVar[str] = "post"

    channel: str
    text: str
    keep_current: bool = False
    thread: str = ""
    dated: tuple[Dated, ...] = ()

    @property
    def lane(self) -> str:
        """A channel's messages keep their order."""
        return f"{self.system}|#{self.channel}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell(Effect):
    """A direct message to one person. `question` names what the buttons ask (`fixed`); the answer comes back as Answered.

    `comment_instead`: a person who is not in the chat reads it on the ticket it is about, where they reported that.
    `dated`: the points in time in the text, for a channel that shows each reader their own zone. `silent_after`: so many seconds after it was told without an answer, silence is the answer; 0: never.
    `shared`: what it says in a message with others that share its lead; None: it stands by itself there, too.
    """

    verb: ClassVar[str] = "tell"

    person: Person
    text: str
    about: Ref
    question: str | None = None
    buttons: tuple[tuple[str, str], ...] = ()
    comment_instead: bool = False
    silent_after: int = 0
    dated: tuple[Dated, ...] = ()
    shared: Shared | None = None

    @property
    def mentions(self) -> tuple[Ref, ...]:
        """The record it is about."""
        return (self.about,)

    @property
    def lane(self) -> str:
        """What one person is told keeps its order."""
        return f"{self.system}|@{self.person.email or self.person.key}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask(Effect):
    """A message to a channel that asks one question, or several; kept current, so that it shows what became of them."""

    verb: ClassVar[str] = "ask"

    channel: str
    parts: tuple[AskPart, ...]

    @property
    def text(self) -> str:
        """All of it, as it is read without buttons; what buttons there are is part of what it says."""
        return "\n\n".join(one.plain for one in self.parts)

    @property
    def lane(self) -> str:
        """A channel's questions keep their order, and wait for nothing else that is posted there."""
        return f"{self.system}|?{self.channel}"


def resolved(effect: Effect, opened: Mapping[str, Ref]) -> Effect:
    """The same effect (and key) with each pending reference replaced by what it became; raises KeyError for an unknown one."""
    changes: dict[str, object] = {}
    for each in fields(effect):
        value = getattr(effect, each.name)
        if isinstance(value, Ref) and value.kind == PENDING_KIND:
            changes[each.name] = opened[value.key]
        elif each.name in TEXT_FIELDS and PENDING_MARK.search(value):
            changes[each.name] = PENDING_MARK.sub(lambda found: opened[found[1]].key, value)
    return replace(effect, **changes) if changes else effect  # type: ignore[arg-type]


EFFECT_TYPES: tuple[type[Effect], ...] = (
    OpenTicket,
    LinkTickets,
    Comment,
    Transition,
    SetFields,
    Align,
    Post,
    Tell,
    Ask,
)
