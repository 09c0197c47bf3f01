"""What `check` looks at in GitLab: the token, each project and what may be read of it."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any, Final

from connectors.gitlab.api import Api, NotThereError, project_path
from connectors.gitlab.settings import GitLabSettings
from connectors.gitlab.sources import moved
from loopbot.domain.errors import ConfigError, Rejected, SystemTrouble, Unauthorized
from loopbot.ports import Finding

_SOON: Final = timedelta(days=14)
# What is read: where it is, and what lets a token read it.
_WANTED: Final = {
    "deployments": ("deployments", "the token needs the role Reporter, and the project CI/CD"),
    "commits": ("repository/commits", "the token needs the role Reporter"),
    "merge requests": ("merge_requests", "the token needs the role Reporter, and the project merge requests"),
    "releases": ("releases", "the token needs the role Reporter, and the project releases"),
}


def findings(api: Api, today: date) -> Iterator[Finding]:
    """All of it; reads only."""
    try:
        told = api.get("/personal_access_tokens/self").body
    except (NotThereError, Rejected):
        # Servers before 15.5 do not tell, nor do they of every kind of token: the projects show what it may do.
        told = None
    except (SystemTrouble, ConfigError) as error:
        yield Finding("error", "token", error.why, error.hint)
        return
    if isinstance(told, dict):
        found = _token(told, today)
        yield found
        if found.level == "error":
            return
    skew = api.wire.skew
    if skew is not None and abs(skew) > 60:
        yield Finding("warning", "clock", f"this machine's clock is {abs(skew):.0f} s off", "let it be set by NTP")
    for project in api.settings.projects:
        yield from _project(api, project)
    if not api.settings.issue_keys:
        what = "deployments are read, but not which issues they deliver"
        yield Finding("warning", "issues", what, "set issues_in and issue_keys")


def _token(told: Mapping[str, Any], today: date) -> Finding:
    scopes = told.get("scopes")
    # One with fine-grained permissions has a scope of its own; what it may read the projects show.
    if isinstance(scopes, list) and not {"api", "read_api", "granular"} & set(map(str, scopes)):
        what = f"it has the scopes {', '.join(map(str, scopes)) or '(none)'}"
        return Finding("error", "token", what, "make one with the scope read_api")
    try:
        ends = date.fromisoformat(str(told.get("expires_at")))
    except ValueError:
        return Finding("ok", "token", "it is known")
    what = f"it is good until {ends.isoformat()}"
    if ends - today <= _SOON:
        return Finding("warning", "token", what, "make or rotate one before that")
    return Finding("ok", "token", what)


def _project(api: Api, project: str) -> Iterator[Finding]:
    try:
        told = api.get(project_path(project)).body
    except NotThereError:
        hint = "check the path, and that the token is of this project or a group above it"
        yield Finding("error", project, "it is not there, or the token may not see it", hint)
        return
    except Unauthorized as error:
        hint = "was the project renamed or moved? write its present path" if moved(error) else error.hint
        yield Finding("error", project, error.why, hint)
        return
    except SystemTrouble as error:
        yield Finding("error", project, error.why, error.hint)
        return
    # An empty repository has no commits to ask for.
    bare = isinstance(told, dict) and bool(told.get("empty_repo"))
    refused = [what for what in _needed(api.settings, bare=bare) if not _readable(api, project, _WANTED[what][0])]
    for what in refused:
        yield Finding("error", f"{project} {what}", "the token may not read them", _WANTED[what][1])
    if not refused:
        yield Finding("ok", project, "all that is needed can be read")


def _needed(settings: GitLabSettings, *, bare: bool) -> list[str]:
    needed = []
    if settings.deployments:
        needed += ["deployments", *([] if bare else ["commits"])]
        needed += ["merge requests"] if settings.issue_keys else []
    return [*needed, "releases"] if settings.releases else needed


def _readable(api: Api, project: str, what: str) -> bool:
    try:
        api.get(f"{project_path(project)}/{what}", {"per_page": 1})
    except (NotThereError, SystemTrouble):
        return False
    return True
