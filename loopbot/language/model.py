"""A rule file as it is written: its keys and their shapes. What they mean together is the loader's matter."""

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from loopbot.domain.questions import Audience
from loopbot.domain.rules import Mode
from loopbot.domain.words import Kind, Relation
from loopbot.language import spans


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _once(value: object) -> object:
    return {"per": value} if isinstance(value, str) else value


Span = Annotated[
    timedelta,
    BeforeValidator(spans.parse, json_schema_input_type=Annotated[str, Field(pattern=spans.PATTERN)]),
]
System = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$", description="A system's name in the configuration.")]
Kinds = Annotated[list[Kind], Field(min_length=1), BeforeValidator(_listed, json_schema_input_type=Kind | list[Kind])]
Targets = Annotated[list[str], Field(min_length=1), BeforeValidator(_listed, json_schema_input_type=str | list[str])]
Whom = Literal["reporter", "assignee", "opener", "follower", "thread"]
Whoms = Annotated[list[Whom], Field(min_length=1), BeforeValidator(_listed, json_schema_input_type=Whom | list[Whom])]
Relations = Annotated[list[Relation], BeforeValidator(_listed, json_schema_input_type=Relation | list[Relation])]
RuleName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
RuleNames = Annotated[list[RuleName], BeforeValidator(_listed, json_schema_input_type=RuleName | list[RuleName])]
Share = Annotated[float, Field(ge=0, le=1)]
Words = Annotated[str, Field(min_length=1)]


Wins = Literal["it", "other", "newest"]


class Part(BaseModel):
    """A table of the file; a key it does not know is a mistake, and so is a text where a number belongs."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=False)


class OncePart(Part):
    """What makes a further effect another one."""

    per: Words | None = Field(None, description="A text with placeholders: each new value acts again.")
    span: Span | None = Field(None, alias="for", description="Acts again in each such span, such as 90d.")


class MatchPart(Part):
    """The other record the rule needs."""

    kind: Kinds = Field(description="Of which kind(s) the other record is; several are ranked as one.")
    where: Words | None = Field(None, description="A condition on `other` (and `it`).")
    unless: Words | None = Field(None, description="Where this holds for any record of the kind, none fits.")
    through: list[Relation] = Field(default=[], description="The relations that lead from `it` to the other record.")
    within: Span | None = Field(
        None,
        description="How long before `it` the other record may have happened: 30d if you say nothing, for suspects ever.",
    )
    rank: Literal["none", "suspect", "similar"] = Field("none", description="How candidates are scored.")
    pick: Literal["best", "all", "each"] = Field("best", description="The best one, all together, or each by itself.")
    optional: bool = Field(default=False, description="Act without another record too; `other` is null then.")
    link_at: Share = Field(0.8, description="The score from which the rule acts.")
    ask_at: Share = Field(0.5, description="The score from which a person is asked.")


class RepeatPart(Part):
    """How often the like must have happened."""

    at_least: int = Field(ge=2, description="How many, with this one.")
    within: Span = Field(description="In which span before it.")
    same: Literal["service", "nothing"] = Field("service", description="What they have to share.")
    alike: Share = Field(0.0, description="How alike their words have to be: 0 (anything) to 1 (the same).")


class AskTable(Part):
    """Whom the rule asks where it is not sure, and whether it asks before it acts."""

    to: Audience | None = Field(None, description="Who is asked; loopbot's own choice if you say nothing.")
    first: bool = Field(
        default=False,
        description="Ask before acting: [repeat] asks always, an optional [match] waits for the answer between its bars.",
    )
    again: Span = Field(timedelta(days=30), description="How long it rests after `not now`, or where nobody answered.")


class WatchPart(Part):
    """Wait until a fixed problem has stayed quiet for the usual interval between its incidents."""

    least: Span = Field(timedelta(days=7), description="Watch at least so long.")
    most: Span = Field(timedelta(days=90), description="Watch at most so long.")


class ActionPart(Part):
    """What every action can say."""

    only_if: Words | None = Field(None, alias="if", description="Only where this condition holds.")
    unless_linked: Relations = Field(
        [],
        description="Not where `it` has such a link already (any of several): what a person or a system states comes first.",
    )
    slot: str | None = Field(
        None,
        pattern=r"^[a-z][a-z0-9-]*$",
        description="Names this action for good, so that it may move in the file without acting again.",
    )


class OpenPart(ActionPart):
    """Open a ticket, or join the one that is open already."""

    do: Literal["open"]
    system: System
    kind: Kind
    place: Words = Field(description="A table or a project.")
    title: Words
    text: str = ""
    type: str | None = None
    priority: int | str | None = Field(None, description="1 to 5, or an expression.")
    labels: list[str] = Field(default=[])
    fields: dict[str, str] = Field(
        default={}, description="Fields of the system by its own names; texts with placeholders."
    )
    reporter: bool = Field(default=False, description="Pass on who reported `it`.")
    name: str | None = Field(None, alias="as", pattern=r"^[a-z][a-z0-9_]*$", description="How later actions name it.")
    join: Relation | None = Field(
        None,
        description="Where `it` or one of `others` is linked by this relation to an open ticket of the kind, take that one.",
    )


class LinkPart(ActionPart):
    """Link two tickets."""

    do: Literal["link"]
    relation: Relation
    source: Targets = Field(default=["it"], alias="from")
    target: Targets = Field(default=["other"], alias="to")
    systems: list[System] | None = Field(
        None,
        alias="in",
        description="Systems to write the link into as well; by default that of `it`, [] keeps it in loopbot.",
    )


class CommentPart(ActionPart):
    """Comment on tickets."""

    do: Literal["comment"]
    on: Targets = Field(default=["it"])
    internal: bool = Field(description="true: for the team only; false: customers read it.")
    text: Words


class TransitionPart(ActionPart):
    """Bring tickets to a state, in loopbot's words."""

    do: Literal["transition"]
    on: Targets = Field(default=["it"])
    to: Words


class SetPart(ActionPart):
    """Set fields of tickets."""

    do: Literal["set"]
    on: Targets = Field(default=["it"])
    fields: dict[str, str] = Field(min_length=1)
    keep_current: bool = Field(
        default=False,
        description="Write them anew where they say something else; a weight, where it has moved by much.",
    )


class MirrorStates(Part):
    """Which state means which, in loopbot's words; what has no word here is not passed on."""

    out: dict[str, str] = Field(description="Each state of `it` and the state of its mirror.")
    back: dict[str, str] = Field(description="Each state of the mirror and the state of `it`.")


class MirrorFields(Part):
    """What is kept in step, and whose word stands where both sides changed it."""

    title: Wins | None = None
    state: Wins | None = None
    priority: Wins | None = None


class MirrorPart(ActionPart):
    """Open a mirror of `it` in another system, once, and keep both in step from then on."""

    do: Literal["mirror"]
    system: System
    into: Kind = Field(description="Of which kind the mirror is.")
    place: Words = Field(description="A table or a project.")
    type: str | None = None
    text: str = Field("", description="What stands in the mirror when it is opened; a text with placeholders.")
    labels: list[str] = Field(default=[])
    fields: MirrorFields = Field(description="What is kept in step: it, other or newest wins where both changed.")
    states: MirrorStates | None = Field(None, description="Which state means which; loopbot's own if you say nothing.")


class PostPart(ActionPart):
    """Post a message to a channel."""

    do: Literal["post"]
    system: System = "slack"
    channel: Words
    text: Words
    keep_current: bool = Field(default=False, description="Update the message where the text changes.")


class TellPart(ActionPart):
    """Tell people something, each by a direct message, and where it was said first in a chat, in that thread."""

    do: Literal["tell"]
    system: System = "slack"
    who: Whoms = Field(default=["reporter"], description="Whom: roles of the record, or the thread it came from.")
    after: RuleNames = Field(
        default=[], description="Only those whom one of these rules has told about it, instead of who."
    )
    of: Targets = Field(default=["it"])
    about: Words = "it"
    text: Words
    together: Words | None = Field(
        None, description="Said once where one person is told the same of several records in one message."
    )
    line: Words | None = Field(None, description="What stands for each record below `together`.")
    instead: Literal["comment"] | None = Field(
        None, description="comment: whoever is not in the chat reads it on the ticket, where they reported that."
    )
    question: str | None = Field(None, pattern=r"^[a-z][a-z_]*$", description="What the buttons ask, such as fixed.")
    silent_after: Span | None = Field(
        None, description='Without an answer for so long, the answer is "silence", such as 14d.'
    )
    buttons: dict[str, str] = Field(default={}, description="The answers: word = what the button says.")


class AskPart(ActionPart):
    """Ask people something about `it`."""

    do: Literal["ask"]
    what: Literal["topic", "root_cause"] = Field(
        description="What kind of feedback it is; the root cause of a problem, by ITIL's four dimensions."
    )
    to: Audience | None = Field(None, description="Who is asked; loopbot's own choice if you say nothing.")
    again: Span = Field(timedelta(days=30), description="How long it rests where nobody answered.")


class BroadcastPart(ActionPart):
    """Give the workaround of `it`, a problem, to its open incidents: to agents at once, to callers once it is released."""

    do: Literal["broadcast"]
    to_incidents: Targets = Field(default=["others"], alias="on")
    system: System = Field("slack", description="Through which system callers are told.")
    ask: Audience = Field("problem_managers", description="Who may release it to callers.")


AnyAction = Annotated[
    OpenPart
    | LinkPart
    | CommentPart
    | TransitionPart
    | SetPart
    | MirrorPart
    | PostPart
    | TellPart
    | AskPart
    | BroadcastPart,
    Field(discriminator="do"),
]
VERBS: tuple[type[ActionPart], ...] = (
    OpenPart,
    LinkPart,
    CommentPart,
    TransitionPart,
    SetPart,
    MirrorPart,
    PostPart,
    TellPart,
    AskPart,
    BroadcastPart,
)


class RuleFile(Part):
    """One rule."""

    about: Words = Field(description="What the rule does, in one sentence.")
    on: Kinds = Field(description="The kind(s) of records it looks at.")
    when: Words | None = Field(None, description="A condition on `it`.")
    settle: Span | None = Field(None, description="Wait this long after it happened, such as 10m.")
    mode: Mode = Field("live", description="shadow: plan and show, send nothing. off: do nothing.")
    limit: int = Field(100, ge=1, description="How many effects in an hour before a person is asked.")
    once: Annotated[OncePart, BeforeValidator(_once, json_schema_input_type=str | OncePart)] = Field(
        default=OncePart.model_construct(),
        description="What makes it act on the same record again.",
    )
    match: MatchPart | None = None
    repeat: RepeatPart | None = None
    ask: AskTable | None = None
    watch: WatchPart | None = None
    then: list[AnyAction] = Field(min_length=1, description="What it asks for.")


def key_of(name: str, part: type[BaseModel]) -> str:
    """How a field is written in the file."""
    return part.model_fields[name].alias or name


def keys_of(part: type[BaseModel]) -> list[str]:
    """The keys a table of the file may have."""
    return [key_of(name, part) for name in part.model_fields]


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a rule file."""
    return RuleFile.model_json_schema(by_alias=True)
