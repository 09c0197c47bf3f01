"""Whether the knowledge bases that are called open are there, and open: what can be known before anybody is quoted from them."""

from collections.abc import Iterator

from connectors.servicenow.instance import Instance, Refused
from connectors.servicenow.rows import value
from connectors.servicenow.settings import ArticleTable
from loopbot.domain.texts import clean, listed
from loopbot.ports import Finding

_MOST = 10_000
_CRITERIA = ("kb_uc_can_read_mtom", "kb_uc_cannot_read_mtom")
"""The tables that say which criteria hold for reading a whole knowledge base."""


def open_bases(instance: Instance, table: ArticleTable) -> Iterator[Finding]:
    """What is wrong with the bases that the configuration names; three calls. Raises what reading raises, but for refusals."""
    about = f"{instance.system}: {table.table}"
    try:
        rows = instance.rows("kb_knowledge_base", "", ("sys_id", "title", "active"), limit=_MOST).rows
    except Refused:
        yield Finding("warning", about, "its knowledge bases can not be checked: kb_knowledge_base is not readable")
        return
    there = {name: row for row in rows for name in (value(row, "sys_id"), value(row, "title")) if name}
    unknown = [name for name in table.bases if name not in there]
    if unknown:
        known = listed(sorted({clean(value(row, "title") or "", 80) for row in rows} - {""})) or "none"
        what = f"there is no knowledge base {listed(unknown)}, or the account may not see it"
        yield Finding("error", about, what, f"correct `bases`; these can be seen: {known}")
    idle = [name for name in table.bases if name in there and value(there[name], "active") == "false"]
    if idle:
        yield Finding("warning", about, f"{listed(idle)} is not active")
    yield from _limited(
        instance, table, {value(row, "sys_id") or "": name for name, row in there.items() if name in table.bases}
    )


def _limited(instance: Instance, table: ArticleTable, named: dict[str, str]) -> Iterator[Finding]:
    """The named bases that only some people may read, as their criteria say."""
    about = f"{instance.system}: {table.table}"
    limited: set[str] = set()
    for criteria in _CRITERIA:
        try:
            rows = instance.rows(criteria, "", ("kb_knowledge_base",), limit=_MOST).rows
        except Refused:
            yield Finding("warning", about, f"who may read its bases can not be checked: {criteria} is not readable")
            return
        limited |= {named[base] for row in rows if (base := value(row, "kb_knowledge_base") or "") in named}
    if limited:
        yield Finding(
            "warning",
            about,
            f"not everybody may read {listed(sorted(limited))}: it has user criteria",
            "loopbot quotes its articles to anybody who asks; name only bases that everybody who reports may read",
        )
    elif named:
        yield Finding("ok", about, f"{listed(sorted(named.values()))}: everybody may read it")
