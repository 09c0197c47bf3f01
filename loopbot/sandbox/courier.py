"""Carries the webhooks of twins: signed as their vendors sign them, and on request lost, doubled, late or out of order."""

import hashlib
import hmac
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import requests

SECONDS = 30


@dataclass(frozen=True, slots=True)
class Letter:
    """One webhook as its system sends it."""

    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Mishaps:
    """What may happen on the way: the share of letters that are lost, that come twice, and whether they keep their order."""

    lost: float = 0.0
    doubled: float = 0.0
    shuffled: bool = False


@dataclass(slots=True)
class Courier:
    """Brings letters to one address, such as http://127.0.0.1:8080/hooks/jira."""

    url: str
    session: requests.Session = field(default_factory=requests.Session)

    def bring(self, letter: Letter) -> int:
        """Once; the status it was answered with."""
        headers = {"Content-Type": "application/json", **letter.headers}
        answer = self.session.post(self.url, data=letter.body, headers=headers, timeout=SECONDS, allow_redirects=False)
        return answer.status_code

    def bring_all(self, letters: Iterable[Letter], mishaps: Mishaps, chance: random.Random) -> list[int]:
        """All of them, as well as the mishaps let it; the statuses of those that came."""
        on_the_way: list[Letter] = []
        for letter in letters:
            if chance.random() >= mishaps.lost:
                on_the_way += [letter, letter] if chance.random() < mishaps.doubled else [letter]
        if mishaps.shuffled:
            chance.shuffle(on_the_way)
        return [self.bring(letter) for letter in on_the_way]


def signature(secret: str, body: bytes) -> str:
    """`sha256=` and the HMAC of the body."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
