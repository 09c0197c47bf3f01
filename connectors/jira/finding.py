"""Looking for an effect whose answer was lost: exactly, and never by the search alone, which is late."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.jira import jql
from connectors.jira.client import Client, mapping, rows
from connectors.jira.fields import Fields
from connectors.jira.mapping import Mapper, UnmappedError, text_of
from connectors.jira.opening import PROPERTY, marker
from connectors.jira.sources import Search
from connectors.jira.wording import Wording, global_id, issue_key
from loopbot.domain.effects import Align, Comment, Effect, LinkTickets, OpenTicket, SetFields, Transition
from loopbot.domain.errors import BrokenAnswer, Rejected, Transient, Uncertain
from loopbot.domain.mirroring import said
from loopbot.domain.receipts import Delivery, Receipt
from loopbot.domain.records import Ref

MARGIN = timedelta(seconds=120)
_INDEX_LAG = timedelta(hours=2)
_WINDOW = 100
_MOST_WINDOWS = 20
_MOST_GAPS = 5
Row = Mapping[str, Any]


class Finder:
    """Looks for effects on one Jira."""

    def __init__(self, client: Client, mapper: Mapper, fields: Fields, wording: Wording) -> None:
        self._client, self._mapper, self._fields, self._wording = client, mapper, fields, wording
        self._search = Search(client)
        self._verbs: Mapping[str, Callable[[Delivery, Any], Receipt | None]] = {
            OpenTicket.verb: self._opened,
            Comment.verb: self._commented,
            Transition.verb: self._moved,
            SetFields.verb: self._was_set,
            Align.verb: self._aligned,
            LinkTickets.verb: self._linked,
        }

    def find(self, delivery: Delivery) -> Receipt | None:
        """The receipt; None when it is certainly not there now. Raises Transient, Uncertain, Unauthorized, Rejected."""
        look = self._verbs.get(delivery.effect.verb)
        if look is None:
            raise Rejected(self._client.system, f"Jira can not {delivery.effect.verb}")
        try:
            return look(delivery, delivery.effect)
        except BrokenAnswer as trouble:
            raise Transient(trouble.system, trouble.why, after=15, scope="item") from trouble

    def _sent(self, delivery: Delivery) -> datetime | None:
        """When it was sent by the server's clock, with a margin: nothing of it can be older."""
        if delivery.sent_at is None:
            return None
        return delivery.sent_at + timedelta(seconds=self._client.behind) - MARGIN

    # ------------------------------------------------------------------------------------------ issues

    def _opened(self, delivery: Delivery, effect: OpenTicket) -> Receipt | None:
        query = jql.query(jql.equals("project", effect.place), jql.equals("labels", marker(effect.key)))
        for row in self._search.page(query, ("labels",), 2).rows:
            if found := self._marked(row, effect):
                return found
        query = jql.query(jql.equals("project", effect.place), order="key DESC")
        newest = next(iter(self._search.page(query, ("labels", "created"), 1).rows), None)
        top = _number(newest.get("key")) if newest else 0
        around = self._upward(effect, top + 1)
        return around or self._downward(delivery, effect, top)

    def _upward(self, effect: OpenTicket, start: int) -> Receipt | None:
        """Keys are given out in order: read on from the last that the search knows, until there are none."""
        for _ in range(_MOST_WINDOWS):
            window = self._window(effect.place, range(start, start + _WINDOW))
            if found := next((one for row in window if (one := self._marked(row, effect))), None):
                return found
            if not window:
                return None
            start += _WINDOW
        raise self._unknown(effect)

    def _downward(self, delivery: Delivery, effect: OpenTicket, top: int) -> Receipt | None:
        """The index is not filled in order: read back to issues that are older than the sending."""
        if not self._client.cloud:
            # Data Center's own index is written within the request; only keys that the search passed can be missing.
            return None
        since = self._sent(delivery)
        if since is not None:
            # What is older has long been in the index, which was asked first.
            since = max(since, self._client.clock.now() + timedelta(seconds=self._client.skew) - _INDEX_LAG)
        for _ in range(_MOST_WINDOWS):
            if top <= 0:
                return None
            window = self._window(effect.place, range(max(top - _WINDOW + 1, 1), top + 1))
            if found := next((one for row in window if (one := self._marked(row, effect))), None):
                return found
            created = [stamp for row in window if (stamp := _created(row))]
            if since is None or (created and min(created) < since):
                return None
            top -= _WINDOW
        raise self._unknown(effect)

    def _window(self, project: str, numbers: Iterable[int]) -> list[Row]:
        """The issues with these numbers, read themselves and not from the index."""
        keys = [f"{project}-{number}" for number in numbers]
        if self._client.cloud:
            body = {"issueIdsOrKeys": keys, "fields": ["labels", "created"], "properties": [PROPERTY]}
            return rows(self._client.system, self._client.ask("/issue/bulkfetch", body), "issues")
        found: list[Row] = []
        gaps = 0
        for key in keys:
            row = self._read(key)
            found += [row] if row else []
            gaps = 0 if row else gaps + 1
            if gaps >= _MOST_GAPS:
                break
        return found

    def _read(self, key: str) -> Row | None:
        params = {"fields": "labels,created", "properties": PROPERTY}
        found = self._client.peek(f"/issue/{key}", params)
        return None if found is None else mapping(self._client.system, found, "the issue")

    def _marked(self, row: Row, effect: OpenTicket) -> Receipt | None:
        fields, properties, key = row.get("fields"), row.get("properties"), row.get("key")
        labels = fields.get("labels") if isinstance(fields, Mapping) else None
        by_label = isinstance(labels, list) and marker(effect.key) in labels
        noted = properties.get(PROPERTY) if isinstance(properties, Mapping) else None
        if not isinstance(key, str) or not (by_label or _is_note(noted, effect.key)):
            return None
        return self._receipt(effect, Ref(self._client.system, "issue", key), str(row.get("id") or ""))

    def _unknown(self, effect: OpenTicket) -> Uncertain:
        return Uncertain(
            self._client.system,
            f"too many issues were made in {effect.place} to look through all of them",
            f"search for the label {marker(effect.key)}",
        )

    # ------------------------------------------------------------------------------------------ what hangs on an issue

    def _commented(self, delivery: Delivery, effect: Comment) -> Receipt | None:
        key, since = issue_key(self._client.system, effect.target), self._sent(delivery)
        wanted = text_of(self._fields.text(effect.text))
        start = 0
        for _ in range(_MOST_WINDOWS):
            params: dict[str, str | int] = {
                "orderBy": "-created",
                "expand": "properties",
                "startAt": start,
                "maxResults": _WINDOW,
            }
            page = self._client.get(f"/issue/{key}/comment", params)
            found = rows(self._client.system, page, "comments")
            for row in found:
                if self._is_ours(row, effect, wanted, since):
                    return self._receipt(effect, effect.target, str(row.get("id") or ""))
            created = [stamp for row in found if (stamp := _stamp(row.get("created")))]
            start += len(found)
            total = mapping(self._client.system, page, "the comments").get("total")
            past = since is not None and created and min(created) < since
            if not found or past or not isinstance(total, int) or start >= total:
                return None
        raise Uncertain(self._client.system, f"{key} has too many comments to look through all of them")

    def _is_ours(self, row: Row, effect: Comment, wanted: str, since: datetime | None) -> bool:
        """By the marker; where the site shows no properties, by the very text since the sending."""
        properties = row.get("properties")
        if isinstance(properties, list):
            noted = [one.get("value") for one in properties if isinstance(one, Mapping) and one.get("key") == PROPERTY]
            if noted:
                return any(_is_note(one, effect.key) for one in noted)
        created = _stamp(row.get("created"))
        if isinstance(properties, list) and properties:
            return False
        return since is not None and created is not None and created >= since and text_of(row.get("body")) == wanted

    def _moved(self, delivery: Delivery, effect: Transition) -> Receipt | None:
        """There now, or brought there since the sending and moved on by someone."""
        key, since = issue_key(self._client.system, effect.target), self._sent(delivery)
        params = {"fields": "status,resolution", "expand": "changelog"}
        issue = mapping(self._client.system, self._client.get(f"/issue/{key}", params), "the issue")
        fields = mapping(self._client.system, issue.get("fields"), "the issue")
        try:
            if self._mapper.state(fields.get("status"), fields.get("resolution")) == effect.to:
                return self._receipt(effect, effect.target)
        except UnmappedError:
            pass  # a status nothing maps is not the one we wanted
        log = issue.get("changelog")
        for entry in log.get("histories") or () if isinstance(log, Mapping) else ():
            created = _stamp(entry.get("created"))
            if since is not None and created is not None and created >= since and self._reached(entry, effect.to):
                return self._receipt(effect, effect.target)
        return None

    def _reached(self, entry: Row, to: str) -> bool:
        """Whether this change brought it to a status that the settings name as that state."""
        names = {
            str(item.get("toString") or "").lower()
            for item in entry.get("items") or ()
            if item.get("field") == "status"
        }
        return any(self._mapper.states.get(name) == to or _letters(name) == _letters(to) for name in names)

    def _was_set(self, _: Delivery, effect: SetFields) -> Receipt | None:
        key = issue_key(self._client.system, effect.target)
        kinds = [(self._fields.named(name), value) for name, value in effect.fields]
        params = {"fields": ",".join(kind.ident for kind, _ in kinds)}
        issue = mapping(self._client.system, self._client.get(f"/issue/{key}", params), "the issue")
        there = mapping(self._client.system, issue.get("fields"), "the issue")
        if all(self._fields.same(kind, there.get(kind.ident), value) for kind, value in kinds):
            return self._receipt(effect, effect.target)
        return None

    def _aligned(self, delivery: Delivery, effect: Align) -> Receipt | None:
        """So now, or made so since the sending and changed again by someone; with the issue as it is."""
        key, since = issue_key(self._client.system, effect.target), self._sent(delivery)
        params = {"fields": ",".join(self._mapper.fields), "expand": "changelog"}
        issue = mapping(self._client.system, self._client.get(f"/issue/{key}", params), "the issue")
        try:
            record = self._mapper.issue(issue)
        except UnmappedError:
            return None
        log = issue.get("changelog")
        entries = log.get("histories") or () if isinstance(log, Mapping) else ()
        made_so = any(
            since is not None and (created := _stamp(entry.get("created"))) and created >= since
            for entry in entries
            if self._was_aligned(entry, effect)
        )
        if said(record, effect.field) != effect.value and not made_so:
            return None
        return replace(self._receipt(effect, effect.target), after=record)

    def _was_aligned(self, entry: Row, effect: Align) -> bool:
        if effect.field == "state":
            return self._reached(entry, effect.value)
        name = "summary" if effect.field == "title" else "priority"
        words = [str(item.get("toString") or "") for item in entry.get("items") or () if item.get("field") == name]
        if effect.field == "title":
            return any(" ".join(word.split()) == " ".join(effect.value.split()) for word in words)
        return any(str(self._mapper.priorities.get(word.lower())) == effect.value for word in words)

    def _linked(self, _: Delivery, effect: LinkTickets) -> Receipt | None:
        ours = [
            end for end in (effect.source, effect.target) if end.system == self._client.system and end.kind == "issue"
        ]
        if len(ours) == 2:
            return self._issue_link(effect)
        if not ours:
            raise Rejected(self._client.system, f"neither {effect.source} nor {effect.target} is an issue of this Jira")
        other = effect.target if ours[0] == effect.source else effect.source
        key = issue_key(self._client.system, ours[0])
        found = self._client.peek(f"/issue/{key}/remotelink", {"globalId": global_id(effect, other)})
        row = found[0] if isinstance(found, list) and found else found
        return self._receipt(effect, ours[0], str(row.get("id") or "")) if isinstance(row, Mapping) else None

    def _issue_link(self, effect: LinkTickets) -> Receipt | None:
        kind, first, second = self._wording.link(effect)
        issue = mapping(self._client.system, self._client.get(f"/issue/{first}", {"fields": "issuelinks"}), "the issue")
        fields = mapping(self._client.system, issue.get("fields"), "the issue")
        for row in fields.get("issuelinks") or ():
            there = row.get("outwardIssue")
            if row.get("type", {}).get("name") == kind and isinstance(there, Mapping) and there.get("key") == second:
                return self._receipt(effect, effect.source, str(row.get("id") or ""))
        return None

    def _receipt(self, effect: Effect, ref: Ref, ident: str = "") -> Receipt:
        return Receipt(effect.key, ref, ident, f"{self._client.settings.base_url}/browse/{ref.key}", "found")


def _is_note(value: Any, key: str) -> bool:
    return isinstance(value, Mapping) and value.get("effect") == key


def _letters(text: str) -> str:
    return "".join(filter(str.isalpha, text))


def _number(key: Any) -> int:
    tail = str(key).rpartition("-")[2]
    return int(tail) if tail.isdecimal() else 0


def _created(row: Row) -> datetime | None:
    fields = row.get("fields")
    return _stamp(fields.get("created")) if isinstance(fields, Mapping) else None


def _stamp(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return found.astimezone(UTC) if found and found.tzinfo else None
