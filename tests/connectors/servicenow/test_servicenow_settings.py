from typing import Any

import pytest
from pydantic import ValidationError

from connectors.servicenow.settings import Settings

GOOD = {"base_url": "https://it.example.com/sn", "user": "loopbot", "password": "env:SN"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"base_url": "it.example.com"}, "base_url"),
        ({"base_url": "https://me:secret@it.example.com"}, "base_url"),
        ({"token": "env:T"}, "give one of"),
        ({"password": ""}, "give one of"),
        ({"user": ""}, "needs a user"),
        ({"password": "", "client_id": "x"}, "belong together"),
        ({"incidents": {"table": "incident", "states": {"1": "fresh"}}}, "fresh is none of"),
        ({"incidents": {"table": "incident; drop"}}, "pattern"),
        ({"feedback": [{"table": "u_f", "topics": {"x": "idea"}}]}, "idea is none of"),
        ({"record_url": "{base_url}/{password}"}, "record_url"),
        ({"colour": "blue"}, "colour"),
        ({"page_size": 1}, "page_size"),
    ],
)
def test_a_mistake_is_named(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Settings(**{**GOOD, **changes})


def test_every_setting_is_explained() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_loopbot_writes_the_first_value_that_means_a_state() -> None:
    settings = Settings(**GOOD)
    assert settings.problems.number_of("problem", "new") == "101"
    assert settings.incidents.number_of("incident", "resolved") == "6"
    assert settings.changes.number_of("change", "draft") == "-5"


def test_incidents_can_be_resolved_also_where_their_table_is_configured_by_hand() -> None:
    given = {"base_url": "https://it.example.com", "user": "bot", "password": "env:P"}
    by_hand = Settings.model_validate({**given, "incidents": {"table": "incident", "environment_field": "u_env"}})
    assert by_hand.incidents.on_state["resolved"]["close_code"]
    without = Settings.model_validate({**given, "incidents": {"table": "incident", "on_state": {}}})
    assert not without.incidents.on_state
