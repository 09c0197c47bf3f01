"""The history of an issue: which fields a change touched, as the changelog tells it."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from loopbot.sandbox.jira import adf
from loopbot.sandbox.jira.catalogue import PRIORITIES
from loopbot.sandbox.jira.model import Change, Issue

if TYPE_CHECKING:
    from loopbot.sandbox.jira.site import Site

_NAMES: Mapping[str, str] = {
    "summary": "summary",
    "description": "description",
    "environment": "environment",
    "status": "status",
    "priority": "priority",
    "type": "issuetype",
    "assignee": "assignee",
    "reporter": "reporter",
    "resolution": "resolution",
    "duedate": "duedate",
    "labels": "labels",
    "fix_versions": "Fix Version",
    "versions": "Version",
}
_MANY = frozenset({"fix_versions", "versions"})


def differences(site: "Site", issue: Issue, values: Mapping[str, Any]) -> tuple[Change, ...]:
    """The changes that setting these values makes, in the order of the values."""
    found: list[Change] = []
    for name, after in values.items():
        before = getattr(issue, name)
        if before == after:
            continue
        if name == "custom":
            found += _custom(site, before, after)
        elif name in _MANY:
            found += _many(site, _NAMES[name], before, after)
        elif name == "labels":
            found.append(Change("labels", None, " ".join(before), None, " ".join(after)))
        elif name in _NAMES:
            tell = _teller(site, name)
            found.append(Change(_NAMES[name], _raw(before), tell(before), _raw(after), tell(after)))
    return tuple(found)


def _custom(site: "Site", before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterable[Change]:
    for ident in {**before, **after}:
        old, new = before.get(ident), after.get(ident)
        if old != new:
            yield Change(site.fields[ident].name, None, _text(old), None, _text(new))


def _many(site: "Site", name: str, before: tuple[str, ...], after: tuple[str, ...]) -> Iterable[Change]:
    """One change for each thing added or removed, as the vendor has it for versions."""
    tell = _version(site)
    for ident in before:
        if ident not in after:
            yield Change(name, ident, tell(ident), None, None)
    for ident in after:
        if ident not in before:
            yield Change(name, None, None, ident, tell(ident))


def _teller(site: "Site", name: str) -> Callable[[Any], str | None]:
    if name in {"assignee", "reporter"}:
        return lambda ident: site.users[ident].display_name if ident else None
    if name == "priority":
        return lambda ident: next((one.name for one in PRIORITIES if one.id == ident), None)
    if name == "type":
        return lambda ident: next((one.name for one in site.issue_types() if one.id == ident), None)
    return _text


def _version(site: "Site") -> Callable[[str], str | None]:
    def tell(ident: str) -> str | None:
        version = site.version(ident)
        return version.name if version else None

    return tell


def _raw(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _text(value: Any) -> str | None:
    return None if value is None else adf.plain(value) if isinstance(value, (str, Mapping)) else str(value)
