"""`loopbot backlog`: the open items, those that matter most first, and why."""

from pathlib import Path
from typing import TYPE_CHECKING

from loopbot.cli.failures import DONE
from loopbot.cli.opening import console, opened, print_table
from loopbot.domain.errors import UserError
from loopbot.domain.phrasing import ago
from loopbot.domain.texts import shorten

if TYPE_CHECKING:
    from loopbot.usecases.backlog import Item


def show_backlog(config: Path, kind: str, limit: int, *, as_json: bool) -> int:
    """Print the open items by weight."""
    from loopbot.judgement.priority import ORDER
    from loopbot.usecases.backlog import backlog

    if kind and kind not in ORDER:
        raise UserError(kind, "is not a kind of item", "known: " + ", ".join(ORDER))
    with opened(config, remote=False) as here:
        found = backlog(here.loop, here.config.weigher, (kind,) if kind else tuple(ORDER))
    if as_json:
        _print_json(found[:limit])
    elif not found:
        console().print("Nothing is open. `loopbot once` reads what is new.", markup=False)
    else:
        _print(found, limit)
    return DONE


def _print(found: "list[Item]", limit: int) -> None:
    from rich.table import Table
    from rich.text import Text

    out = console()
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in ("weight", "people", "incidents", "trend"):
        table.add_column(name, justify="right")
    table.add_column("since", no_wrap=True)
    table.add_column("item", no_wrap=True)
    table.add_column("", overflow="fold")
    for one in found[:limit]:
        known = one.known
        cells = (
            f"{one.weight.value or 0:.0f}",
            str(known.votes),
            str(known.incidents),
            f"{known.recent} / {known.before}",
        )
        words = f"{shorten(one.record.title, 80)}\n{', '.join(one.weight.because)}"
        table.add_row(*cells, ago(known.since).partition(" (")[0], Text(one.record.key), Text(words))
    print_table(out, table)
    if len(found) > limit:
        out.print(f"{len(found) - limit} more; --limit shows them.")


def _print_json(found: "list[Item]") -> None:
    import orjson

    value = [
        {
            "record": str(one.record.ref),
            "title": one.record.title,
            "weight": one.weight.value,
            "because": one.weight.because,
            "reporters": [person.name or person.email or person.key for person in one.known.people],
            "accounts": one.known.accounts,
            "votes": one.known.votes,
            "incidents": one.known.incidents,
            "worst_priority": one.known.severity,
            "since": one.known.since,
            "last_14_days": one.known.recent,
            "14_days_before": one.known.before,
        }
        for one in found
    ]
    print(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
