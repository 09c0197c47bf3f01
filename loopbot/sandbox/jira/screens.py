"""What a create, an edit or a transition may say: the JSON `fields` and `update` are checked and turned into values.

A refusal names each field with the vendor's own sentence, all of them at once.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from loopbot.sandbox.jira import adf
from loopbot.sandbox.jira.catalogue import PRIORITIES, RESOLUTIONS
from loopbot.sandbox.jira.model import Field, Issue, Project
from loopbot.sandbox.jira.site import Site

TEXT_LIMIT = 32_767
NOT_A_DOCUMENT = "Operation value must be an Atlassian Document (see the Atlassian Document Format)"

_ATTRIBUTES: Mapping[str, str] = {"issuetype": "type", "fixVersions": "fix_versions"}
_NEVER_SET = frozenset({"status", "created", "updated", "resolutiondate", "creator", "comment", "issuelinks", "votes"})
_LISTS = frozenset({"labels", "fixVersions", "versions"})


class FieldError(Exception):
    """One field's value is refused; the text is the vendor's."""


class InvalidInput(Exception):
    """The document is broken: the vendor says INVALID_INPUT for the whole request and no more."""


@dataclass(frozen=True, slots=True)
class Screen:
    """Where fields are set: which screen, of which project and issue type, through which version of the API."""

    site: Site
    project: Project
    issue_type: str
    api: Literal[2, 3]
    kind: Literal["create", "edit", "transition"]
    issue: Issue | None = None

    def shows(self, ident: str) -> bool:
        """Whether a field can be set here."""
        known = self.site.fields.get(ident)
        if known is None or ident in _NEVER_SET or ident in self.project.off_screen:
            return False
        if ident in {"project", "issuetype"}:
            return self.kind == "create" or ident == "issuetype"
        return self.kind == "transition" or ident != "resolution"

    def fields(self) -> list[Field]:
        """The fields that can be set here."""
        return [one for one in self.site.fields.values() if self.shows(one.id)]

    def requires(self, ident: str) -> bool:
        """Whether a create must name it."""
        return ident in {"summary", "project", "issuetype"} or (self.issue_type, ident) in self.project.required


def read(screen: Screen, fields: Mapping[str, Any], update: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The values for `Issue` and the errors by field; raises InvalidInput for a document that is not well formed."""
    values: dict[str, Any] = {}
    custom: dict[str, Any] = dict(screen.issue.custom) if screen.issue else {}
    errors: dict[str, str] = {}
    given = {**fields, **_updated(screen, update, errors)}
    for ident, value in given.items():
        if not screen.shows(ident):
            errors[ident] = f"Field '{ident}' cannot be set. It is not on the appropriate screen, or unknown."
            continue
        if ident in {"project", "issuetype"} and screen.kind == "create":
            continue
        try:
            read_value = _read(screen, screen.site.fields[ident], value)
        except FieldError as error:
            errors[ident] = str(error)
            continue
        if screen.site.fields[ident].custom:
            custom[ident] = read_value
        else:
            values[_ATTRIBUTES.get(ident, ident)] = read_value
    if screen.kind == "create":
        _complain_of_missing(screen, given, errors)
    set_custom = {ident: value for ident, value in custom.items() if value is not None}
    if set_custom != (screen.issue.custom if screen.issue else {}):
        values["custom"] = MappingProxyType(set_custom)
    return values, errors


def _complain_of_missing(screen: Screen, given: Mapping[str, Any], errors: dict[str, str]) -> None:
    if given.get("summary") is None:
        errors["summary"] = "You must specify a summary of the issue."
    for ident in screen.site.fields:
        missing = given.get(ident) in (None, "", [], {})
        if missing and ident not in {"summary", "project", "issuetype"} and screen.requires(ident):
            errors[ident] = f"{screen.site.fields[ident].name} is required."


def _updated(screen: Screen, update: Mapping[str, Any], errors: dict[str, str]) -> dict[str, Any]:
    """What `update` makes of each field; comments in it are for the caller."""
    found: dict[str, Any] = {}
    for ident, operations in update.items():
        if ident == "comment":
            continue
        if not screen.shows(ident):
            errors[ident] = f"Field '{ident}' cannot be set. It is not on the appropriate screen, or unknown."
            continue
        value = _present(screen, ident)
        for operation in operations if isinstance(operations, Sequence) else ():
            verb, operand = next(iter(operation.items()), ("", None))
            if verb == "set":
                value = operand
            elif verb in {"add", "remove"} and ident in _LISTS:
                left = [one for one in value or [] if not _same(one, operand)]
                value = [*left, operand] if verb == "add" else left
            else:
                errors[ident] = f"Field with id '{ident}' and name '{ident}' does not support operation '{verb}'"
        found[ident] = value
    return found


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return any(name in other and one.get(name) == other[name] for name in ("id", "name"))
    return bool(one == other)


def _present(screen: Screen, ident: str) -> Any:
    if screen.issue is None or ident not in _LISTS:
        return None
    held = getattr(screen.issue, _ATTRIBUTES.get(ident, ident))
    if ident == "labels":
        return list(held)
    named = (screen.site.version(one) for one in held)
    return [{"id": one.id, "name": one.name} for one in named if one]


def _read(screen: Screen, field: Field, value: Any) -> Any:
    if field.kind == "option":
        return _option(field, value)
    reader = _READERS.get(field.id) or _KINDS[field.kind]
    return reader(screen, value)


def _option(field: Field, value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, Mapping) or not isinstance(value.get("value"), str):
        raise FieldError("Specify a valid 'id' or 'name' for " + field.name)
    if value["value"] not in field.options:
        raise FieldError(f"Option value '{value['value']}' is not valid")
    return str(value["value"])


def _string(_: Screen, value: Any) -> Any:
    if value is not None and not isinstance(value, str):
        raise FieldError("Operation value must be a string")
    return value


def _summary(_: Screen, value: Any) -> Any:
    if not isinstance(value, str):
        raise FieldError("Operation value must be a string")
    if not value.strip():
        raise FieldError("You must specify a summary of the issue.")
    if "\n" in value or "\r" in value:
        raise FieldError("The summary is invalid because it contains newline characters.")
    if len(value) > 255:
        raise FieldError("Summary can't exceed 255 characters.")
    return value


def read_text(api: Literal[2, 3], value: Any, refusal: str = NOT_A_DOCUMENT) -> Any:
    """A long text: a document in version 3 of the API, a string in version 2; raises FieldError or InvalidInput."""
    if api == 2:
        if not isinstance(value, str):
            raise FieldError("Operation value must be a string")
    elif not isinstance(value, Mapping) or value.get("type") != "doc":
        raise FieldError(refusal)
    elif flaw := adf.flaw(value):
        raise InvalidInput(flaw)
    if len(adf.plain(value)) > TEXT_LIMIT:
        raise FieldError(f"The entered text is too long. It exceeds the allowed limit of {TEXT_LIMIT:,} characters.")
    return value


def _text(screen: Screen, value: Any) -> Any:
    return None if value is None else read_text(screen.api, value)


def _labels(_: Screen, value: Any) -> tuple[str, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str) or not all(isinstance(one, str) for one in value):
        raise FieldError("Operation value must be an Array of Strings")
    for label in value:
        if re.search(r"\s", label):
            raise FieldError(f"The label '{label}' contains spaces which is invalid.")
        if len(label) > 255:
            raise FieldError(f"The label '{label}' exceeds the maximum length of 255 characters.")
    return tuple(dict.fromkeys(one for one in value if one))


def _date(_: Screen, value: Any) -> Any:
    if value is not None and not (isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value)):
        raise FieldError("Error parsing date string: " + str(value))
    return value


def _number(_: Screen, value: Any) -> Any:
    if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
        raise FieldError("Operation value must be a number")
    return value


def _name_or_id(value: Any) -> tuple[str, str]:
    if isinstance(value, Mapping):
        for name in ("id", "name"):
            if value.get(name) is not None:
                return name, str(value[name])
    raise FieldError("expected Object containing an id or name property")


def _priority(_: Screen, value: Any) -> str:
    by, wanted = _name_or_id(value)
    found = next((one.id for one in PRIORITIES if getattr(one, by).lower() == wanted.lower()), None)
    if found is None:
        raise FieldError(f"Priority {by} '{wanted}' is not valid")
    return found


def _resolution(_: Screen, value: Any) -> str:
    by, wanted = _name_or_id(value)
    found = next((one.name for one in RESOLUTIONS if getattr(one, by).lower() == wanted.lower()), None)
    if found is None:
        raise FieldError(f"Resolution {by} '{wanted}' is not valid")
    return found


def _issue_type(screen: Screen, value: Any) -> str:
    by, wanted = _name_or_id(value)
    found = next((one.id for one in screen.project.issue_types if getattr(one, by) == wanted), None)
    if found is None:
        raise FieldError("The issue type selected is invalid.")
    return found


def _person(screen: Screen, value: Any) -> str | None:
    if value is None:
        return None
    name = "accountId" if screen.site.flavour == "cloud" else "name"
    if not isinstance(value, Mapping) or (name not in value and "id" not in value):
        raise FieldError(f"expected Object containing an {name} property")
    wanted = value.get(name, value.get("id"))
    if wanted is None:
        return None
    for one in screen.site.users.values():
        if wanted == (one.account_id if screen.site.flavour == "cloud" else one.name) and one.active:
            return one.account_id
    raise FieldError(f"User '{wanted}' does not exist.")


def _versions(screen: Screen, value: Any) -> tuple[str, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise FieldError("data was not an array")
    found = []
    for each in value:
        by, wanted = _name_or_id(each)
        version = next((one.id for one in screen.project.versions if getattr(one, by) == wanted), None)
        if version is None:
            raise FieldError(f"Version {by} '{wanted}' is not valid")
        found.append(version)
    return tuple(dict.fromkeys(found))


def _parent(screen: Screen, value: Any) -> int | None:
    if value is None:
        return None
    named = value.get("key") or value.get("id") if isinstance(value, Mapping) else None
    issue = screen.site.issue(str(named))
    if issue is None:
        raise FieldError("Could not find issue by id or key.")
    return issue.id


_KINDS: Mapping[str, Callable[[Screen, Any], Any]] = {
    "string": _string,
    "text": _text,
    "labels": _labels,
    "number": _number,
    "date": _date,
    "system": _string,
}
_READERS: Mapping[str, Callable[[Screen, Any], Any]] = {
    "summary": _summary,
    "priority": _priority,
    "resolution": _resolution,
    "issuetype": _issue_type,
    "assignee": _person,
    "reporter": _person,
    "fixVersions": _versions,
    "versions": _versions,
    "parent": _parent,
}
