"""Articles of the knowledge bases: what everybody may read of kb_knowledge, and nothing of the rest of it.

Who may read an article is decided by criteria that only the instance can evaluate, for each person anew. So the operator
names the knowledge bases that are open to everybody, and of these an article with any criterion or role of its own is
left out. Rows are read whatever base and state they are in: an article that is taken out of an open base, or is no longer
published, must be known to be gone with the next poll. What is not for everybody is a record without words.

Each row is an article of its own, known by its number and sys_id: where the instance keeps versions, all bear one number.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Literal

from connectors.servicenow.mapping import SYSTEM_FIELDS
from connectors.servicenow.rows import Row, UnmappableError, moment, plain, value, whole
from connectors.servicenow.settings import ArticleTable
from loopbot.domain import markup
from loopbot.domain.records import Article, Ref
from loopbot.domain.texts import clean

ROWS_A_CALL = 200
"""Articles are long: a page of them holds fewer rows than one of tickets."""
PUBLISHED = "published"
_LIMITING = ("can_read_user_criteria", "cannot_read_user_criteria", "roles")
"""Each names, where it is not empty, who alone may read an article, or who may not."""
_DECIDING = ("workflow_state", "active", "kb_knowledge_base", *_LIMITING)
"""What has to be seen before a word of an article is kept."""
_BASE = "kb_knowledge_base.title"
_FIELDS = (
    *SYSTEM_FIELDS,
    *("number", "short_description", "text", "wiki", "article_type", "valid_to", "published", "language"),
    *(_BASE, "kb_category.label"),
    *_DECIDING,
)


@dataclass(frozen=True, slots=True)
class ArticleShape:
    """How rows of the configured table become articles; has what a stream asks of a mapping.Shape."""

    system: str
    table: ArticleTable
    url: Callable[[str, str], str]
    fields: tuple[str, ...] = _FIELDS
    own: frozenset[str] = frozenset(name for name in _FIELDS if "." not in name)
    kind: Literal["article"] = "article"
    number: str = "number"
    title: str = "short_description"

    @property
    def essential(self) -> tuple[str, ...]:
        """Fields without which no article can be told from an internal one."""
        return (self.number, self.title, "workflow_state", "kb_knowledge_base")

    def record(self, row: Row) -> Article:
        """The article, without a word of it where it is not for everybody; raises UnmappableError with the reason."""
        number, ident, updated = value(row, "number"), value(row, "sys_id"), moment(row, "sys_updated_on")
        if not number or not ident or updated is None:
            missing = next(name for name in ("number", "sys_id", "sys_updated_on") if not value(row, name))
            raise UnmappableError(f"{missing} is empty, or the account may not see it")
        called = clean(number, 200)
        ref = Ref(self.system, "article", key_of(called, ident))
        if not self._open(row):
            return Article(
                ref=ref, ident=ident, title="", state="withdrawn", updated_at=updated, number=called,
                version=whole(row, "sys_mod_count"),
            )  # fmt: skip
        title = value(row, "short_description")
        if title is None:
            raise UnmappableError("the account may not see short_description")
        return Article(
            ref=ref,
            ident=ident,
            title=clean(title, 1000),
            text=clean(_text(row)),
            state=PUBLISHED,
            updated_at=updated,
            opened_at=_day(row, "published") or moment(row, "sys_created_on"),
            version=whole(row, "sys_mod_count"),
            url=self.url(ident, called),
            number=called,
            base=plain(row, _BASE) or "",
            category=plain(row, "kb_category.label"),
            language=plain(row, "language"),
            valid_until=_end_of(row, "valid_to"),
        )

    @property
    def mark(self) -> str:
        """Differs where the configuration reads other articles than before: then all of them are read anew."""
        said = "\x1f".join((self.table.table, self.table.query, self.table.url, *sorted(self.table.bases)))
        return hashlib.blake2b(said.encode(), digest_size=6).hexdigest()

    def _open(self, row: Row) -> bool:
        """Whether everybody may read it; raises UnmappableError where that can not be seen."""
        hidden = [name for name in _DECIDING if name in self.own and value(row, name) is None]
        if hidden:
            raise UnmappableError(f"the account may not see {', '.join(hidden)}, so nobody knows who may read it")
        if value(row, "workflow_state") != PUBLISHED or value(row, "active") == "false":
            return False
        if any(value(row, name) for name in _LIMITING):
            return False
        return bool({value(row, "kb_knowledge_base"), value(row, _BASE)} & set(self.table.bases) - {None, ""})


def key_of(number: str, ident: str) -> str:
    """What the record of an article is called here."""
    return f"{number}-{ident}"


def _text(row: Row) -> str:
    """What it says: HTML in `text`, or in `wiki` where that is how it was written."""
    wiki = value(row, "wiki") or ""
    if value(row, "article_type") == "wiki" and wiki:
        return wiki
    return markup.plain(value(row, "text") or "")


def _day(row: Row, name: str) -> datetime | None:
    """The beginning of a day, in UTC; None where there is none, and where what stands there is no day."""
    raw = (value(row, name) or "")[:10]
    try:
        return datetime.combine(datetime.fromisoformat(raw).date(), time(), UTC) if raw else None
    except ValueError:
        return None


def _end_of(row: Row, name: str) -> datetime | None:
    """The end of a day, which is still one of its days. Raises UnmappableError for what is no day."""
    last = _day(row, name)
    if last is None and value(row, name):
        raise UnmappableError(
            f"{name} is {clean(value(row, name) or '', 40)!r}, which is not a date such as 2026-01-31"
        )
    return last + timedelta(days=1) if last is not None else None
