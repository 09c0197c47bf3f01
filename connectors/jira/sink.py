"""Writing: issues, comments, transitions, fields and links, each answered by a receipt or by what to do next."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from connectors.jira import racing
from connectors.jira.client import Client, Reply, mapping, rows
from connectors.jira.fields import TITLE_LIMIT, Fields, FieldType, line
from connectors.jira.finding import Finder
from connectors.jira.mapping import SYSTEM_FIELDS, Mapper, UnmappedError
from connectors.jira.opening import BULK, Opening, note
from connectors.jira.wording import Wording, global_id, issue_key
from loopbot.domain.effects import Align, Comment, Effect, LinkTickets, OpenTicket, SetFields, Transition
from loopbot.domain.errors import Rejected, SystemTrouble, Transient, Trouble, Unauthorized, Uncertain, shut_out
from loopbot.domain.mirroring import said, standing
from loopbot.domain.receipts import Delivery, Receipt
from loopbot.domain.records import Record, Ref

# Sites and project types without them leave these out.
_OPTIONAL = frozenset({"components", "fixVersions", "priority", "resolution", "resolutiondate", "assignee"})
_NOT_KNOWN = "whether somebody wrote in the same moment is not known: the issue could not be read after it"
INTERNAL = {"key": "sd.public.comment", "value": {"internal": True}}


class JiraSink:
    """What can be written to one Jira."""

    def __init__(self, client: Client, mapper: Mapper) -> None:
        self._client, self._mapper = client, mapper
        self._fields = Fields(client)
        self._wording = Wording(client)
        self._opening = Opening(client, self._fields)
        self._finder = Finder(client, mapper, self._fields, self._wording)
        self._verbs: Mapping[str, Callable[[Delivery, Any], Receipt]] = {
            Comment.verb: self._comment,
            Transition.verb: self._transition,
            SetFields.verb: self._set,
            Align.verb: self._align,
            LinkTickets.verb: self._link,
        }

    @property
    def verbs(self) -> frozenset[str]:
        """open, comment, transition, set, align, link."""
        return frozenset({OpenTicket.verb, *self._verbs})

    @property
    def now_there(self) -> datetime | None:
        """What time it is by its own clock, counted on from its last answer; None before the first."""
        return self._client.now_there

    def ask_the_time(self) -> None:
        """Ask who it is, once: every answer says when it was given."""
        self._client.introduce()

    @property
    def shut(self) -> bool:
        """Whether our credentials were refused, and have not been proven since."""
        return self._client.shut

    def knock(self) -> None:
        """Ask who we are: without credentials that it accepts, Jira tells nobody."""
        self._client.knock()

    @property
    def batch(self) -> int:
        """As many as one call can open."""
        return BULK

    def apply(self, deliveries: Sequence[Delivery]) -> Sequence[Receipt | Trouble]:
        """Do each; new issues together in one call, the rest one by one in order, until the credentials are refused."""
        answers: dict[int, Receipt | Trouble] = {}
        opens = [(number, one.effect) for number, one in enumerate(deliveries) if isinstance(one.effect, OpenTicket)]
        if opens:
            given = self._opening.open([effect for _, effect in opens if isinstance(effect, OpenTicket)])
            answers.update(zip((number for number, _ in opens), given, strict=True))
        shut = next(filter(None, map(shut_out, answers.values())), None)
        for number, one in enumerate(deliveries):
            if number not in answers:
                answers[number] = shut or self._one(one)
                shut = shut or shut_out(answers[number])
        return [answers[number] for number in range(len(deliveries))]

    def find(self, delivery: Delivery) -> Receipt | None:
        """Whether it is there; see finding.py."""
        return self._finder.find(delivery)

    def _one(self, delivery: Delivery) -> Receipt | Trouble:
        do = self._verbs.get(delivery.effect.verb)
        if do is None:
            return Rejected(
                self._client.system, f"Jira can not {delivery.effect.verb}", f"it can {', '.join(sorted(self.verbs))}"
            )
        try:
            return do(delivery, delivery.effect)
        except (Transient, Uncertain, Rejected, Unauthorized) as trouble:
            return trouble
        except SystemTrouble as trouble:
            # Broken answers to reads come before the write; those to the write are turned into Uncertain there.
            return Transient(trouble.system, trouble.why, trouble.hint)

    def _write(self, method: str, path: str, body: object, params: Mapping[str, str] | None = None) -> Reply:
        try:
            reply = self._client.write(method, path, body, params)
        except (Transient, Uncertain, Rejected, Unauthorized):
            raise
        except SystemTrouble as trouble:
            raise Uncertain(trouble.system, trouble.why) from trouble
        if reply.refused:
            if isinstance(body, dict) and "fields" in body:
                self._fields.forget()
            raise Rejected(self._client.system, f"{method} {path} was answered {reply.status}: {reply.says}")
        return reply

    def _comment(self, _: Delivery, effect: Comment) -> Receipt:
        key = self._issue(effect.target)
        body: dict[str, Any] = {"body": self._fields.text(effect.text), "properties": note(effect.key)}
        if effect.audience == "internal":
            body["properties"].append(INTERNAL)
            if self._client.settings.internal_role:
                body["visibility"] = {"type": "role", "value": self._client.settings.internal_role}
        made = self._write("POST", f"/issue/{key}/comment", body).body
        ident = str(made.get("id") or "") if isinstance(made, Mapping) else ""
        return self._receipt(effect, effect.target, ident=ident)

    def _transition(self, _: Delivery, effect: Transition) -> Receipt:
        key = self._issue(effect.target)
        params = {"fields": "status,resolution", "expand": f"transitions,{racing.EXPAND}"}
        issue = mapping(self._client.system, self._client.get(f"/issue/{key}", params), "the issue")
        fields = mapping(self._client.system, issue.get("fields"), "the issue")
        if self._state_of(fields) == effect.to:
            return self._receipt(effect, effect.target, note="it was there already")
        name = self._move(key, effect.to, self._transitions(key, issue))
        wrote = racing.Wrote("status", "status", effect.to, lambda now: self._state_of(now.get("fields")) == effect.to)
        return self._after_all(self._receipt(effect, effect.target, note=f"by {name}"), issue, wrote)

    def _move(self, key: str, to: str, transitions: Sequence[Mapping[str, Any]]) -> str:
        """Take the first of the transitions that leads there; its name."""
        chosen, possible = None, []
        for row in transitions:
            target = row.get("to")
            state = self._state(target)
            name = target.get("name") if isinstance(target, Mapping) else ""
            possible.append(f"{row.get('name')} (to {name}, {state or 'unknown'})")
            if chosen is None and state == to and row.get("isAvailable") is not False:
                chosen = row
        if chosen is None:
            raise Rejected(
                self._client.system,
                f"no transition brings {key} to {to}; possible are: {'; '.join(possible) or 'none'}",
                "map the status in `states`, or change the workflow",
            )
        self._write("POST", f"/issue/{key}/transitions", {"transition": {"id": str(chosen.get("id"))}})
        return str(chosen.get("name"))

    def _align(self, _: Delivery, effect: Align) -> Receipt:
        """Jira has no conditional write: the issue is read just before, and once more after, for the search lags."""
        key = self._issue(effect.target)
        params = {"fields": ",".join(self._mapper.fields), "expand": f"transitions,{racing.EXPAND}"}
        issue = mapping(self._client.system, self._client.get(f"/issue/{key}", params), "the issue")
        try:
            record = self._mapper.issue(issue)
        except UnmappedError as error:
            raise Rejected(self._client.system, f"{key} is left as it is: {error}") from error
        how = standing(record, effect.field, effect.value, effect.was)
        if how == "done":
            return replace(self._receipt(effect, effect.target, note="it was so already"), after=record)
        if how == "overtaken":
            why = f"the {effect.field} of {key} was changed meanwhile, and no longer says {effect.was!r}"
            raise Rejected(self._client.system, why, "it is decided anew once the change is read")
        if effect.field == "state":
            self._move(key, effect.value, self._transitions(key, issue))
        else:
            self._write("PUT", f"/issue/{key}", {"fields": self._canonical(effect)})
        name = {"state": "status", "title": "summary"}.get(effect.field, effect.field)

        def stands(now: Mapping[str, Any]) -> bool:
            there = self._after(now)
            return there is None or said(there, effect.field) == effect.value

        wrote = racing.Wrote(name, name, effect.value, stands)
        return self._after_all(self._receipt(effect, effect.target), issue, wrote)

    def _canonical(self, effect: Align) -> dict[str, Any]:
        """A canonical field as Jira has it."""
        if effect.field == "title":
            return {"summary": line(effect.value, TITLE_LIMIT)}
        names = (name for name, number in self._client.settings.priorities.items() if str(number) == effect.value)
        name = next(names, None)
        if name is None or not self._client.settings.set_priority:
            raise Rejected(
                self._client.system, f"there is no priority for {effect.value}", "see priorities, set_priority"
            )
        return {"priority": {"name": name}}

    def _after_all(
        self, receipt: Receipt, before: Mapping[str, Any], *wrote: racing.Wrote, answered: object = None
    ) -> Receipt:
        """The receipt with the issue as it is now and what was replaced unseen: as the write was answered, else asked for.

        The issue itself, not the index. Where it can not be read now, the write is done all the same.
        """
        now = answered if isinstance(answered, Mapping) else {}
        if racing.told(now) is None:
            fields = dict.fromkeys((*self._mapper.fields, *(one.ident for one in wrote)))
            params = {"fields": ",".join(fields), "expand": racing.EXPAND}
            try:
                now = mapping(self._client.system, self._client.get(f"/issue/{receipt.ref.key}", params), "the issue")
            except SystemTrouble:
                notes = "; ".join(filter(None, (receipt.note, _NOT_KNOWN)))
                return replace(receipt, after=self._after(answered), note=notes)
        return replace(receipt, after=self._after(now), overruled=racing.overruled(before, now, wrote))

    def _transitions(self, key: str, issue: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Those open to it: with the issue where the site expands it, else asked for."""
        if isinstance(issue.get("transitions"), list):
            return rows(self._client.system, issue, "transitions")
        return rows(self._client.system, self._client.library(lambda jira: jira.transitions(key)), "")

    def _state_of(self, fields: Any) -> str | None:
        return self._state(fields.get("status"), fields.get("resolution")) if isinstance(fields, Mapping) else None

    def _state(self, status: Any, resolution: Any = None) -> str | None:
        try:
            return self._mapper.state(status, resolution)
        except UnmappedError:
            return None

    def _set(self, _: Delivery, effect: SetFields) -> Receipt:
        key = self._issue(effect.target)
        kinds = [(self._fields.named(name), value) for name, value in effect.fields]
        params = {"fields": ",".join(kind.ident for kind, _ in kinds), "expand": racing.EXPAND}
        issue = mapping(self._client.system, self._client.get(f"/issue/{key}", params), "the issue")
        there = mapping(self._client.system, issue.get("fields"), "the issue")
        wanted = {
            kind.ident: self._fields.value(kind, value)
            for kind, value in kinds
            if not self._fields.same(kind, there.get(kind.ident), value)
        }
        if not wanted:
            return self._receipt(effect, effect.target, note="it was so already")
        back = {"returnIssue": "true", "expand": racing.EXPAND} if self._client.cloud else None
        answered = self._write("PUT", f"/issue/{key}", {"fields": wanted}, back).body
        former = [self._fields.was(kind, there.get(kind.ident)) for kind, _ in kinds if kind.ident in wanted]
        note = "; ".join(one for one in former if one) or ", ".join(wanted)

        def wrote(kind: FieldType, value: str) -> racing.Wrote:
            return racing.Wrote(kind.ident, kind.name, value, lambda now: self._holds(now, kind, value))

        all_wrote = (wrote(kind, value) for kind, value in kinds if kind.ident in wanted)
        return self._after_all(self._receipt(effect, effect.target, note=note), issue, *all_wrote, answered=answered)

    def _holds(self, issue: Mapping[str, Any], kind: FieldType, value: str) -> bool:
        """Whether an issue says so; what an answer does not show is taken to be as it was written."""
        fields = issue.get("fields")
        return (
            not isinstance(fields, Mapping)
            or kind.ident not in fields
            or self._fields.same(kind, fields[kind.ident], value)
        )

    def _after(self, row: Any) -> Record | None:
        """The issue as the answer shows it, where it shows all of it."""
        if not isinstance(row, dict) or not isinstance(row.get("fields"), dict):
            return None
        if not set(SYSTEM_FIELDS) <= {*row["fields"], *_OPTIONAL}:
            return None
        try:
            return self._mapper.issue(row)
        except UnmappedError:
            return None

    def _link(self, delivery: Delivery, effect: LinkTickets) -> Receipt:
        here = [end for end in (effect.source, effect.target) if self._ours(end)]
        if not here:
            raise Rejected(self._client.system, f"neither {effect.source} nor {effect.target} is an issue of this Jira")
        if len(here) == 2:
            kind, first, second = self._wording.link(effect)
            between = {"type": {"name": kind}, "inwardIssue": {"key": first}, "outwardIssue": {"key": second}}
            self._write("POST", "/issueLink", between)
            return self._receipt(effect, effect.source)
        other = effect.target if here[0] == effect.source else effect.source
        record = delivery.record(other)
        url, title = (record.url if record else "") or effect.url, (record.title if record else "") or effect.title
        if not url.startswith(("https://", "http://")):
            raise Rejected(
                self._client.system, f"{other} has no web address to link to", "read its system, so that it has one"
            )
        body = {
            "globalId": global_id(effect, other),
            "relationship": self._wording.words(effect, from_source=here[0] == effect.source),
            "object": {"url": url, "title": line(f"{other.key}: {title}" if title else other.key, TITLE_LIMIT)},
        }
        made = self._write("POST", f"/issue/{here[0].key}/remotelink", body).body
        ident = str(made.get("id") or "") if isinstance(made, Mapping) else ""
        return self._receipt(effect, here[0], ident=ident)

    def _ours(self, ref: Ref) -> bool:
        return ref.system == self._client.system and ref.kind == "issue"

    def _issue(self, ref: Ref) -> str:
        return issue_key(self._client.system, ref)

    def _receipt(self, effect: Effect, ref: Ref, *, ident: str = "", note: str = "") -> Receipt:
        return Receipt(effect.key, ref, ident, f"{self._client.settings.base_url}/browse/{ref.key}", note)
