"""What can be found wrong with a Jira before the first write; reads only."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from connectors.jira import jql
from connectors.jira.articles import SEARCH
from connectors.jira.client import Client, mapping, rows
from connectors.jira.mapping import Mapper, UnmappedError
from connectors.jira.sources import Search
from loopbot.domain.errors import Rejected, SystemTrouble, Transient, Unauthorized
from loopbot.domain.texts import listed
from loopbot.ports import Finding

NEEDED = ("BROWSE_PROJECTS", "CREATE_ISSUES", "EDIT_ISSUES", "ADD_COMMENTS", "TRANSITION_ISSUES", "LINK_ISSUES")
_FILLED = frozenset({"project", "issuetype", "summary", "description", "labels", "reporter", "priority"})
_TOLERABLE_SKEW = 120.0
Part = Callable[[Client, Mapper], Iterator[Finding]]


def check(client: Client, mapper: Mapper) -> Iterator[Finding]:
    """Each part; one that can not be looked at does not hide the others, unless the system is away or lets nobody in."""
    for part in (_account, _permissions, _search, _statuses, _screens, _audiences, _spaces, _clock):
        try:
            yield from part(client, mapper)
        except (Unauthorized, Transient) as trouble:
            yield Finding("error", client.system, trouble.why, trouble.hint)
            return
        except SystemTrouble as trouble:
            yield Finding("error", client.system, trouble.why, trouble.hint)


def _account(client: Client, _: Mapper) -> Iterator[Finding]:
    me = mapping(client.system, client.library(lambda jira: jira.myself()), "myself")
    name = me.get("displayName") or me.get("name") or me.get("accountId")
    kind = "Cloud" if client.cloud else "Data Center"
    zone = me.get("timeZone") or "unknown"
    yield Finding("ok", client.system, f"Jira {kind}, as {name} (time zone {zone}, which loopbot does not depend on)")
    if me.get("active") is False:
        yield Finding("error", client.system, f"the account {name} is not active", "use another account")


def _permissions(client: Client, _: Mapper) -> Iterator[Finding]:
    for project in client.settings.projects:
        answer = client.library(
            lambda jira, key=project: jira.my_permissions(projectKey=key, permissions=",".join(NEEDED)),  # type: ignore[misc]
        )
        held = mapping(client.system, answer.get("permissions"), "mypermissions")
        missing = [name for name in NEEDED if not _has(held.get(name))]
        if "BROWSE_PROJECTS" in missing:
            yield Finding(
                "error",
                f"{client.system} {project}",
                "the account can not see the project",
                "give it the permission Browse Projects",
            )
        elif missing:
            said = listed(name.replace("_", " ").capitalize() for name in missing)
            yield Finding(
                "warning",
                f"{client.system} {project}",
                f"the account lacks {said}",
                "rules that need it will be parked; grant it in the project's permission scheme",
            )
        else:
            yield Finding(
                "ok", f"{client.system} {project}", "it may browse, create, edit, comment, transition and link"
            )


def _spaces(client: Client, _: Mapper) -> Iterator[Finding]:
    """Whether a page of each space that is called open can be read; one call a space."""
    pages = client.settings.articles
    for space in pages.spaces if pages is not None else ():
        about = f"{client.system}, space {space}"
        asked: dict[str, str | int] = {"cql": f'type = page and space = "{space}"', "limit": 1}
        try:
            body = mapping(client.system, client.known(client.wire.get(SEARCH, asked)), SEARCH)
        except Rejected as refusal:
            yield Finding("error", about, refusal.why, "correct `articles.spaces`, or let the account into Confluence")
            continue
        if rows(client.system, body, "results"):
            yield Finding(
                "ok", about, "its pages can be read, and are quoted to anybody who asks, but for restricted ones"
            )
        else:
            yield Finding(
                "warning", about, "no page of it can be read", "is there such a space, and may the account see it?"
            )


def _has(permission: Any) -> bool:
    return isinstance(permission, Mapping) and permission.get("havePermission") is True


def _search(client: Client, mapper: Mapper) -> Iterator[Finding]:
    """One row shows whether the search is there, the extra filter is understood, and which fields can be seen."""
    settings = client.settings
    query = jql.query(jql.one_of("project", settings.projects), jql.inner(settings.jql), order="updated DESC")
    found = Search(client).page(query, mapper.fields, 1)
    if not found.rows:
        yield Finding("warning", f"{client.system} search", "no issue is visible", "are the projects empty, or hidden?")
        return
    fields = mapping(client.system, found.rows[0].get("fields"), "the issue")
    hidden = [name for name in mapper.fields if name not in fields]
    if hidden:
        yield Finding(
            "warning",
            f"{client.system} fields",
            f"the account does not see {listed(hidden)}",
            "what is missing stays empty in the mirror; show the fields, or fix their ids",
        )
    else:
        yield Finding("ok", f"{client.system} search", "it answers, and every field is visible")


def _statuses(client: Client, mapper: Mapper) -> Iterator[Finding]:
    for project in client.settings.projects:
        unknown: set[str] = set()
        for kind in rows(client.system, client.get(f"/project/{project}/statuses"), ""):
            for status in kind.get("statuses") or ():
                try:
                    mapper.state(status)
                except UnmappedError:
                    unknown.add(str(status.get("name")) if isinstance(status, Mapping) else "?")
        if unknown:
            yield Finding(
                "warning",
                f"{client.system} {project}",
                f"nothing says what the status {listed(sorted(unknown))} means",
                "name it in `states`",
            )


def _screens(client: Client, _: Mapper) -> Iterator[Finding]:
    """Required fields of the create screen that loopbot does not fill."""
    wanted = client.settings.issue_type
    for project in client.settings.projects:
        path = f"/issue/createmeta/{project}/issuetypes"
        kinds = _listed_under(client.get(path, {"maxResults": 200}), "issueTypes")
        kind = next((one for one in kinds if one.get("name") == wanted), None)
        if kind is None:
            names = listed(str(one.get("name")) for one in kinds) or "none"
            yield Finding(
                "warning",
                f"{client.system} {project}",
                f"it has no issue type {wanted!r}",
                f"there are {names}: set issue_type, or `type` in the rule",
            )
            continue
        fields = _listed_under(client.get(f"{path}/{kind.get('id')}", {"maxResults": 200}), "fields")
        asked = [
            f"{one.get('name')} ({_ident(one)})"
            for one in fields
            if one.get("required") is True and one.get("hasDefaultValue") is not True and _ident(one) not in _FILLED
        ]
        if asked:
            yield Finding(
                "warning",
                f"{client.system} {project}",
                f"a new {wanted} must have {listed(asked)}",
                "set the fields in the rule that opens it",
            )
        here = {_ident(one) for one in fields}
        absent = [name for name in ("labels", "priority") if fields and name not in here]
        if "priority" in absent and not client.settings.set_priority:
            absent.remove("priority")
        if absent:
            yield Finding(
                "warning",
                f"{client.system} {project}",
                f"the create screen of {wanted} lacks {listed(absent)}, which loopbot sets",
                "put them on the screen (labels carry the marker); for priority, set_priority = false will do",
            )


def _ident(field: Mapping[str, Any]) -> str:
    return str(field.get("fieldId") or field.get("key") or "")


def _listed_under(answer: Any, name: str) -> list[Mapping[str, Any]]:
    """Cloud names the list, Data Center calls it `values`."""
    found = (answer.get(name) or answer.get("values")) if isinstance(answer, Mapping) else None
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _audiences(client: Client, _: Mapper) -> Iterator[Finding]:
    """Only Jira Service Management keeps internal comments from anyone."""
    if client.settings.internal_role:
        return
    for project in client.settings.projects:
        found = mapping(client.system, client.get(f"/project/{project}"), "the project")
        if found.get("projectTypeKey") != "service_desk":
            yield Finding(
                "warning",
                f"{client.system} {project}",
                "it is not a service project: everyone who sees an issue there also sees its internal comments",
                "set internal_role where reporters can see the project",
            )


def _clock(client: Client, _: Mapper) -> Iterator[Finding]:
    if abs(client.skew) > _TOLERABLE_SKEW:
        yield Finding(
            "warning",
            f"{client.system} clock",
            f"its clock differs from this machine's by {abs(client.skew):.0f} s",
            "nothing is lost by it, but times look odd: set the clock by NTP",
        )
