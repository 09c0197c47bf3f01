"""Creates, edits, transitions and comments, from the JSON of a request or from a person's hand alike."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

from loopbot.sandbox.jira import adf, screens
from loopbot.sandbox.jira.model import Comment, Issue, Move, Project, User
from loopbot.sandbox.jira.site import Site

Api = Literal[2, 3]


class Refusal(Exception):
    """The vendor says no: `status`, sentences, and sentences by field."""

    def __init__(self, status: int, *messages: str, errors: Mapping[str, str] | None = None) -> None:
        super().__init__("; ".join([*messages, *(f"{name}: {text}" for name, text in (errors or {}).items())]))
        self.status, self.messages, self.errors = status, list(messages), dict(errors or {})

    def body(self) -> dict[str, Any]:
        """The JSON of the answer."""
        return {"errorMessages": self.messages, "errors": self.errors}


def mapping(value: Any) -> Mapping[str, Any]:
    """The value as a JSON object; raises Refusal where it is something else. Nothing counts as an empty one."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise Refusal(400, "Invalid request payload. Refer to the REST API documentation and try again.")
    return value


def create(site: Site, body: Mapping[str, Any], actor: User, api: Api) -> Issue:
    """Create an issue as `POST /issue` does; raises Refusal with every fault at once."""
    fields, update = mapping(body.get("fields")), mapping(body.get("update"))
    project = _project(site, fields.get("project"))
    if project is None:
        raise Refusal(400, errors={"project": "valid project is required"})
    if "CREATE_ISSUES" in site.denied:
        raise Refusal(400, errors={"project": "You cannot create issues in this project."})
    issue_type = _issue_type(project, fields.get("issuetype"))
    if issue_type is None:
        raise Refusal(400, errors={"issuetype": "Specify a valid issue type"})
    screen = screens.Screen(site, project, issue_type, api, "create")
    values = _checked(screen, fields, update)
    issue = site.add_issue(project, {**values, "type": issue_type}, actor)
    for name, value in properties(body.get("properties")).items():
        site.set_property(issue, name, value)
        issue = _again(site, issue)
    return issue


def edit(site: Site, issue: Issue, body: Mapping[str, Any], actor: User, api: Api) -> Issue:
    """Edit an issue as `PUT /issue/KEY` does; a transition in it is ignored, as the vendor does."""
    _writable(site, issue, "EDIT_ISSUES")
    screen = screens.Screen(site, site.projects[issue.project], issue.type, api, "edit", issue)
    update = mapping(body.get("update"))
    values = _checked(screen, mapping(body.get("fields")), update)
    issue = site.change(issue, actor, values)
    for name, value in properties(body.get("properties")).items():
        site.set_property(issue, name, value)
        issue = _again(site, issue)
    return _commented(site, issue, update, actor, api)


def transition(site: Site, issue: Issue, body: Mapping[str, Any], actor: User, api: Api) -> Issue:
    """Bring an issue along a transition that is open to it, as `POST /issue/KEY/transitions` does."""
    _writable(site, issue, "TRANSITION_ISSUES")
    wanted = mapping(body.get("transition")).get("id")
    if wanted is None:
        raise Refusal(400, "Missing 'transition' identifier")
    project = site.projects[issue.project]
    move = next((one for one in project.workflow.open_from(issue.status) if one.id == str(wanted)), None)
    if move is None:
        raise Refusal(
            400,
            f"It seems that you have tried to perform a workflow operation (transition {wanted}) that is not valid for the "
            f"current state of this issue ({issue.key}). The likely cause is that somebody has changed the issue recently, "
            "please look at the issue history for details.",
        )
    update = mapping(body.get("update"))
    screen = screens.Screen(site, project, issue.type, api, "transition", issue)
    values = _checked(screen, mapping(body.get("fields")), update)
    issue = site.change(issue, actor, {**values, **arrived(site, project, issue, move, values)})
    return _commented(site, issue, update, actor, api)


def arrived(site: Site, project: Project, issue: Issue, move: Move, values: Mapping[str, Any]) -> dict[str, Any]:
    """What taking a transition sets: the status, and the resolution where it ends the work."""
    target = project.workflow.status(move.target)
    if target is None or target.category != "done":
        return {"status": move.target, "resolution": None, "resolved": None}
    name = values.get("resolution") or ("Won't Do" if "won't" in target.name.lower() else "Done")
    return {"status": target.name, "resolution": name, "resolved": issue.resolved or site.now()}


def comment(site: Site, issue: Issue, body: Mapping[str, Any], actor: User, api: Api) -> Comment:
    """Add a comment as `POST /issue/KEY/comment` does."""
    _writable(site, issue, "ADD_COMMENTS")
    now = site.now()
    made = Comment(
        id=str(site.next_id()),
        author=actor.account_id,
        body=_comment_body(body.get("body"), api),
        created=now,
        updated=now,
        update_author=actor.account_id,
        properties=MappingProxyType(properties(body.get("properties"))),
        visibility=body.get("visibility"),
    )
    site.add_comment(issue, made, actor)
    return made


def edit_comment(site: Site, issue: Issue, ident: str, body: Mapping[str, Any], actor: User, api: Api) -> Comment:
    """Change a comment's text (and its visibility and properties, where given)."""
    _writable(site, issue, "EDIT_ALL_COMMENTS")
    old = find_comment(issue, ident)
    new = Comment(
        id=old.id,
        author=old.author,
        body=_comment_body(body.get("body"), api),
        created=old.created,
        updated=site.now(),
        update_author=actor.account_id,
        properties=MappingProxyType({**old.properties, **properties(body.get("properties"))}),
        visibility=body.get("visibility", old.visibility),
    )
    site.change(issue, actor, {"comments": tuple(new if one.id == ident else one for one in issue.comments)})
    return new


def find_comment(issue: Issue, ident: str) -> Comment:
    """The comment with that id; raises Refusal."""
    found = next((one for one in issue.comments if one.id == ident), None)
    if found is None:
        raise Refusal(404, f"Can not find a comment for the id: {ident}.")
    return found


def properties(given: Any) -> dict[str, Any]:
    """Entity properties as requests write them: a list of key and value."""
    if given is None:
        return {}
    if not isinstance(given, list) or not all(isinstance(one, Mapping) and "key" in one for one in given):
        raise Refusal(400, "INVALID_INPUT")
    return {str(one["key"]): one.get("value") for one in given}


def _comment_body(value: Any, api: Api) -> Any:
    try:
        text = screens.read_text(api, value, "Comment body is not valid!")
    except screens.FieldError as error:
        raise Refusal(400, errors={"comment": str(error)}) from error
    except screens.InvalidInput as error:
        raise Refusal(400, "INVALID_INPUT") from error
    if not adf.plain(text).strip():
        raise Refusal(400, errors={"comment": "Comment body can not be empty!"})
    return text


def _checked(screen: screens.Screen, fields: Mapping[str, Any], update: Mapping[str, Any]) -> dict[str, Any]:
    try:
        values, errors = screens.read(screen, fields, update)
    except screens.InvalidInput as error:
        raise Refusal(400, "INVALID_INPUT") from error
    if errors:
        raise Refusal(400, errors=errors)
    return values


def _commented(site: Site, issue: Issue, update: Mapping[str, Any], actor: User, api: Api) -> Issue:
    for operation in update.get("comment", ()):
        comment(site, issue, mapping(mapping(operation).get("add")), actor, api)
        issue = _again(site, issue)
    return issue


def _writable(site: Site, issue: Issue, permission: str) -> None:
    if issue.archived:
        raise Refusal(400, f"The issue {issue.key} is archived. Archived issues are read-only.")
    if permission in site.denied:
        raise Refusal(403, "You do not have permission to do this in this project.")


def _again(site: Site, issue: Issue) -> Issue:
    return site.issue(str(issue.id)) or issue


def _project(site: Site, value: Any) -> Project | None:
    if not isinstance(value, Mapping):
        return None
    named = value.get("key") or value.get("id")
    return site.project(str(named)) if named else None


def _issue_type(project: Project, value: Any) -> str | None:
    if not isinstance(value, Mapping):
        return None
    for one in project.issue_types:
        if str(value.get("id", one.id)) == one.id and value.get("name", one.name) == one.name and value:
            return one.id
    return None
