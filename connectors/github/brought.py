"""What a range of commits brought, as far as a record keeps it: subjects, commits, pull requests, files. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from loopbot.domain.holdings import COMMITS, FILES, PULLS, SHORT
from loopbot.domain.records import Link
from loopbot.domain.texts import clean

Json = Mapping[str, Any]

# A deployment of a thousand commits is kept in some 30 kB: the newest of them say the most of what broke.
_MOST_COMMITS: Final = 500
_MOST_FILES: Final = 300
_SUBJECTS: Final = 8_000
_PATHS: Final = 16_000
_SUBJECT: Final = 150
_MERGE: Final = re.compile(r"Merge pull request #(\d{1,9}) from [^\n]{0,300}(?:\n\s*([^\n]+))?")
_NUMBERED: Final = re.compile(r"\(#(\d{1,9})\)")


@dataclass(slots=True)
class Span:
    """The commits of a range up to `head`, oldest first, how it lies (ahead, behind ...), and what was left out.

    `files` are the paths that differ, `pulls` the numbers of the pull requests that are known to have brought the commits.
    """

    head: str
    commits: list[Json] = field(default_factory=list)
    status: str = "ahead"
    left_out: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    pulls: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Delivered:
    """The links a deployment states, what else is known of what it brought, and that in words (subjects, the newest first)."""

    links: tuple[Link, ...] = ()
    extra: Mapping[str, str] = field(default_factory=dict)
    text: str = ""


def paths_of(files: object) -> list[str]:
    """The paths of a comparison's files."""
    rows = files if isinstance(files, list) else []
    return [str(row["filename"]) for row in rows if isinstance(row, dict) and row.get("filename")]


def brought(repository: str, forth: Span, back: Span) -> Mapping[str, str]:
    """What is kept beside the links. What went back names no deployment any more, but its files have changed."""
    commits = [str(one.get("sha") or "")[:SHORT] for one in reversed(forth.commits[-_MOST_COMMITS:])]
    numbers = forth.pulls | {
        int(number) for one in forth.commits[-_MOST_COMMITS:] for number in _numbers(message_of(one))
    }
    pulls = [f"{repository}#{number}" for number in sorted(numbers, reverse=True)[:_MOST_COMMITS]]
    files = (clean(path, 400).replace("\n", " ") for path in dict.fromkeys([*forth.files, *back.files]))
    return {
        COMMITS: " ".join(filter(None, commits)),
        PULLS: " ".join(pulls),
        FILES: "\n".join(_within(islice(files, _MOST_FILES), _PATHS)),
    }


def subjects(forth: Span, back: Span) -> str:
    """What the commits say they do, a line each, the newest first; of a merge the title of what it merged."""
    lines = dict.fromkeys(map(_subject, reversed(forth.commits)))
    gone = dict.fromkeys(map(_subject, reversed(back.commits)))
    told = [*filter(None, lines), *(f"Taken back: {one}" for one in gone if one and one not in lines)]
    return "\n".join(_within(told, _SUBJECTS))


def message_of(commit: Json) -> str:
    """A commit's message."""
    return str((commit.get("commit") or {}).get("message") or "")


def _subject(commit: Json) -> str:
    message = message_of(commit)
    merged = _MERGE.match(message)
    said = f"{merged[2]} (#{merged[1]})" if merged and merged[2] else message.partition("\n")[0]
    return clean(said, _SUBJECT).strip()


def _numbers(message: str) -> Sequence[str]:
    merged = _MERGE.match(message)
    return [merged[1]] if merged else _NUMBERED.findall(message.partition("\n")[0][:1000])


def _within(lines: Iterable[str], most: int) -> Iterable[str]:
    """As many of the lines as fit into so many characters."""
    for line in lines:
        most -= len(line) + 1
        if most < 0:
            return
        yield line
