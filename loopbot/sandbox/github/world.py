"""All repositories and accounts of one GitHub, behind one lock."""

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from loopbot.sandbox.github.deliveries import DeliveryShapes
from loopbot.sandbox.github.repository import Repository
from loopbot.sandbox.github.shapes import Shapes
from loopbot.sandbox.github.visits import Account, RefusedError
from loopbot.sandbox.ledger import Ledger


class World:
    """What the front and the people's acts work on."""

    def __init__(self, ledger: Ledger, now: Callable[[], datetime] | None = None) -> None:
        self.ledger = ledger
        self.now = now or (lambda: datetime.now(UTC))
        self.lock = threading.RLock()
        self.repositories: dict[str, Repository] = {}
        self.accounts: dict[str, Account] = {}
        self._former: dict[str, str] = {}
        self._anonymous = Account("", limit=60)
        self._number = 1_000_000

    def fresh(self) -> int:
        """A new id, greater than every one before."""
        with self.lock:
            self._number += 1
            return self._number

    def moment(self) -> datetime:
        """Now, in the one-second resolution of GitHub's stamps."""
        return self.now().replace(microsecond=0)

    def repository(self, name: str) -> Repository:
        """The repository, for people; KeyError says which one is missing."""
        return self.repositories[name]

    def rename(self, name: str, new: str) -> None:
        """Move a repository: the former name redirects."""
        with self.lock:
            moved = self.repositories.pop(name)
            moved.name = new
            self.repositories[new] = moved
            self._former[name.lower()] = new

    def find(self, path: Mapping[str, str]) -> Repository | None:
        """The repository a path names, by its number, its name or a former name; case does not matter."""
        if "repository" in path:
            return next((one for one in self.repositories.values() if str(one.id) == path["repository"]), None)
        wanted = f"{path['owner']}/{path['name']}".lower()
        wanted = self._former.get(wanted, wanted).lower()
        return next((one for name, one in self.repositories.items() if name.lower() == wanted), None)

    def account_of(self, authorization: str) -> Account:
        """Who asks; 401 for a token nobody has."""
        scheme, _, token = authorization.partition(" ")
        if not authorization:
            return self._anonymous
        if scheme.lower() not in {"bearer", "token"} or token not in self.accounts:
            raise RefusedError(401, "Bad credentials")
        return self.accounts[token]

    def shapes(self, repository: Repository, api: str = "", html: str = "") -> tuple[Shapes, DeliveryShapes]:
        """How this repository's things are shown under these roots."""
        code = Shapes(api, html, repository)
        return code, DeliveryShapes(code)
