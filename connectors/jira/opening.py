"""Opening issues, one or up to fifty in a call, each with its marker."""

from collections.abc import Sequence
from typing import Any

from connectors.jira.client import Client, Reply
from connectors.jira.fields import TITLE_LIMIT, Fields, label, line
from loopbot.domain.effects import OpenTicket
from loopbot.domain.errors import Rejected, SystemTrouble, Transient, Trouble, Unauthorized, Uncertain
from loopbot.domain.receipts import Receipt
from loopbot.domain.records import Ref

BULK = 50
MARKER = "loopbot-"
PROPERTY = "loopbot"


def marker(key: str) -> str:
    """The label that an issue opened for this effect carries."""
    return f"{MARKER}{key}"


def note(key: str) -> list[dict[str, Any]]:
    """The same as an entity property, which people do not edit."""
    return [{"key": PROPERTY, "value": {"effect": key}}]


class Opening:
    """Creates issues."""

    def __init__(self, client: Client, fields: Fields) -> None:
        self._client, self._fields = client, fields
        priorities: dict[int, str] = {}
        for name, number in client.settings.priorities.items():
            priorities.setdefault(number, name)
        self._priorities = priorities

    def open(self, effects: Sequence[OpenTicket]) -> list[Receipt | Trouble]:
        """Open each; one answer each, in order."""
        answers: dict[int, Receipt | Trouble] = {}
        ready: list[tuple[int, OpenTicket, dict[str, Any]]] = []
        for number, effect in enumerate(effects):
            try:
                ready.append((number, effect, self.payload(effect)))
            except (Transient, Uncertain, Rejected, Unauthorized) as trouble:
                # Uncertain can not come from reading; a payload that can not be built was never sent.
                answers[number] = trouble
            except SystemTrouble as trouble:
                answers[number] = Transient(trouble.system, trouble.why, trouble.hint)
        for start in range(0, len(ready), BULK):
            part = ready[start : start + BULK]
            given = self._one(part[0]) if len(part) == 1 else self._many(part)
            answers.update(zip((number for number, _, _ in part), given, strict=True))
        return [answers[number] for number in range(len(effects))]

    def payload(self, effect: OpenTicket) -> dict[str, Any]:
        """What is sent; raises Rejected for what Jira could not take."""
        settings = self._client.settings
        if effect.kind != "issue":
            raise Rejected(
                self._client.system, f"Jira opens issues, not a {effect.kind}", "name another system in the rule"
            )
        if effect.place not in settings.projects:
            raise Rejected(
                self._client.system,
                f"{effect.place!r} is not one of its projects",
                f"configured are {', '.join(settings.projects)}",
            )
        fields: dict[str, Any] = {
            "project": {"key": effect.place},
            "issuetype": {"name": effect.type or settings.issue_type},
            "summary": line(effect.title, TITLE_LIMIT) or "(no title)",
            "labels": [*dict.fromkeys(one for text in effect.labels if (one := label(text))), marker(effect.key)],
        }
        if effect.text:
            fields["description"] = self._fields.text(effect.text)
        if effect.priority and settings.set_priority and effect.priority in self._priorities:
            fields["priority"] = {"name": self._priorities[effect.priority]}
        own = self._fields.payload(effect.fields) if effect.fields else {}
        if "labels" in own:
            own["labels"] = [*own["labels"], *fields["labels"]]
        return {"fields": fields | own, "properties": note(effect.key)}

    def _one(self, part: tuple[int, OpenTicket, dict[str, Any]]) -> list[Receipt | Trouble]:
        _, effect, payload = part
        try:
            reply = self._client.write("POST", "/issue", payload)
        except (Transient, Uncertain, Rejected, Unauthorized) as trouble:
            return [trouble]
        except SystemTrouble as trouble:
            return [Uncertain(trouble.system, trouble.why)]
        if reply.refused:
            return [self._no(effect, reply.says)]
        return [self._receipt(effect, reply.body)]

    def _many(self, parts: Sequence[tuple[int, OpenTicket, dict[str, Any]]]) -> list[Receipt | Trouble]:
        effects = [effect for _, effect, _ in parts]
        try:
            reply = self._client.write("POST", "/issue/bulk", {"issueUpdates": [payload for _, _, payload in parts]})
        except (Transient, Uncertain, Rejected, Unauthorized) as trouble:
            return [trouble for _ in parts]
        except SystemTrouble as trouble:
            return [Uncertain(trouble.system, trouble.why) for _ in parts]
        failed = self._failures(reply)
        made = reply.body.get("issues") if isinstance(reply.body, dict) else None
        made = list(made) if isinstance(made, list) else []
        if reply.refused and not failed and not made:
            # Nothing was made, and nothing says which of them is to blame: each gets its own answer.
            return [one for part in parts for one in self._one(part)]
        # Those that were made come in the order they were sent, without the failed ones. Where the numbers do not add up,
        # nobody can say which is which.
        if len(made) + len(failed) != len(parts):
            lost = Uncertain(
                self._client.system, f"of {len(parts)} issues {len(made)} were said to be made and {len(failed)} not"
            )
            return [self._no(one, failed[number]) if number in failed else lost for number, one in enumerate(effects)]
        rest = iter(made)
        return [
            self._no(one, failed[number]) if number in failed else self._receipt(one, next(rest))
            for number, one in enumerate(effects)
        ]

    def _failures(self, reply: Reply) -> dict[int, str]:
        """Jira's own words for each element that failed."""
        errors = reply.body.get("errors") if isinstance(reply.body, dict) else None
        found: dict[int, str] = {}
        for row in errors if isinstance(errors, list) else ():
            number = row.get("failedElementNumber") if isinstance(row, dict) else None
            if isinstance(number, int):
                found[number] = _words(row.get("elementErrors"))
        return found

    def _no(self, effect: OpenTicket, why: str) -> Rejected:
        self._fields.forget()
        return Rejected(
            self._client.system, f"the issue {line(effect.title, 60)!r} was refused: {why}", "see `loopbot check`"
        )

    def _receipt(self, effect: OpenTicket, row: Any) -> Receipt | Trouble:
        if not isinstance(row, dict) or not isinstance(row.get("key"), str):
            return Uncertain(self._client.system, "the answer to the new issue names no key")
        key = row["key"]
        url = f"{self._client.settings.base_url}/browse/{key}"
        return Receipt(effect.key, Ref(self._client.system, "issue", key), str(row.get("id") or ""), url)


def _words(errors: Any) -> str:
    if not isinstance(errors, dict):
        return "no reason given"
    said = [str(one) for one in errors.get("errorMessages") or ()]
    by_field = errors.get("errors")
    said += [f"{name}: {text}" for name, text in by_field.items()] if isinstance(by_field, dict) else []
    return "; ".join(said) or "no reason given"
