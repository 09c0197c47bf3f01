"""The JSON Schema of a rule file, so that editors complete and check while a rule is written."""

from typing import Any

from loopbot.language.model import json_schema


def rule_schema() -> dict[str, Any]:
    """The schema, as a JSON document; the loader checks more than it can say (names, types, vocabularies)."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **json_schema(),
        "title": "A rule of loopbot",
    }
