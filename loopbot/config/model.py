"""What may stand in the configuration, and how a mistake in it is told: file, key, reason, suggestion."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from loopbot.config.meaning import Meaning
from loopbot.config.priority import PriorityTable
from loopbot.config.questions import Questions
from loopbot.config.secrets import is_reference
from loopbot.config.telling import DEFAULT_FILE, People, Telling, load_roster
from loopbot.config.web import Web
from loopbot.domain.people import Roster
from loopbot.domain.words import TOPICS
from loopbot.judgement.priority import Priority

Seconds = Annotated[float, Field(gt=0, le=86_400)]


class Daemon(BaseModel):
    """`[loopbot]`: what holds for the whole installation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    store: str = Field(
        "sqlite:///loopbot.db", description="Where everything durable lives: sqlite:///FILE or postgresql+psycopg://..."
    )
    rules: Path = Field(Path("rules"), description="The folder of rule files, relative to this file.")
    poll_seconds: Seconds = Field(60, description="How often each stream is read, unless its system says otherwise.")
    looks_back_days: float = Field(
        1,
        ge=0,
        le=36_500,
        description="How long before a stream is first read something may have been over, and is acted on still.",
    )
    sweep_at: str = Field(
        "03:00", pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="When all streams are read whole, UTC."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="How much is logged.")
    log_format: Literal["text", "json"] = Field("text", description="For people, or one JSON object a line.")

    @field_validator("store")
    @classmethod
    def _known_store(cls, value: str) -> str:
        if not value.startswith(("sqlite:///", "postgresql+psycopg://")) and not is_reference(value):
            message = "is not a store loopbot knows: write sqlite:///FILE or postgresql+psycopg://USER@HOST/DATABASE, or env:NAME"
            raise ValueError(message)
        return value


class Waiting(BaseModel):
    """`[waits]`: how long things wait, in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    claim: Seconds = Field(180, description="How long a delivery may take before others look for what became of it.")
    look: Seconds = Field(30, description="How long after a lost answer the first look is taken.")
    land: Seconds = Field(
        60,
        description="How long after a lost answer the write may still arrive; not found before, it is looked for again.",
    )
    backoff: Seconds = Field(5, description="The first pause after a failure; it doubles from there.")
    longest: Seconds = Field(900, description="The longest pause after a failure.")
    pause: Seconds = Field(300, description="How long a system is left alone that refuses our credentials.")
    lease: Seconds = Field(120, description="How long reading one page may take before another node reads the stream.")


class Roles(BaseModel):
    """`[roles]`: who may do more in a chat than look, and answer what they were asked.

    Each key holds e-mail addresses, Slack ids of people (U...) or of user groups (S...).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    operators: tuple[str, ...] = Field((), description="Who decides what is stuck; they may do all that others may.")
    agents: tuple[str, ...] = Field((), description="Who answers reporters.")
    problem_managers: tuple[str, ...] = Field((), description="Who looks for causes.")
    release_managers: tuple[str, ...] = Field((), description="Who brings changes to people.")
    product_owners: tuple[str, ...] = Field((), description="Who decides what is built.")
    engineers: tuple[str, ...] = Field((), description="Who builds it.")

    @field_validator("*")
    @classmethod
    def _are_ids(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        for one in values:
            if "@" not in one[1:] and not re.fullmatch(r"[USW][A-Z0-9]{2,}", one):
                message = f"{one!r} is neither an e-mail address nor the id of a person (U...) or a user group (S...)"
                raise ValueError(message)
        return values


class Reports(BaseModel):
    """`[reports]`: where what people report in a chat is opened as an incident."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    system: str = Field(description="The system it is opened in.")
    kind: Literal["incident", "feedback", "issue"] = Field("incident", description="What it is there.")
    place: str = Field("incident", description="The table or the project.")
    type: str | None = Field(None, description="The type of issue.")


class FeedbackPlace(Reports):
    """`[feedback]`: where what people say in a chat about a service is kept."""

    kind: Literal["incident", "feedback", "issue"] = Field("feedback", description="What it is there.")
    place: str = Field(description="The table or the project.")
    topic_field: str = Field("", description="The field that says what kind of feedback it is, if there is one.")
    reactions: Mapping[str, Literal["", "bug", "feature", "question", "praise", "complaint"]] = Field(
        default_factory=dict,
        description="Reactions that make a message feedback: the emoji's name = what kind it is, or nothing.",
    )


class Topics(BaseModel):
    """`[topics]`: how a team calls the kinds of feedback."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    words: Mapping[str, str] = Field(
        default={
            "bug": "bug",
            "defect": "bug",
            "enhancement": "feature",
            "feature": "feature",
            "feature request": "feature",
            "question": "question",
            "praise": "praise",
            "complaint": "complaint",
        },
        description="Labels that say outright what kind of feedback something is, in any case: label = topic.",
    )

    @field_validator("words")
    @classmethod
    def _are_topics(cls, values: Mapping[str, str]) -> Mapping[str, str]:
        for word, topic in values.items():
            if topic not in TOPICS:
                message = f"{word!r} means {topic!r}, which is no topic; known: {', '.join(TOPICS)}"
                raise ValueError(message)
        return {word.strip().lower(): topic for word, topic in values.items()}


class System(BaseModel):
    """`[systems.NAME]`: one system. Every key but these belongs to its connector and is checked there."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: str
    poll_seconds: Seconds | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """The connector's own keys."""
        return dict(self.model_extra or {})


class Config(BaseModel):
    """The whole configuration; `path` is the file it came from, which relative paths are relative to."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    loopbot: Daemon = Daemon()
    web: Web | None = None
    waits: Waiting = Waiting()
    roles: Roles = Roles()
    feedback: FeedbackPlace | None = None
    reports: Reports | None = None
    telling: Telling = Telling()
    people: People = People()
    questions: Questions = Questions()
    topics: Topics = Topics()
    meaning: Meaning = Meaning()
    priority: PriorityTable = PriorityTable()
    systems: Mapping[str, System] = Field(default_factory=dict)
    path: Path = Path("config.toml")

    @model_validator(mode="after")
    def _named_well(self) -> Self:
        for name in self.systems:
            if ":" in name or not name or name == "loopbot":
                message = f"systems.{name} can not be the name of a system"
                raise ValueError(message)
        if self.questions.system and self.questions.system not in self.systems:
            message = f"questions.system: {self.questions.system!r} is not configured"
            raise ValueError(message)
        for table, place in (("feedback", self.feedback), ("reports", self.reports)):
            if place is not None and place.system not in self.systems:
                message = f"{table}.system: {place.system!r} is not configured; add [systems.{place.system}]"
                raise ValueError(message)
        return self

    @property
    def rules_folder(self) -> Path:
        """Where the rule files are."""
        return self.path.parent / self.loopbot.rules

    @property
    def roster(self) -> Roster:
        """Which people of several systems are one; raises ConfigError."""
        file = self.people.file
        return load_roster(self.path.parent / (file or DEFAULT_FILE), wanted=file is not None)

    @property
    def weigher(self) -> Priority:
        """What says how much something matters; raises ConfigError."""
        return Priority(self.priority.weights, self.roster, self.priority.step)

    @property
    def store_url(self) -> str:
        """The store, a relative SQLite file being relative to the configuration."""
        url = self.loopbot.store
        prefix = "sqlite:///"
        if url.startswith(prefix) and not url.startswith("sqlite:////") and url != "sqlite:///:memory:":
            return prefix + str((self.path.parent / url.removeprefix(prefix)).resolve())
        return url

    def poll_seconds(self, system: str) -> float:
        """How often the system's streams are read."""
        return self.systems[system].poll_seconds or self.loopbot.poll_seconds
