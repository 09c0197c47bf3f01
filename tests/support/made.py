"""Small records, links and effects, made up for tests."""

from datetime import UTC, datetime, timedelta
from typing import Any

from loopbot.domain.effects import Cause, Comment, LinkTickets, OpenTicket, Post
from loopbot.domain.pending import pending_mark, pending_ref
from loopbot.domain.records import Deployment, Incident, Issue, Link, Ref

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def incident(number: int = 1, minutes: float = 0, **fields: Any) -> Incident:
    key = f"INC{number:07d}"
    given: dict[str, Any] = {"title": "the export stands still", "state": "new", "updated_at": at(minutes), **fields}
    return Incident(ref=Ref("servicenow", "incident", key), ident=f"sys{number}", **given)


def issue(number: int = 1, minutes: float = 0, **fields: Any) -> Issue:
    given: dict[str, Any] = {"title": "make it move again", "state": "todo", "updated_at": at(minutes), **fields}
    return Issue(ref=Ref("jira", "issue", f"LOOP-{number}"), ident=str(number), **given)


def deployment(number: int = 1, minutes: float = 0, **fields: Any) -> Deployment:
    given: dict[str, Any] = {"title": "export 4.2", "state": "succeeded", "updated_at": at(minutes), **fields}
    return Deployment(ref=Ref("github", "deployment", str(number)), ident=str(number), **given)


def link(
    source: Ref, relation: Any, target: Ref, by: str = "rule:made", confidence: float = 1.0, because: str = ""
) -> Link:
    return Link(source, relation, target, confidence, because, by)


def cause(number: int = 1, slot: str = "0", once: str = "", rule: str = "made") -> Cause:
    return Cause(rule, Ref("servicenow", "incident", f"INC{number:07d}"), slot, once, "because it was made up")


def comment(number: int = 1, slot: str = "0", text: str = "We are looking at it.", **of: Any) -> Comment:
    why = cause(number, slot, **of)
    return Comment(system="servicenow", cause=why, target=why.subject, text=text)


def ticket(number: int = 1, slot: str = "ticket") -> OpenTicket:
    return OpenTicket(system="jira", cause=cause(number, slot), kind="issue", place="LOOP", title="Make it move")


def comment_naming(opens: OpenTicket, number: int = 1) -> Comment:
    return comment(number, "names", f"It is {pending_mark(opens.key)} now.")


def link_to(opens: OpenTicket, number: int = 1) -> LinkTickets:
    why = cause(number, "link")
    return LinkTickets(
        system="servicenow", cause=why, source=why.subject, relation="fixes", target=pending_ref(opens.key)
    )


def post(text: str, number: int = 1, slot: str = "post", *, keep_current: bool = True, channel: str = "ops") -> Post:
    return Post(system="slack", cause=cause(number, slot), channel=channel, text=text, keep_current=keep_current)
