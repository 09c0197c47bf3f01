"""What `check` looks at in GitHub: the token, the rate limit, each repository and what may be read of it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from connectors.github.api import Api, NotThereError
from connectors.github.settings import GitHubSettings
from loopbot.domain.errors import ConfigError, Rejected, SystemTrouble, Unauthorized
from loopbot.ports import Finding

# what is read -> the permission of a fine-grained token (a classic one has the scope repo)
_PERMISSIONS: Final = {
    "deployments": "Deployments: read",
    "commits": "Contents: read",
    "pulls": "Pull requests: read",
    "releases": "Contents: read",
    "actions/runs": "Actions: read",
}


def findings(api: Api) -> Iterator[Finding]:
    """All of it; reads only."""
    try:
        limit = api.get("/rate_limit").body
    except (SystemTrouble, ConfigError) as error:
        yield Finding("error", "token", error.why, error.hint)
        return
    except NotThereError:
        # Enterprise Server answers 404 where rate limits are switched off.
        yield Finding("ok", "rate limit", "this server has none")
    else:
        yield from _limit(limit)
    skew = api.wire.skew
    if skew is not None and abs(skew) > 60:
        yield Finding("warning", "clock", f"this machine's clock is {abs(skew):.0f} s off", "let it be set by NTP")
    for repository in api.settings.repositories:
        yield from _repository(api, repository)
    yield from _issues(api.settings)


def _limit(told: object) -> Iterator[Finding]:
    rate = told.get("rate") if isinstance(told, dict) else None
    if not isinstance(rate, dict):
        return
    left, of = int(rate.get("remaining", 0)), int(rate.get("limit", 0))
    until = datetime.fromtimestamp(int(rate.get("reset", 0)), UTC)
    what = f"{left:,} of {of:,} calls are left until {until:%H:%M} UTC"
    yield Finding("warning" if left * 10 < of else "ok", "rate limit", what)


def _repository(api: Api, repository: str) -> Iterator[Finding]:
    path = f"/repos/{repository}"
    try:
        api.get(path)
    except NotThereError:
        yield Finding(
            "error", repository, "it is not there, or the token may not see it", "check the name and the token's access"
        )
        return
    except Unauthorized as error:
        hint = "was the repository renamed or moved? write its present name" if "redirect" in error.why else error.hint
        yield Finding("error", repository, error.why, hint)
        return
    except SystemTrouble as error:
        yield Finding("error", repository, error.why, error.hint)
        return
    refused = [what for what in _wanted(api.settings) if not _readable(api, f"{path}/{what}")]
    for what in refused:
        yield Finding("error", f"{repository} {what}", "the token may not read them", f"grant {_PERMISSIONS[what]}")
    if not refused:
        yield Finding("ok", repository, "all that is needed can be read")


def _wanted(settings: GitHubSettings) -> list[str]:
    wanted = []
    if settings.deployments:
        wanted.append("deployments")
    if settings.deploy_workflows:
        wanted.append("actions/runs")
    if wanted and settings.issue_keys:
        wanted += ["commits", "pulls"]
    return [*wanted, "releases"] if settings.releases else wanted


def _readable(api: Api, path: str) -> bool:
    try:
        api.get(path, {"per_page": 1})
    except (NotThereError, Rejected) as error:
        # An empty repository answers 409 to a question about its commits.
        return isinstance(error, Rejected) and "answered 409" in error.why
    except SystemTrouble:
        return False
    return True


def _issues(settings: GitHubSettings) -> Iterator[Finding]:
    if not settings.issue_keys:
        yield Finding(
            "warning",
            "issues",
            "deployments are read, but not which issues they deliver",
            "set issues_in and issue_keys",
        )
