"""Routes of the site itself: server, account, people, projects, versions, fields, screens and permissions."""

from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from loopbot.sandbox.jira.app import Asked, Rows, reply
from loopbot.sandbox.jira.catalogue import LINK_TYPES, PRIORITIES
from loopbot.sandbox.jira.model import Field, Project, User
from loopbot.sandbox.jira.screens import Screen
from loopbot.sandbox.jira.writing import Refusal

PERMISSIONS = (
    "BROWSE_PROJECTS",
    "CREATE_ISSUES",
    "EDIT_ISSUES",
    "TRANSITION_ISSUES",
    "ADD_COMMENTS",
    "EDIT_ALL_COMMENTS",
    "EDIT_OWN_COMMENTS",
    "LINK_ISSUES",
    "DELETE_ISSUES",
    "ADMINISTER",
)
_SCHEMAS = {
    "string": "string",
    "text": "string",
    "number": "number",
    "labels": "array",
    "date": "date",
    "option": "option",
}
_STYLES = {"text": "textarea", "number": "float", "labels": "labels", "date": "datepicker", "option": "select"}
_SYSTEM_SCHEMAS = {
    "assignee": "user",
    "reporter": "user",
    "fixVersions": "array",
    "versions": "array",
    "parent": "issuelink",
}


def _server(asked: Asked) -> Response:
    cloud = asked.site.flavour == "cloud"
    version = (1001, 0, 0) if cloud else (10, 3, 5)
    return reply(
        {
            "baseUrl": asked.render.base,
            "version": "1001.0.0-SNAPSHOT" if cloud else "10.3.5",
            "versionNumbers": list(version),
            "deploymentType": "Cloud" if cloud else "Server",
            "buildNumber": 100290 if cloud else 10030005,
            "buildDate": "2026-11-01T00:00:00.000+0000",
            "serverTime": asked.render.stamp(asked.site.now()),
            "scmInfo": "a loopback twin of Jira",
            "serverTitle": "Jira",
        },
    )


def _myself(asked: Asked) -> Response:
    return reply({**asked.render.person(asked.actor), "locale": "en_US"})


def _user(asked: Asked) -> Response:
    cloud = asked.site.flavour == "cloud"
    wanted = asked.query("accountId") if cloud else asked.query("username") or asked.query("key")
    if not wanted:
        raise Refusal(400, "The query parameter '" + ("accountId" if cloud else "username") + "' is required.")
    for one in asked.site.users.values():
        if wanted in ({one.account_id} if cloud else {one.name, one.account_id}):
            return reply(asked.render.person(one))
    raise Refusal(404, "Specified user does not exist or you do not have required permissions")


def _users(asked: Asked) -> Response:
    wanted = asked.query("query" if asked.site.flavour == "cloud" else "username").lower()
    start, size = asked.number("startAt", 0), asked.number("maxResults", 50)
    found = [
        one for one in asked.site.users.values() if one.active and any(part.startswith(wanted) for part in _parts(one))
    ]
    return reply([asked.render.person(one) for one in found[start : start + size]])


def _parts(one: User) -> set[str]:
    words = {one.email, one.display_name, one.name, *one.display_name.split()}
    return {word.lower() for word in words}


def _project(asked: Asked) -> Project:
    found = asked.site.project(asked.path("project"))
    if found is None:
        raise Refusal(404, f"No project could be found with key '{asked.path('project')}'.")
    return found


def _one_project(asked: Asked) -> Response:
    return reply(asked.render.project(_project(asked), whole=True))


def _projects(asked: Asked) -> Response:
    return reply([asked.render.project(one) for one in asked.site.projects.values()])


def _project_page(asked: Asked) -> Response:
    if asked.site.flavour != "cloud":
        raise Refusal(404, "No project could be found with key 'search'.")
    keys, wanted = asked.request.query_params.getlist("keys"), asked.query("query").lower()
    every = sorted(asked.site.projects.values(), key=lambda one: one.key)
    found = [one for one in every if (not keys or one.key in keys) and wanted in f"{one.key} {one.name}".lower()]
    return reply(_paged(asked, [asked.render.project(one) for one in found], "values", with_last=True))


def _versions(asked: Asked) -> Response:
    project = _project(asked)
    return reply([asked.render.version(project, one) for one in project.versions])


def _project_statuses(asked: Asked) -> Response:
    project = _project(asked)
    statuses = [asked.render.status(one) for one in project.workflow.statuses]
    shown = [{**asked.render.named("issuetype", one), "statuses": statuses} for one in project.issue_types]
    return reply([{name: value for name, value in one.items() if name != "description"} for one in shown])


def _fields(asked: Asked) -> Response:
    return reply([_field(one) for one in asked.site.fields.values()])


def _field(one: Field) -> dict[str, Any]:
    clause = [f"cf[{one.id.rpartition('_')[2]}]", one.name] if one.custom else [one.id]
    shown = {"id": one.id, "key": one.id, "name": one.name, "custom": one.custom, "orderable": True, "navigable": True}
    return {**shown, "searchable": True, "clauseNames": clause, "schema": _schema(one)}


def _schema(one: Field) -> dict[str, Any]:
    kind = _SYSTEM_SCHEMAS.get(one.id) or _SCHEMAS.get(one.kind) or one.id
    schema: dict[str, Any] = {"type": kind}
    if kind == "array":
        schema["items"] = "string" if one.kind == "labels" else "version"
    if one.custom:
        style = _STYLES.get(one.kind, "textfield")
        schema |= {"custom": f"com.atlassian.jira.plugin.system.customfieldtypes:{style}", "customId": int(one.id[12:])}
    else:
        schema["system"] = one.id
    return schema


def _statuses(asked: Asked) -> Response:
    return reply([asked.render.status(one) for one in asked.render.statuses()])


def _priorities(asked: Asked) -> Response:
    return reply([asked.render.named("priority", one) for one in PRIORITIES])


def _issue_types(asked: Asked) -> Response:
    return reply([asked.render.named("issuetype", one) for one in asked.site.issue_types()])


def _link_types(asked: Asked) -> Response:
    return reply({"issueLinkTypes": [asked.render.link_type(one) for one in LINK_TYPES]})


def _create_types(asked: Asked) -> Response:
    shown = [asked.render.named("issuetype", one) for one in _project(asked).issue_types]
    return reply(_paged(asked, shown, "issueTypes" if asked.site.flavour == "cloud" else "values"))


def _create_fields(asked: Asked) -> Response:
    project, wanted = _project(asked), asked.path("type")
    if all(one.id != wanted for one in project.issue_types):
        raise Refusal(404, f"Issue type with id '{wanted}' does not exist or is not of this project.")
    screen = Screen(asked.site, project, wanted, asked.api, "create")
    shown = [_create_field(asked, screen, one) for one in screen.fields()]
    return reply(_paged(asked, shown, "fields" if asked.site.flavour == "cloud" else "values"))


def _create_field(asked: Asked, screen: Screen, one: Field) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "required": screen.requires(one.id),
        "schema": _schema(one),
        "name": one.name,
        "key": one.id,
    }
    listed = one.id in {"labels", "fixVersions", "versions"} or one.kind == "labels"
    shown |= {"fieldId": one.id, "hasDefaultValue": one.id in {"priority", "reporter"}}
    shown["operations"] = ["add", "set", "remove"] if listed else ["set"]
    if one.id == "priority":
        shown["allowedValues"] = [asked.render.named("priority", each) for each in PRIORITIES]
    if one.id in {"fixVersions", "versions"}:
        shown["allowedValues"] = [asked.render.version(screen.project, each) for each in screen.project.versions]
    return shown


def _permissions(asked: Asked) -> Response:
    named = [one for one in asked.query("permissions").split(",") if one]
    if not named and asked.site.flavour == "cloud":
        raise Refusal(400, "The 'permissions' query parameter is required.")
    if unknown := [one for one in named if one not in PERMISSIONS]:
        raise Refusal(400, errors={"permissions": f"Unrecognized permission: {unknown[0]}"})
    shown = {}
    for number, name in enumerate(PERMISSIONS):
        if not named or name in named:
            about = {"id": str(number), "key": name, "name": name.replace("_", " ").capitalize(), "description": ""}
            have = name not in asked.site.denied and name != "ADMINISTER"
            shown[name] = {**about, "type": "GLOBAL" if name == "ADMINISTER" else "PROJECT", "havePermission": have}
    return reply({"permissions": shown})


def _application_links(_: Asked) -> Response:
    return reply({"list": []})


def _attachments(_: Asked) -> Response:
    return reply({"enabled": True, "uploadLimit": 1_000_000})


def _paged(asked: Asked, rows: Sequence[Any], name: str, *, with_last: bool = False) -> dict[str, Any]:
    start, size = asked.number("startAt", 0), asked.number("maxResults", 50)
    page = {"startAt": start, "maxResults": size, "total": len(rows), name: rows[start : start + size]}
    if with_last or name == "values":
        page["isLast"] = start + size >= len(rows)
    return page


ROWS: Rows = [
    ("GET", "serverInfo", _server),
    ("GET", "myself", _myself),
    ("GET", "user", _user),
    ("GET", "user/search", _users),
    ("GET", "project", _projects),
    ("GET", "project/search", _project_page),
    ("GET", "project/{project}", _one_project),
    ("GET", "project/{project}/versions", _versions),
    ("GET", "project/{project}/statuses", _project_statuses),
    ("GET", "field", _fields),
    ("GET", "status", _statuses),
    ("GET", "priority", _priorities),
    ("GET", "issuetype", _issue_types),
    ("GET", "issueLinkType", _link_types),
    ("GET", "issue/createmeta/{project}/issuetypes", _create_types),
    ("GET", "issue/createmeta/{project}/issuetypes/{type}", _create_fields),
    ("GET", "mypermissions", _permissions),
    ("GET", "attachment/meta", _attachments),
    ("GET", "/rest/applinks/latest/listApplicationlinks", _application_links),
]
