"""`loopbot outbox`: what is to be written, was written or is stuck."""

from pathlib import Path
from typing import TYPE_CHECKING, get_args

from loopbot.cli.opening import console, opened, print_table
from loopbot.domain.errors import UserError
from loopbot.domain.phrasing import ago, counted, said, what_it_does
from loopbot.ports import EffectState, OutboxRow, Quarantined

if TYPE_CHECKING:
    from rich.console import Console

URGENT: tuple[EffectState, ...] = ("uncertain", "parked", "held")
_STATES: tuple[EffectState, ...] = get_args(EffectState)
_SELF_EVIDENT = frozenset({"settled", "shadow"})
_COLOURS = {"uncertain": "yellow", "parked": "red", "held": "yellow", "settled": "green", "sending": "cyan"}
_CHOICES = {
    "uncertain": ("the answer was lost: it may be there or not", "confirm: it is there · retry: send it again"),
    "parked": ("the system refused it", "mend the reason, then retry · drop: never send it"),
    "held": ("its rule is over its limit", "retry: send it · drop: never send it"),
    "shadow": ("its rule is in shadow mode", "retry: send it all the same"),
}


def list_effects(config: Path, states: list[str], system: str | None, *, limit: int, as_json: bool) -> None:
    """The latest effects, those that need a person first."""
    for state in states:
        if state not in _STATES:
            raise UserError(f"--state {state}", "is not a state of an effect", "one of: " + ", ".join(_STATES))
    wanted = tuple(state for state in _STATES if state in states)
    with opened(config, remote=False) as here, here.store.read() as tx:
        rows = tx.outbox.rows(wanted, system, limit)
        aside = tx.quarantined(limit) if not wanted else []
    rows.sort(key=lambda row: (row.state not in URGENT, -row.number))
    if as_json:
        _print_json({"effects": [as_fields(row) for row in rows], "quarantined": [_aside_fields(one) for one in aside]})
        return
    out = console()
    if rows:
        _print_rows(out, rows)
    elif not aside:
        out.print("Nothing is in the outbox." if not (wanted or system) else "Nothing in the outbox is like that.")
    if aside:
        out.print(f"\nSet aside, because they could not be processed ({counted(len(aside), 'record')}):", markup=False)
        for one in aside:
            out.print(f"  {one.where} {one.ident}: {one.why} (tried {counted(one.tries, 'time')})", markup=False)


def _print_rows(out: "Console", rows: list[OutboxRow]) -> None:
    """One line an effect where there is room. Keys are never cut: they are what the other commands are called with."""
    from rich.table import Table
    from rich.text import Text

    roomy = out.width >= 120
    table = Table(box=None, pad_edge=False)
    for name in ("key", "state", "system", "when"):
        table.add_column(name, no_wrap=True, min_width=8 if name == "key" else None)
    if roomy:
        table.add_column("rule", no_wrap=True)
    table.add_column("what", overflow="fold")
    heads = {row.effect.lane: row.why for row in sorted(rows, key=lambda row: -row.number) if row.state == "planned"}
    for row in rows:
        at = row.settled_at or row.sent_at or row.planned_at
        # What stands behind another message of its lane waits for the same reason.
        reason = row.why or (heads.get(row.effect.lane, "") if row.state == "planned" else "")
        why = f" - {reason}" if reason and row.state not in _SELF_EVIDENT else ""
        table.add_row(
            row.effect.key[:8],
            Text(row.state, style=_COLOURS.get(row.state, "")),
            Text(row.effect.system),
            ago(at).partition(" (")[0],
            *([Text(row.effect.cause.rule)] if roomy else []),
            Text(what_it_does(row.effect, 60) + why),
        )
    print_table(out, table)


def show_effect(config: Path, key: str, *, as_json: bool) -> None:
    """One effect, whole."""
    with opened(config, remote=False) as here, here.store.read() as tx:
        row = tx.outbox.get(key)
    if row is None:
        raise UserError(key, "is not the key of one effect", "loopbot outbox list shows them")
    if as_json:
        _print_json(as_fields(row))
        return
    out = console()
    effect, cause = row.effect, row.effect.cause
    lines = [
        ("effect", effect.key),
        ("does", what_it_does(effect, 2000)),
        ("in", effect.system),
        ("because", cause.because or "its rule says so"),
        ("rule", f"{cause.rule}, about {cause.subject}"),
        ("state", row.state + (f": {row.why}" if row.why else "")),
        ("planned", ago(row.planned_at)),
    ]
    if row.sent_at:
        lines.append(("sent", f"{ago(row.sent_at)}, {counted(row.attempt, 'attempt')}"))
    if row.receipt:
        lines.append(("became", f"{row.receipt.ref} {row.receipt.url}".rstrip()))
        if row.receipt.note:
            lines.append(("note", row.receipt.note))
    if row.waits_for:
        lines.append(("waits for", ", ".join(row.waits_for)))
    if row.state in _CHOICES:
        what, choices = _CHOICES[row.state]
        lines.append(("so", f"{what}. {choices}"))
    for name, text in lines:
        out.print(f"{name:>10}  {text}", markup=False)


def decide_effect(config: Path, key: str, verdict: str, why: str) -> None:
    """A person decides what becomes of an effect."""
    by = f"{whoever()}: {why or verdict}"
    with opened(config, remote=False) as here, here.store.write() as tx:
        row = tx.outbox.get(key)
        if row is None:
            raise UserError(key, "is not the key of one effect", "loopbot outbox list shows them")
        act = {"retry": tx.outbox.retry, "confirm": tx.outbox.confirm, "drop": tx.outbox.drop}[verdict]
        if not act(row.effect.key, by):
            raise UserError(
                row.effect.key[:8],
                f"is {row.state}: there is nothing to {verdict}",
                f"loopbot outbox show {row.effect.key[:8]}",
            )
    done = {"retry": "will be sent", "confirm": "counts as done", "drop": "will never be sent"}[verdict]
    console().print(f"{row.effect.key[:8]} {done}: {what_it_does(row.effect)}", markup=False)


def whoever() -> str:
    """Who types; a container's user may have no name."""
    import getpass
    import os

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"


def as_fields(row: OutboxRow) -> dict[str, object]:
    """An effect for machines."""
    return {
        "key": row.effect.key,
        "state": row.state,
        "system": row.effect.system,
        "verb": row.effect.verb,
        "rule": row.effect.cause.rule,
        "subject": str(row.effect.cause.subject),
        "because": row.effect.cause.because,
        "does": what_it_does(row.effect, 2000),
        "attempt": row.attempt,
        "planned_at": row.planned_at.isoformat(),
        "sent_at": row.sent_at.isoformat() if row.sent_at else None,
        "settled_at": row.settled_at.isoformat() if row.settled_at else None,
        "receipt": str(row.receipt.ref) if row.receipt else None,
        "why": row.why,
        "waits_for": list(row.waits_for),
    }


def _aside_fields(one: Quarantined) -> dict[str, object]:
    return {
        "where": one.where,
        "ident": one.ident,
        "why": one.why,
        "tries": one.tries,
        "excerpt": said(one.excerpt, 200),
    }


def _print_json(value: object) -> None:
    import orjson

    print(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
