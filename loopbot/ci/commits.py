"""What a range of commits brought, as far as a record keeps it: subjects, commits, pull requests, files. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Final

from loopbot.ci.mentions import Pull, taken_back
from loopbot.domain.holdings import COMMITS, FILES, PULLS, SHORT
from loopbot.domain.records import Link
from loopbot.domain.texts import clean


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit: its name, its whole message, when it was written, and the names of its parents, the first one first."""

    sha: str
    message: str
    made_at: datetime | None = None
    parents: tuple[str, ...] = ()


# A deployment of a thousand commits is kept in some 30 kB: the newest of them say the most of what broke.
_MOST_COMMITS: Final = 500
_MOST_FILES: Final = 300
_SUBJECTS: Final = 8_000
_PATHS: Final = 16_000
_SUBJECT: Final = 150


@dataclass(frozen=True, slots=True)
class Naming:
    """How commits name pull requests in one repository.

    `pulls` is what their full names begin with (`owner/name#`); `merge` matches the message of a merge (groups `number` and,
    where it tells it, `title`), `numbered` finds numbers in the first line of any other.
    """

    pulls: str
    merge: re.Pattern[str]
    numbered: re.Pattern[str]

    def merged(self, found: re.Match[str]) -> str:
        """What a merge brought, in words; "" where its message does not tell."""
        title = found["title"]
        return f"{title} ({self.pulls[-1]}{found['number']})" if title else ""


@dataclass(slots=True)
class Span:
    """The commits of a range up to `head`, oldest first, how it lies (ahead, behind ...), and what was left out.

    `files` are the paths that differ, `pulls` the numbers of the pull requests that are known to have brought the commits, `asked` the
    pull requests of those commits whose answer is known already (where one call answers for many).
    """

    head: str
    commits: list[Commit] = field(default_factory=list)
    status: str = "ahead"
    left_out: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    pulls: set[int] = field(default_factory=set)
    asked: dict[str, Sequence[Pull]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Delivered:
    """The links a deployment states, what else is known of what it brought, and that in words (subjects, the newest first)."""

    links: tuple[Link, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict)
    text: str = ""


def brought(forth: Span, back: Span, naming: Naming) -> Mapping[str, str]:
    """What is kept beside the links. What went back names no deployment any more, but its files have changed."""
    commits = [one.sha[:SHORT] for one in reversed(forth.commits[-_MOST_COMMITS:])]
    said = {int(number) for one in forth.commits[-_MOST_COMMITS:] for number in _numbers(one.message, naming)}
    pulls = [f"{naming.pulls}{number}" for number in sorted(forth.pulls | said, reverse=True)[:_MOST_COMMITS]]
    files = (clean(path, 400).replace("\n", " ") for path in dict.fromkeys([*forth.files, *back.files]))
    return {
        COMMITS: " ".join(filter(None, commits)),
        PULLS: " ".join(pulls),
        FILES: "\n".join(_within(islice(files, _MOST_FILES), _PATHS)),
    }


def subjects(forth: Span, back: Span, naming: Naming) -> str:
    """What the commits say they do, a line each, the newest first; of a merge the title of what it merged."""
    lines = dict.fromkeys(_subject(one.message, naming) for one in reversed(forth.commits))
    gone = dict.fromkeys(_subject(one.message, naming) for one in reversed(back.commits))
    told = [*filter(None, lines), *(f"Taken back: {one}" for one in gone if one and one not in lines)]
    return "\n".join(_within(told, _SUBJECTS))


def spoken(message: str, naming: Naming) -> str:
    """What a commit says of issues: of a merge that takes something back the title of what it merged alone."""
    merged = naming.merge.match(message)
    title = (merged["title"] or "") if merged else ""
    return title if taken_back(title) else message


def first_parents(commits: Sequence[Commit], head: str) -> list[str]:
    """The line of first parents from the head (where a range was cut: from its newest commit), newest first."""
    known = {one.sha: one for one in commits}
    line: list[str] = []
    sha = head if head in known or not commits else commits[-1].sha
    while sha in known:
        line.append(sha)
        parents = known.pop(sha).parents
        sha = parents[0] if parents else ""
    return line


def _subject(message: str, naming: Naming) -> str:
    merged = naming.merge.match(message)
    said = naming.merged(merged) if merged else ""
    return clean(said or message.partition("\n")[0], _SUBJECT).strip()


def _numbers(message: str, naming: Naming) -> Sequence[str]:
    merged = naming.merge.match(message)
    return [merged["number"]] if merged else naming.numbered.findall(message.partition("\n")[0][:1000])


def _within(lines: Iterable[str], most: int) -> Iterable[str]:
    """As many of the lines as fit into so many characters."""
    for line in lines:
        most -= len(line) + 1
        if most < 0:
            return
        yield line
