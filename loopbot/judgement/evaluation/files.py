"""Reads the files of known answers, which others made: what is wrong with one is said in words, with its name, never by a traceback."""

import csv
import gzip
import io
import sys
import zlib
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from loopbot.judgement.evaluation.figures import NotMeasuredError

_LONGEST = min(sys.maxsize, 2**31 - 1)
_ZIPPED, _BARE = ".csv.gz", ".csv"
_GZIP = b"\x1f\x8b"
_DATES = ("%d/%b/%y %H:%M", "%Y-%m-%d %H:%M:%S")


def named(folder: Path | None, pattern: str) -> list[Path]:
    """The files of that name (`*.csv.gz`) in a folder, zipped or not: each once, in the order of their names."""
    if folder is None:
        return []
    zipped = sorted(folder.glob(pattern))
    bare = sorted(folder.glob(pattern.removesuffix(_ZIPPED) + _BARE))
    return sorted({*zipped, *(path for path in bare if path.with_name(f"{path.name}.gz") not in zipped)})


def rows_in(folder: Path | None, pattern: str, needed: Collection[str]) -> Iterator[Mapping[str, str]]:
    """The rows of the files of that name in a folder; none where there is no such file, or no folder."""
    for path in named(folder, pattern):
        yield from rows(path, needed)


def rows(path: Path, needed: Collection[str]) -> Iterator[Mapping[str, str]]:
    """The rows of one file, a cell that is missing as empty text.

    Whether it is zipped is told by its content, whatever its name says. Raises NotMeasuredError where it can not be read or has no
    column that is `needed`; the order of the columns and others beside them do not matter.
    """
    csv.field_size_limit(_LONGEST)
    try:
        with path.open("rb") as raw:
            zipped = raw.read(2) == _GZIP
            raw.seek(0)
            lines = io.TextIOWrapper(
                gzip.GzipFile(fileobj=raw) if zipped else raw, encoding="utf-8-sig", errors="replace", newline=""
            )
            reader = csv.DictReader(lines)
            missing = sorted(set(needed) - set(reader.fieldnames or ()))
            if missing:
                raise NotMeasuredError(_lacking(path, missing, empty=not reader.fieldnames))
            for row in reader:
                yield {name: value or "" for name, value in row.items() if name}
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        raise NotMeasuredError(f"{path} can not be read: {error}") from error


def moment_of(text: str | None) -> datetime | None:
    """A time as such files write it; None where there is none, or none that can be read."""
    told = (text or "").strip()
    if not told:
        return None
    try:
        found = datetime.fromisoformat(told)
    except ValueError:
        for form in _DATES:
            try:
                found = datetime.strptime(told, form)  # noqa: DTZ007 - made aware below
            except ValueError:
                continue
            break
        else:
            return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _lacking(path: Path, missing: list[str], *, empty: bool) -> str:
    if empty:
        return f"{path} is empty: not even the names of its columns are there"
    return f"{path} has no column {' and none '.join(missing)}"
