"""TOML to the model of a rule file; what pydantic finds is said in our words, with the key as it is written."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from loopbot.language import model
from loopbot.language.mistakes import Findings
from loopbot.language.suggestions import did_you_mean, nearest

Shape = TypeVar("Shape", bound=BaseModel)

_VERBS: Mapping[str, type[BaseModel]] = {part.__name__.removesuffix("Part").lower(): part for part in model.VERBS}
_TABLES: Mapping[str, type[BaseModel]] = {
    **_VERBS,
    "match": model.MatchPart,
    "repeat": model.RepeatPart,
    "once": model.OncePart,
    "watch": model.WatchPart,
    "fields": model.MirrorFields,
    "states": model.MirrorStates,
}
_TYPES = {
    "string_type": "a text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a table",
}


def read(text: str, findings: Findings) -> model.RuleFile | None:
    """The file, or none where its shape is wrong (the findings say how)."""
    raw = parsed_toml(text, findings)
    return None if raw is None else validated(raw, model.RuleFile, _TABLES, findings)


def validated(
    raw: dict[str, Any], root: type[Shape], tables: Mapping[str, type[BaseModel]], findings: Findings
) -> Shape | None:
    """The document as `root`; `tables` tells which model stands under which key, for what to suggest."""
    try:
        return root.model_validate(raw)
    except ValidationError as error:
        seen: set[str] = set()
        details = error.errors(include_url=False)
        extra = {
            (each["loc"][:-1], _meant(each, root, tables)) for each in details if each["type"] == "extra_forbidden"
        }
        for each in details:
            if each["type"] == "missing" and (each["loc"][:-1], each["loc"][-1]) in extra:
                continue  # it is there, and misspelt: one mistake, told where it was made
            key, why, hint = _said(each, _owner(each["loc"], root, tables))
            if key not in seen:  # a value that fits neither of two types is one mistake
                seen.add(key)
                findings.add(key, why, hint)
        return None


def _owner(loc: Sequence[str | int], root: type[BaseModel], tables: Mapping[str, type[BaseModel]]) -> type[BaseModel]:
    """The table that the last part of the path is a key of."""
    if len(loc) > 1 and loc[0] == "ask":  # the verb of that name stands under [[then]]
        return model.AskTable
    names = [str(part) for part in loc[:-1] if str(part) in tables]
    return tables[names[-1]] if names else root


def _meant(error: Any, root: type[BaseModel], tables: Mapping[str, type[BaseModel]]) -> str | None:
    loc = error["loc"]
    return nearest(str(loc[-1]), model.keys_of(_owner(loc, root, tables)))


def parsed_toml(text: str, findings: Findings) -> dict[str, Any] | None:
    """The document; a syntax error is noted with its line."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.fullmatch(r"(.*) \(at (?:line (\d+), column (\d+)|end of document)\)", str(error), re.DOTALL)
        why = found[1] if found else str(error)
        line = f"line {found[2]}, column {found[3]}" if found and found[2] else "the last line"
        findings.add(line, f"this is not TOML: {why[:1].lower()}{why[1:]}", _toml_hint(text, found))
    return None


def _toml_hint(text: str, found: re.Match[str] | None) -> str:
    if found is None or not found[2]:
        return "a quote or a bracket is not closed"
    line = text.splitlines()[int(found[2]) - 1]
    if re.match(r'\s*[\w-]+\s*=\s*"[^"]*"\S', line):
        return "put a condition that has double quotes in it between single quotes"
    if re.match(r"\s*[\w-]+\s*=\s*[A-Za-z]", line):
        return "a text needs quotes"
    return ""


def _said(error: Any, owner: type[BaseModel]) -> tuple[str, str, str]:
    """Key, reason and hint of one error of pydantic's."""
    kind, context, given = error["type"], error.get("ctx", {}), error.get("input")
    path = _without_tags(error["loc"])
    key = _key(path)
    name = str(path[-1]) if path else ""
    if kind == "extra_forbidden":
        return key, f"`{name}` is not a key here", did_you_mean(name, model.keys_of(owner))
    if kind == "missing":
        return key, f"`{name}` is missing", _described(owner, name)
    if kind == "literal_error":
        known = re.findall(r"'([^']*)'", context["expected"])
        return key, f"{_shown(given)} is not known", did_you_mean(str(given), known)
    if kind == "union_tag_invalid":
        return (
            f"{key}.do",
            f"{_shown(context['tag'])} is not something a rule can do",
            did_you_mean(context["tag"], _VERBS),
        )
    if kind == "union_tag_not_found":
        return f"{key}.do", "`do` is missing", f"a rule can {', '.join(_VERBS)}"
    if kind == "value_error":
        return key, str(context["error"]), ""
    return key, *_shape(kind, context, given, name)


def _shape(kind: str, context: Mapping[str, Any], given: object, name: str) -> tuple[str, str]:
    if kind in {"model_type", "model_attributes_type"}:
        return f"`{name}` has to be one table", f"write [{name}] with single brackets"
    if kind == "list_type" and name == "then":
        return "`then` has to be a list of tables", "write [[then]] with double brackets"
    if kind in _TYPES:
        hint = (
            "leave the quotes out" if isinstance(given, str) and kind in {"int_type", "float_type", "bool_type"} else ""
        )
        return f"has to be {_TYPES[kind]}, not {_shown(given)}", hint
    if kind == "greater_than_equal":
        return f"has to be at least {context['ge']}, not {_shown(given)}", ""
    if kind == "less_than_equal":
        return f"has to be at most {context['le']}, not {_shown(given)}", ""
    if kind in {"too_short", "string_too_short"}:
        return "is empty", ""
    if kind == "string_pattern_mismatch":
        return f"{_shown(given)} can not be used as a name here", "small letters and digits, beginning with a letter"
    return f"{_shown(given)} can not be used here", ""


def _shown(given: object) -> str:
    if isinstance(given, str):
        return f'"{given}"'
    if isinstance(given, bool):
        return "true" if given else "false"
    return "a table" if isinstance(given, dict) else "a list" if isinstance(given, list) else str(given)


def _without_tags(loc: Sequence[str | int]) -> list[str | int]:
    """The path as it is written: without the names of union members that pydantic puts in."""
    path = list(loc)
    if len(path) > 2 and path[0] == "then" and path[2] in _VERBS:
        del path[2]
    if path and path[-1] in {"int", "str"}:
        del path[-1]
    return path[:1] if path[:1] == ["on"] else path  # one kind may stand there without a list


def _key(path: Sequence[str | int]) -> str:
    """then[1].relation; lists are counted from one."""
    key = ""
    for part in path:
        key += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if key else part
    return key


def _described(owner: type[BaseModel], key: str) -> str:
    found = next((info for name, info in owner.model_fields.items() if model.key_of(name, owner) == key), None)
    description = (found.description if found else None) or ""
    return description[:1].lower() + description[1:].rstrip(".")
