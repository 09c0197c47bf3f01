"""`loopbot people`: who people are in the chat, and who could not be found there."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from loopbot.cli.opening import console, opened, print_table
from loopbot.domain.phrasing import ago, counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from loopbot.ports import Acquaintance


def list_people(config: Path, *, unknown: bool, refresh: bool, as_json: bool) -> None:
    """Everybody who was looked for, or only those who were not found; `refresh` looks again, and lets go what waited."""
    from loopbot.usecases.telling.identity import look_again_for_strangers, strangers

    with opened(config, remote=refresh) as here:
        found = look_again_for_strangers(here.loop) if refresh else None
        waiting = {(one.acquaintance.system, one.acquaintance.who): one.waiting for one in strangers(here.loop)}
        with here.store.read() as tx:
            known = [one for one in tx.people.all_known() if not unknown or one.standing != "known"]
    if as_json:
        _print_json(known, waiting)
        return
    out = console()
    if found is not None:
        sent = (
            f"{counted(found.released, 'message')} that waited for them will be sent"
            if found.released
            else "nothing waited"
        )
        out.print(f"Looked for {counted(found.looked_for, 'person', 'people')} again, {found.met} found: {sent}.")
    if not known:
        out.print(
            "Everybody who was to be told something was found." if unknown else "Nobody was to be told anything yet."
        )
        return
    _print_rows(known, waiting)


def _print_rows(known: "Sequence[Acquaintance]", waiting: dict[tuple[str, str], int]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for name in ("person", "in", "is", "waiting", "looked for"):
        table.add_column(name, no_wrap=True)
    table.add_column("what", overflow="fold")
    for one in known:
        style = "" if one.standing == "known" else "yellow"
        count = waiting.get((one.system, one.who), 0)
        what = f"{one.name} ({one.ident}) {one.zone}".strip() if one.standing == "known" else one.why
        table.add_row(
            Text(one.who),
            Text(one.system),
            Text(one.standing, style=style),
            str(count or ""),
            ago(one.checked_at).partition(" (")[0],
            Text(what),
        )
    print_table(console(), table)


def _print_json(known: "Sequence[Acquaintance]", waiting: dict[tuple[str, str], int]) -> None:
    import orjson

    shown = [dataclasses.asdict(one) | {"waiting": waiting.get((one.system, one.who), 0)} for one in known]
    print(orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode())
