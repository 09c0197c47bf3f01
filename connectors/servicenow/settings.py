"""What a person configures of a ServiceNow instance; every default is the one an instance has out of the box."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator

from loopbot.domain.words import OUTCOMES, STATES, TOPICS, Kind

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,79}$")]
FieldPath = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){0,3}$")]
ReadKind = Literal["incident", "problem", "change", "feedback"]

INCIDENT_STATES: Mapping[str, str] = MappingProxyType(
    {"1": "new", "2": "in_progress", "3": "on_hold", "6": "resolved", "7": "closed", "8": "cancelled"},
)
# The numbers from 101 are those of the present problem application; 1 to 4 those of the one before it.
PROBLEM_STATES: Mapping[str, str] = MappingProxyType(
    {
        "101": "new",
        "102": "investigating",
        "103": "investigating",
        "104": "fix_in_progress",
        "106": "resolved",
        "107": "closed",
        "1": "new",
        "2": "known_error",
        "3": "fix_in_progress",
        "4": "closed",
    },
)
CHANGE_STATES: Mapping[str, str] = MappingProxyType(
    {
        "-5": "draft",
        "-4": "assess",
        "-3": "authorize",
        "-2": "scheduled",
        "-1": "implement",
        "0": "review",
        "3": "closed",
        "4": "cancelled",
    },
)
FEEDBACK_STATES: Mapping[str, str] = MappingProxyType(
    {"-5": "new", "1": "new", "2": "acknowledged", "3": "delivered", "4": "declined", "7": "declined"},
)
PRIORITIES: Mapping[int, tuple[str, str]] = MappingProxyType(
    {1: ("1", "1"), 2: ("1", "2"), 3: ("2", "2"), 4: ("2", "3"), 5: ("3", "3")},
)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TicketTable(_Part):
    """One table and how its values are read and written."""

    table: Name = Field(description="The table's name, such as incident or a table that extends it.")
    query: str = Field(
        "",
        description="An encoded query that narrows what is read, such as active=true^assignment_group.name=Shop. "
        "Its fields are checked against the dictionary before the first call; ^NQ is not possible here.",
    )
    states: Mapping[str, str] = Field(
        default_factory=dict,
        description="The table's state values and the canonical state each means; replaces the out-of-box map. "
        "Where several values mean the same, loopbot writes the first.",
    )
    on_state: Mapping[str, Mapping[str, str]] = Field(
        default_factory=dict,
        description="Fields that are set together with a canonical state, such as close_code and close_notes on resolved.",
    )
    service_fields: tuple[FieldPath, ...] = Field(
        ("business_service.name", "cmdb_ci.name"),
        description="Fields that name the services a record concerns.",
    )
    environment_field: FieldPath | Literal[""] = Field(
        "", description="The field that names the environment, such as u_environment; empty where there is none."
    )
    reason_field: FieldPath | Literal[""] = Field(
        "",
        description="The field in which people write, for whoever asked to read, why something is not done; empty: none.",
    )
    resolution_field: FieldPath | Literal[""] = Field(
        "",
        description="The field that says how a ticket was resolved, such as close_notes, where everybody may read it: "
        "it answers whoever asks the same. Empty: none is told, for such notes are often meant for colleagues alone.",
    )
    outcomes: Mapping[str, str] = Field(
        default_factory=lambda: {
            "successful": "successful",
            "successful_issues": "successful",
            "unsuccessful": "failed",
        },
        description="For changes: values of close_code and the outcome each means (successful, failed, rolled_back).",
    )
    marker_field: Name | Literal[""] = Field(
        "correlation_id",
        description="The field in which loopbot marks the tickets it opens, to find one again after a lost answer; "
        "empty: it opens none in this table.",
    )

    def kind_states(self, kind: Kind) -> Mapping[str, str]:
        """The map in force for records of that kind."""
        return self.states or OUT_OF_BOX[kind]

    def number_of(self, kind: Kind, state: str) -> str | None:
        """The value that is written for a canonical state; None where the map has none."""
        return next((value for value, word in self.kind_states(kind).items() if word == state), None)


class DependencyTable(_Part):
    """The table of relations between services, and how often it is read."""

    table: Name = Field("cmdb_rel_ci", description="The table's name.")
    query: str = Field(
        "",
        description="An encoded query that narrows what is read, such as parent.sys_class_name=cmdb_ci_service: a CMDB holds "
        "many relations that say nothing of services.",
    )
    every: timedelta = Field(
        timedelta(days=1), description="How often it is read, as a whole; as ISO 8601, such as P1D."
    )
    most: int = Field(50_000, ge=1, description="How many relations are read at most.")


class ArticleTable(_Part):
    """The table of knowledge articles, and which of the knowledge bases in it are open to everybody."""

    table: Name = Field("kb_knowledge", description="The table's name.")
    bases: tuple[Annotated[str, StringConstraints(min_length=1)], ...] = Field(
        min_length=1,
        description="Knowledge bases, by title or sys_id, that everybody who reports may read: their published articles may be "
        "quoted to anybody. No word of the others is kept.",
    )
    query: str = Field(
        "",
        description="An encoded query that narrows what is read. An article that no longer fits it is only found to be gone by the "
        "nightly sweep: leave it empty, where the number of articles allows it.",
    )
    url: str = Field(
        "{base_url}/kb_view.do?sysparm_article={number}",
        description="Where people read an article, such as {base_url}/sp?id=kb_article_view&sysparm_article={number}; {base_url}, "
        "{sys_id} and {number} are filled in.",
    )


class FeedbackTable(TicketTable):
    """A table in which people say what they think: requested items, survey answers, a table of your own."""

    number: FieldPath = Field("number", description="The field people call a row by; sys_id where there is none.")
    title: FieldPath = Field("short_description", description="The field that holds its title.")
    text: FieldPath | Literal[""] = Field("description", description="The field that holds what was said.")
    state: FieldPath | Literal[""] = Field("state", description="The state field; empty: every row is new.")
    topic: FieldPath | Literal[""] = Field("", description="The field that says what kind of feedback it is.")
    topics: Mapping[str, str] = Field(
        default_factory=dict,
        description="Values of the topic field and what each means: bug, feature, question, praise or complaint.",
    )
    reporter: Name | Literal[""] = Field("opened_by", description="The reference field to the user who said it.")
    channel: str = Field("", description="Where this feedback comes from, as rules see it; empty: the table's name.")


OUT_OF_BOX: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "incident": INCIDENT_STATES,
        "problem": PROBLEM_STATES,
        "change": CHANGE_STATES,
        "feedback": FEEDBACK_STATES,
    },
)
RESOLVED: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        state: MappingProxyType({"close_code": "Solution provided", "close_notes": "Resolved; see the comments."})
        for state in ("resolved", "closed")
    },
)


class Settings(_Part):
    """One ServiceNow instance."""

    base_url: str = Field(description="Where the instance is, such as https://it.example.com; a path may follow.")
    user: str = Field(
        "",
        description="The account's user name. Needed with a password; with a token it lets loopbot tell its own comments.",
    )
    password: str = Field("", description="Reference to the account's password, such as env:SN_PASSWORD.")
    token: str = Field("", description="Reference to a bearer token, instead of a password.")
    client_id: str = Field("", description="OAuth client id (client credentials), instead of a password.")
    client_secret: str = Field("", description="Reference to the OAuth client's secret.")
    webhook_secret: str = Field(
        "",
        description="Reference to the secret that the business rule shows at /hooks/NAME; without it webhooks are refused.",
    )
    ca: str | None = Field(None, description="Path of a certificate bundle, for an instance with a CA of your own.")
    calls_per_hour: int = Field(0, ge=0, description="Calls loopbot may make in an hour; 0: only the server's limits.")
    seconds_between_calls: float = Field(0.0, ge=0, description="The shortest time between two calls.")
    overlap: float = Field(
        300.0,
        ge=0,
        description="Seconds before the last seen change that each poll reads again; late rows turn up there.",
    )
    page_size: int = Field(
        1000, ge=2, le=10_000, description="Rows a call; the overlap of a quiet hour should fit into one."
    )
    streams: tuple[ReadKind, ...] = Field(
        ("incident", "problem", "change", "feedback"), description="What is read: incident, problem, change, feedback."
    )
    writes: bool = Field(True, description="Whether loopbot may write to this instance at all.")
    incidents: TicketTable = Field(
        TicketTable(table="incident", on_state=RESOLVED), description="The table of incidents."
    )
    problems: TicketTable = Field(TicketTable(table="problem"), description="The table of problems.")
    changes: TicketTable = Field(TicketTable(table="change_request"), description="The table of changes.")
    feedback: tuple[FeedbackTable, ...] = Field((), description="Tables that hold feedback.")
    dependencies: DependencyTable | None = Field(
        None, description="Which services depend on which, for judging what caused an incident; without it, not read."
    )
    articles: ArticleTable | None = Field(
        None, description="Knowledge articles that answer whoever asks; without it, none are read."
    )
    priorities: Mapping[int, tuple[str, str]] = Field(
        default_factory=lambda: dict(PRIORITIES),
        description="Priority 1 (highest) to 5 and the impact and urgency that are written for it.",
    )
    record_url: str = Field(
        "{base_url}/nav_to.do?uri={table}.do?sys_id={sys_id}",
        description="Where people open a record; {base_url}, {table}, {sys_id} and {number} are filled in.",
    )

    @field_validator("incidents")
    @classmethod
    def _resolvable(cls, table: TicketTable) -> TicketTable:
        """Out of the box an incident can not be resolved without these: they hold unless others are named."""
        return table if "on_state" in table.model_fields_set else table.model_copy(update={"on_state": RESOLVED})

    @model_validator(mode="after")
    def _sound(self) -> Self:
        parts = urlsplit(self.base_url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query:
            message = "base_url must be such as https://it.example.com, without user name or query"
            raise ValueError(message)
        ways = [bool(self.password), bool(self.token), bool(self.client_id or self.client_secret)]
        if sum(ways) != 1:
            message = "give one of: user and password, token, client_id and client_secret"
            raise ValueError(message)
        if self.password and not self.user:
            message = "a password needs a user"
            raise ValueError(message)
        if bool(self.client_id) != bool(self.client_secret):
            message = "client_id and client_secret belong together"
            raise ValueError(message)
        for kind, table in self.tables():
            _known(f"{table.table}.states", table.states.values(), STATES[kind])
            _known(f"{table.table}.outcomes", table.outcomes.values(), OUTCOMES)
            _known(f"{table.table}.on_state", table.on_state, STATES[kind])
            if isinstance(table, FeedbackTable):
                _known(f"{table.table}.topics", table.topics.values(), TOPICS)
        _fillable("record_url", self.record_url, "base_url", "table", "sys_id", "number")
        if self.articles is not None:
            _fillable("articles.url", self.articles.url, "base_url", "sys_id", "number")
        return self

    def tables(self) -> tuple[tuple[ReadKind, TicketTable], ...]:
        """Every configured table with the kind of its records, read or not."""
        return (
            ("incident", self.incidents),
            ("problem", self.problems),
            ("change", self.changes),
            *(("feedback", one) for one in self.feedback),
        )

    def of_kind(self, kind: str, place: str = "") -> TicketTable | None:
        """How the table `place` (or the first of that kind) is read and written; None where there is none."""
        fits = [one for known, one in self.tables() if known == kind]
        for one in fits:
            if one.table == place:
                return one
        return fits[0] if fits and not (place and kind == "feedback") else None


def _fillable(where: str, address: str, *names: str) -> None:
    try:
        address.format(**dict.fromkeys(names, ""))
    except (KeyError, IndexError, ValueError) as error:
        message = f"{where} may hold {', '.join(f'{{{name}}}' for name in names)}"
        raise ValueError(message) from error


def _known(where: str, words: object, known: tuple[str, ...]) -> None:
    unknown = sorted(set(map(str, words)) - set(known))  # type: ignore[call-overload]
    if unknown:
        message = f"{where}: {', '.join(unknown)} is none of {', '.join(known)}"
        raise ValueError(message)
