"""Which builds of a job are new or have changed since the last reading.

Jenkins lists newest first and has no filter by change. So each reading looks at a few fields of the newest builds, by one call,
and goes on where these do not reach down to what is known.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from connectors.jenkins.api import Api
from connectors.jenkins.history import History
from connectors.jenkins.mapping import SUMMARY, Summary, UnmappableError, summary
from loopbot.domain.errors import BrokenAnswer, Transient
from loopbot.domain.texts import clean
from loopbot.ports import Unmapped

# Once there is more than one page to read, it is a long one.
_LONG: Final = 100
_MOST_PAGES: Final = 1_000


@dataclass(slots=True)
class Listed:
    """What is new: builds, each with its place counted from the newest. Up to `floor` all is too old to be read.

    `older` are those that are too old to be told of, the first of which are read for what came after them. `again`: the job was
    made anew, its numbers begin again. `seen` are all numbers that were listed.
    """

    fresh: dict[int, tuple[Summary, int]] = field(default_factory=dict)
    older: dict[int, tuple[Summary, int]] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)
    broken: list[Unmapped] = field(default_factory=list)
    floor: int = 0
    again: bool = False

    def ended(self, most: int) -> "Listed":
        """With no more than so many of those that are too old."""
        kept = sorted(self.older, reverse=True)[:most]
        self.older = {number: self.older[number] for number in kept}
        self.floor = max(self.floor, min(kept) - 1) if kept else self.floor
        return self


class Listing:
    """Lists one job."""

    def __init__(self, api: Api, job: str, history: History) -> None:
        self._api, self._job, self._history = api, job, history

    def read(self) -> Listed:
        """All of it; raises BrokenAnswer for a list that repeats itself, Transient for one that moved, and what reading raises."""
        told = Listed(floor=self._history.floor)
        start, size, lowest, oldest = 0, self._api.settings.page_size, 0, ""
        for _ in range(_MOST_PAGES):
            rows = self._api.builds(self._job, SUMMARY, start, start + size)
            page = self._page(rows, start, told)
            if start == 0:
                told.again = self._begins_again(page)
                oldest = self._oldest(page)
            numbers = [one.number for one, _ in page]
            if start and numbers and max(numbers) < lowest:
                raise Transient(
                    self._api.system, f"builds of {self._job} were deleted while it was listed", scope="item"
                )
            self._take(page, oldest, told)
            if len(rows) < size or self._reaches(page, oldest, told):
                return told.ended(self._api.settings.page_size)
            if start and numbers and min(numbers) >= lowest:
                raise BrokenAnswer(self._api.system, f"{self._job} answers the same builds again")
            lowest = min(numbers, default=lowest)
            # The last one is asked for again: it shows that none was deleted meanwhile, which would let one slip through.
            start, size = start + size - 1, _LONG
        raise BrokenAnswer(self._api.system, f"the list of {self._job} does not end")

    def _page(self, rows: list[Any], start: int, told: Listed) -> list[tuple[Summary, int]]:
        page = []
        for place, row in enumerate(rows, start):
            try:
                page.append((summary(row, self._api.settings), place))
            except UnmappableError as error:
                told.broken.append(Unmapped(f"{self._job}#?{place}", str(error), clean(str(row), 200)))
        return page

    def _take(self, page: list[tuple[Summary, int]], oldest: str, told: Listed) -> None:
        for one, place in page:
            told.seen.add(one.number)
            known = None if told.again else self._history.builds.get(one.number)
            if oldest and one.begun_at is not None and one.begun_at.isoformat() < oldest:
                told.older[one.number] = (one, place)
            elif (one.number > self._history.floor or told.again) and (known is None or known.mark != one.mark):
                told.fresh[one.number] = (one, place)

    def _reaches(self, page: list[tuple[Summary, int]], oldest: str, told: Listed) -> bool:
        """Whether it goes down to what is known, or to what is too old."""
        if oldest:
            return len(told.older) >= self._api.settings.page_size
        return any(one.number <= self._history.newest for one, _ in page) and not told.again

    def _oldest(self, page: list[tuple[Summary, int]]) -> str:
        """How far back the first reading goes, counted from the newest build by Jenkins' own stamps."""
        if (self._history.builds or self._history.floor) and not self._begins_again(page):
            return ""
        stamps = [one.begun_at for one, _ in page if one.begun_at is not None]
        days = timedelta(days=self._api.settings.first_days)
        return (max(stamps) - days).isoformat() if stamps else ""

    def _begins_again(self, page: list[tuple[Summary, int]]) -> bool:
        """Whether the newest build was begun after all that are known, and yet has a number of long ago."""
        newest = page[0][0] if page else None
        if newest is None or newest.begun_at is None:
            return False
        known = self._history.builds.get(newest.number)
        other = known is None or known.mark.partition(" ")[0] != newest.mark.partition(" ")[0]
        later = newest.begun_at.isoformat() > self._history.begun_at > ""
        return other and later and newest.number <= self._history.newest
