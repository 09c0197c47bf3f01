"""What `check` looks at in Jenkins: the credentials, its version, the clock, each job and what its builds tell."""

from collections.abc import Iterator
from typing import Any, Final

from connectors.jenkins.api import Api, path_of
from connectors.jenkins.mapping import DETAILS
from connectors.jenkins.settings import JenkinsSettings
from loopbot.domain.errors import ConfigError, Rejected, SystemTrouble
from loopbot.domain.texts import clean
from loopbot.ports import Finding

_LOOKED_AT: Final = 10


def findings(api: Api) -> Iterator[Finding]:
    """All of it; reads only."""
    try:
        answer = api.get("", "nodeName")
    except Rejected as error:
        hint = "the user needs Overall/Read; is the context path in base_url right?"
        yield Finding("error", "credentials", error.why, hint)
        return
    except (SystemTrouble, ConfigError) as error:
        yield Finding("error", "credentials", error.why, error.hint)
        return
    version = clean(answer.headers.get("X-Jenkins", ""), 40)
    if version:
        yield Finding("ok", "credentials", f"taken by Jenkins {version}")
    else:
        yield Finding("warning", "credentials", "taken, but by no Jenkins: X-Jenkins is missing", "is base_url right?")
    skew = api.wire.skew
    if skew is not None and abs(skew) > 60:
        yield Finding("warning", "clock", f"this machine's clock is {abs(skew):.0f} s off", "let it be set by NTP")
    for job in api.settings.jobs:
        yield _job(api, job)
    yield from _issues(api.settings)


def _job(api: Api, job: str) -> Finding:
    try:
        rows = api.builds(job, DETAILS, 0, _LOOKED_AT)
    except Rejected as error:
        if error.status in {403, 404}:
            what = "it is not there, or the user may not read it"
            return Finding("error", job, what, f"it is looked for at {path_of(job)}; grant Job/Read")
        return Finding("error", job, error.why, error.hint)
    except SystemTrouble as error:
        return Finding("error", job, error.why, error.hint)
    if not rows:
        return Finding("warning", job, "it has no builds yet")
    if not any(_tells(row) for row in rows):
        what = f"none of its last {len(rows)} builds tells what changed: no deployment can say what it delivers"
        return Finding("warning", job, what, "let it check the deployed code out itself, and with its changelog")
    return Finding("ok", job, "its builds can be read, with their change sets")


def _tells(row: Any) -> bool:
    told = row if isinstance(row, dict) else {}
    sets = [told.get("changeSet"), *(told.get("changeSets") or [])]
    return any(isinstance(one, dict) and one.get("items") for one in sets)


def _issues(settings: JenkinsSettings) -> Iterator[Finding]:
    if not settings.issue_keys:
        yield Finding(
            "warning",
            "issues",
            "deployments are read, but not which issues they deliver",
            "set issues_in and issue_keys",
        )
