"""All projects and tokens of one GitLab, behind one lock."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime

from loopbot.sandbox.gitlab.project import Project
from loopbot.sandbox.gitlab.visits import RefusedError, Token


class World:
    """What the front and the people's acts work on."""

    def __init__(self, now: Callable[[], datetime] | None = None) -> None:
        self.now = now or (lambda: datetime.now(UTC))
        self.lock = threading.RLock()
        self.projects: dict[str, Project] = {}
        self.tokens: dict[str, Token] = {}
        self.former: dict[str, str] = {}
        self._number = 1000

    def fresh(self) -> int:
        """A new id, greater than every one before."""
        with self.lock:
            self._number += 1
            return self._number

    def project(self, name: str) -> Project:
        """The project, for people; KeyError says which one is missing."""
        return self.projects[name]

    def rename(self, name: str, new: str) -> None:
        """Move a project: reads under the former path are redirected."""
        with self.lock:
            moved = self.projects.pop(name)
            moved.name = new
            self.projects[new] = moved
            self.former[name.lower()] = new

    def find(self, wanted: str) -> tuple[Project | None, bool]:
        """The project of a path (in any case) or an id, and whether that is a former path."""
        low = wanted.lower()
        for name, one in self.projects.items():
            if low in (name.lower(), str(one.id)):
                return one, False
        return self.projects.get(self.former.get(low, "")), True

    def token_of(self, secret: str, now: datetime) -> Token:
        """Who asks; 401 for a token nobody has, or that has expired."""
        found = self.tokens.get(secret)
        if found is None:
            raise RefusedError(401, {"message": "401 Unauthorized"})
        if found.expires_at is not None and found.expires_at <= now.date():
            expired = {
                "error": "invalid_token",
                "error_description": "Token is expired. You can either do re-authorization or token refresh.",
            }
            raise RefusedError(401, expired)
        return found
