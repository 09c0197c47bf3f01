"""By what else than its key a change, a deployment or a release may be named: the commits, pull requests and versions it brought.

Connectors state them in `extra`, apart by spaces: `commits` as short names, `pulls` as `owner/name#12`, `versions` as they
are; `files` are the paths it touched, one a line.
"""

import re
from collections.abc import Iterable

from loopbot.domain.records import Record
from loopbot.domain.words import Kind

SHORT = 12
"""So many characters of a commit's name are kept and compared: enough to tell all commits of a company apart."""
FILES, COMMITS, PULLS, VERSIONS = "files", "commits", "pulls", "versions"
HOLDERS: frozenset[Kind] = frozenset({"change", "deployment", "release"})

_COMMIT = re.compile(r"[0-9a-f]{7,40}")
_TAGGED = re.compile(r"(?<![\d.])\d{1,4}(?:\.\d{1,5}){1,3}(?:-[A-Za-z0-9.]{1,20})?(?![\w.])")
# In a title "12.03" may be a day, "2.0" a standard and "3.1.2" where something was mended: only what is said to be brought out.
_TITLED = re.compile(
    r"\b(?:deploy|releas|roll(?:ed|ing)?[ -]?out|go(?:es|ing)?[ -]live|install|ship|upgrad)\w*\b[^\n]{0,60}?[ \t(]"
    r"(?:v(?=\d)|(?=\d{1,4}\.\d{1,5}\.\d))(\d{1,4}(?:\.\d{1,5}){1,3}(?:-[A-Za-z0-9.]{1,20})?)(?!\w)",
    re.IGNORECASE,
)


def searched_text(record: Record) -> str:
    """What a record is found by beside its title: its text, and the paths of the files that it touched."""
    files = record.extra.get(FILES, "")
    return f"{record.text}\n{files}" if files else record.text


def held_by(record: Record) -> frozenset[str]:
    """The names, in lower case and commits cut to SHORT."""
    if record.kind not in HOLDERS:
        return frozenset()
    extra = record.extra
    commits = [*extra.get(COMMITS, "").split(), getattr(record, "commit", None) or ""]
    tags = (extra.get("ref", ""), extra.get("tag", ""), record.key if record.kind == "release" else "")
    told = [found[0] for tag in tags if (found := _TAGGED.search(tag.rpartition("/")[2])) is not None]
    told += [*_TITLED.findall(record.title[:500]), *extra.get(VERSIONS, "").split()]
    return sought_as([*commits, *extra.get(PULLS, "").split(), *told])


def sought_as(names: Iterable[str]) -> frozenset[str]:
    """Names as they are held."""
    low = (name.lower() for name in names if name)
    return frozenset(name[:SHORT] if is_commit(name) else name for name in low)


def is_commit(name: str) -> bool:
    """Whether it may be (the beginning of) a commit's name."""
    return _COMMIT.fullmatch(name) is not None


def holds(held: frozenset[str], name: str) -> bool:
    """Whether one of the held names is that one; of a commit its beginning is enough."""
    (sought,) = sought_as([name])
    return sought in held or (is_commit(sought) and any(one.startswith(sought) for one in held))
