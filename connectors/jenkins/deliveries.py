"""What a build that deployed delivers: the commits it holds and the success before it in its environment did not."""

import re
from dataclasses import replace
from typing import Final

from connectors.jenkins.history import History
from connectors.jenkins.mapping import Build, deployment
from connectors.jenkins.settings import JenkinsSettings, JobSettings
from loopbot.ci.commits import Delivered, Naming, Span
from loopbot.ci.statements import Statements
from loopbot.ci.successes import Success
from loopbot.domain.records import Deployment, Ref

_NOTHING: Final = re.compile(r"(?!)")
# GitHub's and Bitbucket's; the git plugin leaves merges out of change sets, other plugins do not.
_MERGED: Final = re.compile(
    r"Merge pull request #(?P<number>\d{1,9}) (?:from|in) [^\n]{0,300}(?:\n\s*(?P<title>[^\n]+))?"
)
_NUMBERED: Final = re.compile(r"(?:\(|\(pull request |^Pull request )#(\d{1,9})\b")
# GitLab's.
_REQUESTED: Final = re.compile(
    r"Merge branch [^\n]{0,300}\n\s*(?P<title>[^\n]{0,300})[\s\S]{0,2000}?See merge request [^\s!]{0,300}!(?P<number>\d{1,9})"
)
_WITH_MARK: Final = re.compile(r"\(!(\d{1,9})\)")


class Deliveries:
    """Makes the records of one job's builds, oldest end first."""

    def __init__(self, system: str, settings: JenkinsSettings, job: str) -> None:
        self._system, self._name = system, job
        self._job: JobSettings = settings.jobs[job]
        self._statements = Statements(settings)
        self._naming = naming(self._job.pulls)

    def made(self, build: Build, history: History) -> Deployment | None:
        """The record; None where it would say less than it said, since what it was compared with is forgotten."""
        ref = Ref(self._system, "deployment", f"{self._name}#{build.number}")
        known, told = history.builds[build.number], Delivered()
        # By Jenkins' own name: what is one environment to the rules may be several that are deployed one by one.
        environment = build.environment
        if build.summary.state == "succeeded" and build.ended_at is not None:
            at = build.ended_at.isoformat()
            base = history.live.base(environment, at, build.number)
            after = base.ident if base else 0
            if known.after is not None and known.after != after:
                return None
            known.after = after
            told = self._delivered(ref, build, base, history)
            # What is not known of it can not be compared with: the next one follows the success before it.
            if base is None or history.lineage().tells(build.number):
                history.live.succeeded(environment, Success(at, build.number, known.revision))
        elif build.summary.state == "failed":
            history.live.failed(environment, build.number)
        return deployment(ref, build, self._job, told)

    def _delivered(self, ref: Ref, build: Build, base: Success | None, history: History) -> Delivered:
        if base is None:
            own = history.own(build.number)
            made = self._statements.by_messages(ref, own, Span(""), self._naming, "")
            what = f"the first deployment known: its own {len(own.commits)} commits"
            return replace(made, extra={**made.extra, "range": what})
        if not history.lineage().tells(build.number):
            what = f"what it brought is not known: no change set names the commit {build.revision[:7]}"
            return Delivered(extra={"left_out": what})
        forth, back = history.between(base, build.number, build.environment)
        return self._statements.by_messages(ref, forth, back, self._naming, f"#{base.ident}")


def naming(pulls: str) -> Naming:
    """How commits name pull requests whose full names begin so."""
    if not pulls:
        return Naming("", _NOTHING, _NOTHING)
    return Naming(pulls, _MERGED, _NUMBERED) if pulls.endswith("#") else Naming(pulls, _REQUESTED, _WITH_MARK)
