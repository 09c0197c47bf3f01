"""How Jenkins shows its things: properties by the names of its own classes, stamps in milliseconds."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from loopbot.sandbox.jenkins.tree import Bean, Rows
from loopbot.sandbox.jenkins.world import DETACHED, Build, Commit, Job, World

# The git plugin cuts the first line of a message there.
_TITLE: Final = 72
_RECENT: Final = 100
_PIPELINE: Final = "org.jenkinsci.plugins.workflow.job"


class Shapes:
    """Renders one Jenkins; `root` is its address, with a slash at its end."""

    def __init__(self, world: World, root: str) -> None:
        self._world, self._root = world, root

    def top(self) -> Bean:
        """Jenkins itself."""
        told: dict[str, Callable[[], Any]] = {
            "mode": lambda: "NORMAL",
            "nodeDescription": lambda: "the built-in node",
            "nodeName": lambda: "",
            "numExecutors": lambda: 2,
            "jobs": lambda: self._inside(""),
            "url": lambda: self._root,
            "useSecurity": lambda: True,
        }
        return Bean("hudson.model.Hudson", told)

    def folder(self, name: str) -> Bean:
        """A folder: it has jobs, and no builds."""
        told: dict[str, Callable[[], Any]] = {
            "name": lambda: name.rpartition("/")[2],
            "fullName": lambda: name,
            "url": lambda: self._url(name),
            "jobs": lambda: self._inside(name),
        }
        return Bean("com.cloudbees.hudson.plugins.folder.Folder", told)

    def job(self, one: Job) -> Bean:
        """A job: its `builds` are at most the newest hundred, `allBuilds` are all."""
        newest = sorted(one.builds, reverse=True)
        builds = [one.builds[number] for number in newest]
        told: dict[str, Callable[[], Any]] = {
            "name": lambda: one.full_name.rpartition("/")[2],
            "fullName": lambda: one.full_name,
            "url": lambda: self._url(one.full_name),
            "buildable": lambda: True,
            "nextBuildNumber": lambda: one.next_number,
            "builds": lambda: Rows(builds[:_RECENT], lambda build: self.build(one, build)),
            "allBuilds": lambda: Rows(builds, lambda build: self.build(one, build)),
            "lastBuild": lambda: self.build(one, builds[0]) if builds else None,
        }
        pipeline = one.kind == "pipeline"
        return Bean(f"{_PIPELINE}.WorkflowJob" if pipeline else "hudson.model.FreeStyleProject", told)

    def build(self, job: Job, one: Build) -> Bean:
        """A build: a freestyle one has a changeSet, a pipeline changeSets, of which the empty ones are left out."""
        pipeline = job.kind == "pipeline"
        changes = self._change_set(one.changes)
        told: dict[str, Callable[[], Any]] = {
            "number": lambda: one.number,
            "id": lambda: str(one.number),
            "url": lambda: f"{self._url(job.full_name)}{one.number}/",
            "displayName": lambda: one.name or f"#{one.number}",
            "fullDisplayName": lambda: f"{job.full_name.replace('/', ' » ')} {one.name or f'#{one.number}'}",
            "description": lambda: one.description,
            "building": lambda: one.building,
            "result": lambda: one.result,
            "timestamp": lambda: _milliseconds(one.at),
            "duration": lambda: one.duration,
            "estimatedDuration": lambda: 60_000,
            "keepLog": lambda: False,
            "queueId": lambda: one.number,
            "actions": lambda: self._actions(job, one),
        }
        if pipeline:
            told |= {"changeSets": lambda: [changes] if one.changes else [], "inProgress": lambda: one.building}
        else:
            told["changeSet"] = lambda: changes
        return Bean(f"{_PIPELINE}.WorkflowRun" if pipeline else "hudson.model.FreeStyleBuild", told)

    def _actions(self, job: Job, one: Build) -> list[Bean]:
        cause = {
            "shortDescription": lambda: f"Started by user {one.user}",
            "userId": lambda: one.user,
            "userName": lambda: one.user.replace(".", " ").title(),
        }
        timer: dict[str, Callable[[], Any]] = {"shortDescription": lambda: "Started by timer"}
        causes = [
            Bean("hudson.model.Cause$UserIdCause", cause)
            if one.user
            else Bean("hudson.triggers.TimerTrigger$TimerTriggerCause", timer)
        ]
        found = [Bean("hudson.model.CauseAction", {"causes": lambda: causes})]
        if one.parameters:
            parameters = [_parameter(name, value) for name, value in one.parameters.items()]
            found.append(Bean("hudson.model.ParametersAction", {"parameters": lambda: parameters}))
        found += [_build_data(remote, revision, "refs/remotes/origin/main") for remote, revision in one.libraries]
        if one.revision:
            branch = one.branch if one.branch == DETACHED else f"refs/remotes/origin/{one.branch}"
            found.append(_build_data(job.remote, one.revision, branch))
        # Actions of plugins that show nothing are empty objects.
        return [*found, Bean("", {})]

    def _change_set(self, commits: Sequence[Commit]) -> Bean:
        told: dict[str, Callable[[], Any]] = {
            "items": lambda: Rows(commits, self._item),
            "kind": lambda: "git",
        }
        return Bean("hudson.plugins.git.GitChangeSetList", told)

    def _item(self, one: Commit) -> Bean:
        title = one.message.partition("\n")[0]
        author = {"absoluteUrl": lambda: f"{self._root}user/{one.author}", "fullName": lambda: one.author}
        told: dict[str, Callable[[], Any]] = {
            "affectedPaths": lambda: list(one.files),
            "author": lambda: Bean("hudson.model.User", author),
            "authorEmail": lambda: f"{one.author}@northwind.example",
            "comment": lambda: f"{one.message}\n",
            "commitId": lambda: one.sha,
            "date": lambda: f"{one.at:%Y-%m-%d %H:%M:%S} +0000",
            "id": lambda: one.sha,
            "msg": lambda: title[:_TITLE],
            "paths": lambda: Rows(one.files, _path),
            "timestamp": lambda: _milliseconds(one.at) // 1000 * 1000,
        }
        return Bean("hudson.plugins.git.GitChangeSet", told)

    def _inside(self, folder: str) -> Rows:
        found = sorted(self._world.inside(folder).items())
        start = f"{folder}/" if folder else ""
        return Rows(found, lambda pair: self.job(pair[1]) if pair[1] else self.folder(start + pair[0]))

    def _url(self, name: str) -> str:
        return self._root + "".join(f"job/{quote(part, safe='')}/" for part in name.split("/"))


def _path(name: str) -> Bean:
    return Bean("hudson.plugins.git.GitChangeSet$Path", {"editType": lambda: "edit", "file": lambda: name})


def _parameter(name: str, value: str) -> Bean:
    return Bean("hudson.model.StringParameterValue", {"name": lambda: name, "value": lambda: value})


def _build_data(remote: str, revision: str, name: str) -> Bean:
    branch = Bean("hudson.plugins.git.Branch", {"SHA1": lambda: revision, "name": lambda: name})
    told = Bean("hudson.plugins.git.Revision", {"SHA1": lambda: revision, "branch": lambda: [branch]})
    return Bean(
        "hudson.plugins.git.util.BuildData",
        {"lastBuiltRevision": lambda: told, "remoteUrls": lambda: [remote], "scmName": lambda: ""},
    )


def _milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)
