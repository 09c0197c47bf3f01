"""What a value in a query names: a status, a person, a version ... as ids or in lower case; nothing where it does not exist."""

from collections.abc import Callable, Iterable, Mapping

from loopbot.sandbox.jira.catalogue import PRIORITIES, RESOLUTIONS
from loopbot.sandbox.jira.model import Named, User
from loopbot.sandbox.jira.site import Site

_CATEGORIES = {"to do": "new", "in progress": "indeterminate", "2": "new", "4": "indeterminate", "3": "done"}


def known(site: Site, field: str, text: str) -> set[str]:
    """What `text` names in a field, comparable with what an issue holds there; empty where nothing has that name."""
    return _KNOWN[field](site, text)


def _labels(_: Site, text: str) -> set[str]:
    return {text.lower()}


def _issues(site: Site, text: str) -> set[str]:
    issue = site.issue(text)
    return {str(issue.id)} if issue else set()


def _people(site: Site, text: str) -> set[str]:
    person = site.users.get(text) or next((one for one in site.users.values() if text.lower() in _names(one)), None)
    return {person.account_id} if person else set()


def _names(user: User) -> set[str]:
    return {user.name.lower(), user.email.lower(), user.display_name.lower(), user.account_id.lower()}


def _projects(site: Site, text: str) -> set[str]:
    low = text.lower()
    return {one.key.lower() for one in site.projects.values() if low in {one.key.lower(), one.id, one.name.lower()}}


def _statuses(site: Site, text: str) -> set[str]:
    kept = {issue.status for issue in site.issues()}
    kept |= {one.name for project in site.projects.values() for one in project.workflow.statuses}
    return {one.lower() for one in kept if one.lower() == text.lower()}


def _categories(_: Site, text: str) -> set[str]:
    low = text.lower()
    return {_CATEGORIES.get(low, low)} & {"new", "indeterminate", "done"}


def _resolutions(_: Site, text: str) -> set[str]:
    return {one.name.lower() for one in RESOLUTIONS if one.name.lower() == text.lower()}


def _versions(site: Site, text: str) -> set[str]:
    every = (one for each in site.projects.values() for one in each.versions)
    return {one.id for one in every if text.lower() in {one.id, one.name.lower()}}


def _priorities(_: Site, text: str) -> set[str]:
    return _named(PRIORITIES, text)


def _types(site: Site, text: str) -> set[str]:
    return _named(site.issue_types(), text)


def _named(things: Iterable[Named], text: str) -> set[str]:
    return {one.id for one in things if text.lower() in {one.id, one.name.lower()}}


_KNOWN: Mapping[str, Callable[[Site, str], set[str]]] = {
    "labels": _labels,
    "key": _issues,
    "id": _issues,
    "parent": _issues,
    "assignee": _people,
    "reporter": _people,
    "creator": _people,
    "project": _projects,
    "status": _statuses,
    "statuscategory": _categories,
    "resolution": _resolutions,
    "fixversion": _versions,
    "priority": _priorities,
    "issuetype": _types,
}
