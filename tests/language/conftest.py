"""A moment, records, and names that the tests of the rule language share."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from loopbot.domain.records import Change, Incident, Involved, Person, Ref
from loopbot.domain.rules import Rule, Scope
from loopbot.language.loader import parse_rule
from loopbot.language.names import Names, acting_names, names_for, record_type

NOW = datetime(2026, 11, 22, 14, 5, tzinfo=UTC)


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def names() -> Names:
    """What the actions of a rule on incidents that matches changes may name."""
    return Names(acting_names(names_for(["incident"], ["change"]), ranked=True), others=record_type(["incident"]))


@pytest.fixture
def incident() -> Callable[..., Incident]:
    def made(key: str = "INC1", **changes: Any) -> Incident:
        values: dict[str, Any] = {
            "title": "Checkout shows an error",
            "state": "new",
            "updated_at": NOW,
            "opened_at": NOW - timedelta(hours=3),
            "priority": 2,
            "services": frozenset({"checkout"}),
            "people": (
                Involved("reporter", Person("servicenow", "u1", "Ann Lee", "ann@example.com")),
                Involved("assignee", Person("servicenow", "u2", "Kim", "kim@example.com")),
            ),
        }
        return Incident(ref=Ref("servicenow", "incident", key), ident=f"id-{key}", **{**values, **changes})

    return made


@pytest.fixture
def change() -> Callable[..., Change]:
    def made(key: str = "CHG1", **changes: Any) -> Change:
        values: dict[str, Any] = {"title": "Upgrade checkout", "state": "review", "updated_at": NOW}
        return Change(ref=Ref("servicenow", "change", key), ident=f"id-{key}", **{**values, **changes})

    return made


@pytest.fixture
def scope(incident: Callable[..., Incident], change: Callable[..., Change]) -> Scope:
    return Scope(it=incident(), other=change(), now=NOW, score=0.834, because="same service")


@pytest.fixture
def rule() -> Callable[[str], Rule]:
    """A rule from its text, which has to be good."""

    def made(text: str) -> Rule:
        loaded = parse_rule(text, "a-rule")
        assert loaded.errors == ()
        return loaded.rules[0]

    return made
