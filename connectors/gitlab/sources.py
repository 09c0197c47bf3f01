"""A stream over some projects: each is read by itself, and one that can not be read does not keep the others back."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

import orjson

from connectors.gitlab.api import Api, NotThereError
from connectors.gitlab.memory import Json
from loopbot.domain.errors import BrokenAnswer, Rejected, SystemTrouble, Unauthorized
from loopbot.domain.records import Record
from loopbot.domain.texts import clean
from loopbot.ports import Cursor, Page, Unmapped

MOST_PAGES: Final = 1_000
_M = TypeVar("_M")


@dataclass(frozen=True, slots=True)
class Part:
    """What one step of reading a project brought; the memory is as new as this."""

    records: tuple[Record, ...] = ()
    unmapped: tuple[Unmapped, ...] = ()


class Feed(Protocol[_M]):
    """One kind of list of a project, and what is remembered of it (`_M`)."""

    what: str

    def remembered(self, told: Json) -> _M:
        """What a cursor holds of a project; empty for one that was never read."""

    def shown(self, memory: _M) -> Json:
        """The same for a cursor."""

    def parts(self, project: str, memory: _M) -> Iterator[Part]:
        """What is new in it, oldest first, at least one part; raises NotThereError, and what the API raises."""


class ProjectStream:
    """Implements ports.Source for one feed over all projects."""

    def __init__(self, api: Api, feed: Feed[Any]) -> None:
        self._api, self._feed = api, feed

    @property
    def stream(self) -> str:
        """Its name."""
        return f"{self._api.system}:{self._feed.what}"

    def count(self) -> int | None:
        """Unknown: what GitLab counts is what a list holds, however old."""
        return None

    def read(self, cursor: Cursor) -> Iterator[Page]:
        """What is new in each project; the first trouble with one of them is raised at the end."""
        told = orjson.loads(cursor.position) if cursor.position else {}
        memories = {name: self._feed.remembered(told.get(name, {})) for name in self._api.settings.projects}
        # A reading that broke off may have noted what it never gave out: only what stands with a page counts.
        positions = {name: told.get(name, {}) for name in memories}
        trouble: SystemTrouble | None = None
        for project, memory in memories.items():
            calls = self._api.calls
            try:
                for part in self._feed.parts(project, memory):
                    positions[project] = self._feed.shown(memory)
                    made, calls = self._api.calls - calls, self._api.calls
                    read = len(part.records) + len(part.unmapped)
                    yield Page(part.records, Cursor(orjson.dumps(positions).decode()), read, part.unmapped, made)
            except NotThereError:
                hint = "was it renamed, or may the token not see it? `loopbot check`"
                trouble = trouble or Rejected(self._api.system, f"there is no project {project}", hint)
            except Unauthorized as error:
                if not moved(error):
                    raise
                trouble = trouble or error
            except (Rejected, BrokenAnswer) as error:
                trouble = trouble or error
        if trouble is not None:
            raise trouble


def moved(error: Unauthorized) -> bool:
    """Whether it is only a redirect, which is how GitLab answers for a project that was renamed."""
    return "redirect" in error.why


def excerpt(row: Any) -> str:
    """As much of a row as helps to see what is wrong with it."""
    return clean(str(row), 200)
