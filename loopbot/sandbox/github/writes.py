"""The endpoints that write, and what people's acts share with them; every write goes to the ledger."""

from collections.abc import Callable
from typing import Any, Final, get_args

from loopbot.sandbox.github.repository import Comment, Deployment, DeploymentState, Json, Repository, Status
from loopbot.sandbox.github.visits import Answer, RefusedError, Visit

LONGEST_COMMENT: Final = 65_536


def create_deployment(visit: Visit) -> Answer:
    """POST /deployments."""
    _may_write(visit, "deployments=write")
    told = visit.body
    ref = _text(told, "ref", required=True)
    sha = visit.repo.resolve(ref)
    if sha is None:
        raise RefusedError(422, f"No ref found for: {ref}")
    environment = _text(told, "environment") or "production"
    made = Deployment(
        visit.fresh(),
        sha,
        ref,
        _text(told, "task") or "deploy",
        environment,
        visit.account.login,
        _text(told, "description", most=140),
        told.get("payload", {}),
        bool(told.get("transient_environment", False)),
        bool(told.get("production_environment", environment == "production")),
        visit.now,
        visit.now,
    )
    visit.repo.deployments[made.id] = made
    visit.repo.environments.setdefault(environment, (visit.fresh(), visit.now))
    shown = visit.deliveries.deployment(made)
    visit.ledger.write("github", "create", "deployment", f"{visit.repo.name}#{made.id}", visit.account.login, shown)
    return Answer(shown, 201)


def create_status(visit: Visit) -> Answer:
    """POST /deployments/{id}/statuses."""
    _may_write(visit, "deployments=write")
    found = visit.repo.deployments.get(visit.number("id"))
    if found is None:
        raise RefusedError(404, "Not Found")
    told = visit.body
    state = _text(told, "state", required=True)
    if state not in get_args(DeploymentState):
        raise _invalid("DeploymentStatus", "state", "custom")
    made = Status(
        visit.fresh(),
        state,  # type: ignore[arg-type]  # checked above
        visit.account.login,
        _text(told, "description", most=140),
        _text(told, "environment") or found.environment,
        _text(told, "log_url") or _text(told, "target_url"),
        _text(told, "environment_url"),
        visit.now,
    )
    add_status(visit.repo, visit.fresh, found, made, auto_inactive=told.get("auto_inactive") is not False)
    shown = visit.deliveries.status(found, made)
    key = f"{visit.repo.name}#{found.id}"
    visit.ledger.write("github", "create", "deployment_status", key, visit.account.login, shown)
    return Answer(shown, 201)


def add_status(
    repo: Repository, fresh: Callable[[], int], deployment: Deployment, status: Status, *, auto_inactive: bool
) -> None:
    """Add a status; a success makes earlier successful, lasting deployments to the same environment inactive."""
    deployment.statuses.append(status)
    deployment.updated_at = status.at
    deployment.environment = status.environment
    if status.state != "success" or not auto_inactive:
        return
    for other in repo.deployments.values():
        before = other.id < deployment.id and other.environment == deployment.environment and not other.transient
        if before and other.statuses and other.statuses[-1].state == "success":
            gone = Status(fresh(), "inactive", status.creator, "", other.environment, "", "", status.at)
            other.statuses.append(gone)
            other.updated_at = status.at


def create_comment(visit: Visit) -> Answer:
    """POST /issues/{n}/comments; a pull request is an issue."""
    _may_write(visit, "issues=write; pull_requests=write")
    number = visit.number("number")
    if not 0 < number <= visit.repo.last_number:
        raise RefusedError(404, "Not Found")
    body = _text(visit.body, "body", required=True, most=LONGEST_COMMENT)
    made = Comment(visit.fresh(), number, body, visit.account.login, visit.now)
    visit.repo.comments.append(made)
    if number in visit.repo.pulls:
        visit.repo.pulls[number].updated_at = visit.now
    shown = visit.deliveries.comment(made)
    key = f"{visit.repo.name}#{number}"
    visit.ledger.write("github", "comment", "issue", key, visit.account.login, {"id": made.id, "body": body})
    return Answer(shown, 201)


def _may_write(visit: Visit, permission: str) -> None:
    if not visit.account.login:
        raise RefusedError(401, "Requires authentication")
    if not visit.account.may_write:
        needed = {"X-Accepted-GitHub-Permissions": permission}
        raise RefusedError(403, "Resource not accessible by personal access token", needed)


def _text(told: Json, name: str, *, required: bool = False, most: int = 1_000_000) -> str:
    value: Any = told.get(name)
    if value is None or value == "":
        if required:
            raise RefusedError(422, f'Invalid request.\n\n"{name}" wasn\'t supplied.')
        return ""
    if not isinstance(value, str):
        raise RefusedError(422, f"Invalid request.\n\nFor 'properties/{name}', {value!r} is not a string.")
    if len(value) > most:
        raise _invalid("Resource", name, "custom", f"{name} is too long (maximum is {most} characters)")
    return value


def _invalid(resource: str, name: str, code: str, message: str = "") -> RefusedError:
    told = {"resource": resource, "field": name, "code": code} | ({"message": message} if message else {})
    return RefusedError(422, "Validation Failed", errors=[told])
