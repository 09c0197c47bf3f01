"""How relations are worded in this Jira, and what identifies the links that loopbot makes."""

import hashlib
import re
import threading
from collections.abc import Mapping
from typing import Any

from connectors.jira.client import Client
from loopbot.domain.effects import LinkTickets
from loopbot.domain.errors import Rejected
from loopbot.domain.records import Ref
from loopbot.domain.words import Relation

_KEY = re.compile(r"[A-Z][A-Z0-9_]*-[1-9]\d*\Z")
_BACK: Mapping[Relation, str] = {
    "caused_by": "causes",
    "problem_of": "is explained by problem",
    "fixes": "is fixed by",
    "delivers": "is delivered by",
    "withdraws": "is withdrawn by",
    "includes": "is included in",
    "duplicates": "is duplicated by",
    "mirrors": "is mirrored by",
}


class Wording:
    """The issue link types of one Jira, asked for once."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock = threading.Lock()
        self._types: tuple[tuple[str, str, str], ...] = ()

    def link(self, effect: LinkTickets) -> tuple[str, str, str]:
        """The link type, and the keys of the issue it goes out from and the one it goes to; raises Rejected."""
        settings = self._client.settings
        words = settings.link_types.get(effect.relation, settings.other_links)
        source = issue_key(self._client.system, effect.source)
        target = issue_key(self._client.system, effect.target)
        for name, inward, outward in self._all():
            if words.lower() == outward.lower():
                return name, source, target
            if words.lower() == inward.lower():
                return name, target, source
        known = ", ".join(repr(one) for _, inward, outward in self._all() for one in (outward, inward))
        raise Rejected(
            self._client.system,
            f"no issue link type reads {words!r}",
            f"set link_types.{effect.relation} to one of {known}",
        )

    def words(self, effect: LinkTickets, *, from_source: bool) -> str:
        """What a remote link says the other thing is to this issue."""
        if not from_source:
            return _BACK[effect.relation]
        return self._client.settings.link_types.get(effect.relation) or effect.relation.replace("_", " ")

    def _all(self) -> tuple[tuple[str, str, str], ...]:
        with self._lock:
            if not self._types:
                found: list[Any] = self._client.library(lambda jira: jira.issue_link_types())
                self._types = tuple((str(one.name), str(one.inward), str(one.outward)) for one in found)
            return self._types


def issue_key(system: str, ref: Ref) -> str:
    """The key, fit for a path; raises Rejected for what is not an issue of this Jira."""
    if ref.system != system or ref.kind != "issue" or not _KEY.match(ref.key):
        raise Rejected(system, f"{ref} is not an issue of this Jira")
    return ref.key


def global_id(effect: LinkTickets, other: Ref) -> str:
    """The same for the same link, whichever rule asks for it: Jira then keeps one of it."""
    name = f"loopbot:{effect.relation}:{other}"
    return name if len(name) <= 255 else f"loopbot:{hashlib.blake2b(name.encode(), digest_size=16).hexdigest()}"
