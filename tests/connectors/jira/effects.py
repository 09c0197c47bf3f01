"""Effects on the sandbox's Jira, for tests."""

import itertools
from datetime import datetime

from loopbot.domain.effects import Cause, Comment, Effect, LinkTickets, OpenTicket, SetFields, Transition
from loopbot.domain.receipts import Delivery
from loopbot.domain.records import Ref
from loopbot.domain.words import Relation

INCIDENT = Ref("servicenow", "incident", "INC0012345")
_numbers = itertools.count()


def cause() -> Cause:
    return Cause("a-rule", INCIDENT, "0", once=str(next(_numbers)))


def issue(key: str) -> Ref:
    return Ref("jira", "issue", key)


def opening(title: str = "The export hangs", text: str = "", **more: object) -> OpenTicket:
    given = {"system": "jira", "cause": cause(), "kind": "issue", "place": "LOOP", "title": title, "text": text, **more}
    return OpenTicket(**given)  # type: ignore[arg-type]


def comment(key: str, text: str, audience: str = "internal") -> Comment:
    return Comment(system="jira", cause=cause(), target=issue(key), text=text, audience=audience)  # type: ignore[arg-type]


def transition(key: str, to: str) -> Transition:
    return Transition(system="jira", cause=cause(), target=issue(key), to=to)


def setting(key: str, *fields: tuple[str, str]) -> SetFields:
    return SetFields(system="jira", cause=cause(), target=issue(key), fields=fields)


def link(source: Ref, relation: Relation, target: Ref, title: str = "", url: str = "") -> LinkTickets:
    return LinkTickets(
        system="jira", cause=cause(), source=source, relation=relation, target=target, title=title, url=url
    )


def delivery(effect: Effect, sent_at: datetime | None = None) -> Delivery:
    return Delivery(effect, 1, sent_at=sent_at)
