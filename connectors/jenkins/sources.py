"""The stream of deployments: what is new among the builds of some jobs since the last reading.

A poll is one call a job: a few fields of its newest builds. Folders could be asked for all jobs in one call, but Jenkins would
then load the builds of every job in them. What is new or has changed is read with its change sets by a call more.
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from connectors.jenkins.api import Api
from connectors.jenkins.deliveries import Deliveries
from connectors.jenkins.history import History, dumped, loaded
from connectors.jenkins.listing import Listed, Listing
from connectors.jenkins.mapping import DETAILS, Build, UnmappableError, build
from loopbot.ci.mentions import Keys
from loopbot.domain.errors import BrokenAnswer, Rejected, SystemTrouble, Transient
from loopbot.domain.records import Record
from loopbot.domain.texts import clean
from loopbot.ports import Cursor, Page, Unmapped


@dataclass(frozen=True, slots=True)
class _Read:
    """Builds as they were read, and those that are gone."""

    builds: Sequence[tuple[Build, Mapping[str, Any]]]
    gone: Sequence[int] = ()


@dataclass(slots=True)
class _Made:
    records: list[Record] = field(default_factory=list)
    unmapped: list[Unmapped] = field(default_factory=list)


class DeploymentStream:
    """Implements ports.Source over all jobs."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._keys = Keys(api.settings.issue_keys, api.settings.issue_url)

    @property
    def stream(self) -> str:
        """Its name."""
        return f"{self._api.system}:deployment"

    def count(self) -> int | None:
        """Unknown: Jenkins does not count builds."""
        return None

    def read(self, cursor: Cursor) -> Iterator[Page]:
        """What is new of each job; one that can not be read does not keep the others back, and is raised at the end."""
        histories = loaded(cursor.position, self._api.settings.jobs)
        trouble: SystemTrouble | None = None
        quiet = Page((), Cursor(), 0, calls=0)
        for job in histories:
            try:
                for page in self._job(job, histories):
                    if page.records or page.unmapped:
                        yield replace(page, cursor=Cursor(dumped(histories)))
                    else:
                        quiet = replace(quiet, counted=quiet.counted + page.counted, calls=quiet.calls + page.calls)
            except (Rejected, BrokenAnswer, Transient) as error:
                found = self._alone(job, error)
                trouble = trouble or found
        # Of all jobs that had nothing to tell there is one page: the cursor is written once for them.
        if quiet.calls:
            yield replace(quiet, cursor=Cursor(dumped(histories)))
        if trouble is not None:
            raise trouble

    def _alone(self, job: str, error: Rejected | BrokenAnswer | Transient) -> SystemTrouble:
        """What is the trouble of one job; raises that which is everybody's."""
        if isinstance(error, Transient) and error.scope != "item":
            raise error
        if isinstance(error, Rejected) and error.status in {403, 404}:
            hint = "was it renamed, or may the user not read it? `loopbot check`"
            return Rejected(self._api.system, f"there is no job {job}", hint, status=error.status)
        return error

    def _job(self, job: str, histories: dict[str, History]) -> Iterator[Page]:
        before = self._api.calls
        listed = Listing(self._api, job, histories[job]).read()
        if listed.again:
            histories[job] = History()
        history = histories[job]
        for place, numbers in enumerate(chunks := self._chunks(listed, history)):
            # Whatever reading raises, nothing is remembered of builds that were not given away.
            read = self._details(job, numbers, listed)
            last = place == len(chunks) - 1
            history.floor = max(history.floor, listed.floor)
            made = self._made(job, read, history, listed.older.keys())
            made.unmapped += listed.broken if last else []
            history.trim()
            calls, before = self._api.calls - before, self._api.calls
            made.records.sort(key=lambda one: one.updated_at)
            counted = len(read.builds) + (len(listed.broken) if last else 0)
            yield Page(tuple(made.records), Cursor(), counted, tuple(made.unmapped), calls)

    def _chunks(self, listed: Listed, history: History) -> list[list[int]]:
        """What to read, oldest first. What still runs is read with others too: a later one may end first and hold its commits."""
        waiting = history.pending - listed.fresh.keys()
        if not listed.fresh:
            waiting -= listed.seen
        numbers = sorted(listed.fresh.keys() | listed.older.keys() | waiting)
        size = self._api.settings.page_size
        return [numbers[at : at + size] for at in range(0, len(numbers), size)] or [[]]

    def _details(self, job: str, numbers: Sequence[int], listed: Listed) -> _Read:
        """Neighbours by one call; one alone, or one that moved on meanwhile, by its number."""
        there = listed.fresh | listed.older
        places = [there[one][1] for one in numbers if one in there]
        rows: dict[int, Mapping[str, Any]] = {}
        if len(places) > 1 and max(places) - min(places) < 2 * len(places):
            told = self._api.builds(job, DETAILS, min(places), max(places) + 1)
            rows = {row["number"]: row for row in told if isinstance(row, dict) and row.get("number") in numbers}
        gone: list[int] = []
        for number in numbers:
            row = rows.get(number) or self._api.build(job, number, DETAILS)
            if row is None:
                gone.append(number)
            elif row.get("number") != number:
                raise BrokenAnswer(self._api.system, f"{job} answers another build than #{number}")
            else:
                rows[number] = row
        return _Read([(self._build(job, rows[one]), rows[one]) for one in numbers if one in rows], gone)

    def _build(self, job: str, row: Mapping[str, Any]) -> Build:
        settings = self._api.settings
        return build(row, settings, settings.jobs[job], self._keys, self._api.system)

    def _made(self, job: str, read: _Read, history: History, older: Container[int]) -> _Made:
        """First all are noted, then made by the time they ended: each follows the one that succeeded before it."""
        changed = []
        for one, row in read.builds:
            known = history.builds.get(one.number)
            if known is None or known.mark != one.summary.mark:
                changed.append((one, row))
            history.note(one)
        history.pending.difference_update(read.gone)
        made, deliveries = _Made(), Deliveries(self._api.system, self._api.settings, job)
        last = datetime.max.replace(tzinfo=UTC)
        for one, row in sorted(changed, key=lambda pair: (pair[0].ended_at or last, pair[0].number)):
            try:
                record = deliveries.made(one, history)
            except UnmappableError as error:
                if one.number not in older:
                    made.unmapped.append(Unmapped(f"{job}#{one.number}", str(error), clean(str(row), 200)))
                continue
            if record is not None and one.number not in older:
                made.records.append(record)
        return made
