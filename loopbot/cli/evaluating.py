"""`loopbot evaluate`: how good the judgements are, on files with known answers or on one's own history."""

import resource
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from loopbot.cli.failures import DONE, TROUBLE
from loopbot.cli.opening import console, opened, print_table
from loopbot.domain.errors import UserError

if TYPE_CHECKING:
    from rich.console import Console

    from loopbot.judgement.evaluation.figures import Figure, Measured, Progress


def show_evaluation(data: Path, history: Path | None, only: str, *, as_json: bool) -> int:
    """Measure on the files of a folder and print every figure."""
    from loopbot.judgement.evaluation import measure
    from loopbot.wiring import installed_encoder

    for folder in (data, history) if history else (data,):
        if not folder.is_dir():
            raise UserError(str(folder), "is not a folder", "name the folder that holds the files with known answers")
    encoder = installed_encoder()
    if encoder is None and not as_json:
        console(errors=True).print("Without the sentence model, which is not installed: make meaning", markup=False)
    measured = list(measure(_names(only), data, history, _progress(quiet=as_json), encoder))
    return _print(measured, as_json=as_json)


def show_own_evaluation(config: Path, only: str, *, as_json: bool) -> int:
    """Measure on what is mirrored, with the links people made as the known answers, and say which bars to choose."""
    from loopbot.judgement.evaluation import measure_mirror

    with opened(config, remote=False) as here, here.store.read() as tx:
        encoder = here.loop.shelf.encoder if here.loop.shelf else None
        measured = list(measure_mirror(_names(only), tx, _progress(quiet=as_json), encoder))
    return _print(measured, as_json=as_json)


def _names(only: str) -> list[str]:
    from loopbot.judgement.evaluation import JUDGEMENTS

    asked = [name.strip() for name in only.split(",") if name.strip()]
    for name in asked:
        if name not in JUDGEMENTS:
            raise UserError(name, "is not a judgement", "known: " + ", ".join(JUDGEMENTS))
    return asked or list(JUDGEMENTS)


def _progress(*, quiet: bool) -> "Progress":
    def told(what: str) -> None:
        if not quiet and sys.stderr.isatty():
            console(errors=True).print(f"  {what}", markup=False, style="dim")

    return told


def _print(measured: "Sequence[Measured]", *, as_json: bool) -> int:
    from loopbot.judgement.evaluation import in_all

    together = in_all(measured)
    # The peak is in kilobytes, but in bytes on macOS.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024.0 if sys.platform != "darwin" else 1024.0**2)
    if as_json:
        _print_json(measured, together, peak)
    else:
        _print_figures(console(), measured, together, peak)
    return DONE if any(one.figures for one in measured) else TROUBLE


def _print_figures(out: "Console", measured: "Sequence[Measured]", together: "Sequence[Figure]", peak: float) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("judgement")
    for name in ("reached", "simple", "goal", "aim"):
        table.add_column(name, justify="right")
    table.add_column("")
    figures = [*(figure for one in measured for figure in one.figures), *together]
    values = {figure.name: figure.value for figure in figures}
    for figure in figures:
        plain = figure.name.removesuffix("_with_extra").removesuffix("_shipped")
        if plain != figure.name and values.get(plain) == figure.value:
            continue  # it stands under its plain name already
        mark = {True: "✓", False: "below" if figure.better == "more" else "above", None: ""}[figure.good]
        cells = (figure.baseline, figure.goal, figure.aim)
        label = f"{figure.name.partition('.')[0]}: {figure.what}" if "." in figure.name else figure.what
        table.add_row(
            Text(label),
            Text(_shown(figure.value, figure.unit), style="bold"),
            *(Text(_shown(cell, "") if cell is not None else "-") for cell in cells),
            Text(" ".join(part for part in (mark, figure.note) if part)),
        )
    print_table(out, table)
    for one in measured:
        if one.why_not:
            out.print(f"{one.judgement}: not measured: {one.why_not}", markup=False, style="yellow")
        for advice in one.advice:
            out.print(f"{one.judgement}: {advice.setting}   {advice.why}", markup=False)
    out.print(f"Measuring took {peak:,.0f} MB at its peak.")


def _shown(value: float, unit: str) -> str:
    if unit:
        return f"{value:,.1f} {unit}"
    return f"{value:.3f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:,.3f}".rstrip("0").rstrip(".")


def _print_json(measured: "Sequence[Measured]", together: "Sequence[Figure]", peak: float) -> None:
    import orjson

    every = [*(figure for one in measured for figure in one.figures), *together]
    value: dict[str, object] = {figure.name: figure.value for figure in every}
    value["megabytes_at_peak"] = round(peak)
    value["not_measured"] = {one.judgement: one.why_not for one in measured if one.why_not}
    advice = [f"{one.judgement}: {each.setting}: {each.why}" for one in measured for each in one.advice]
    if advice:
        value["advice"] = advice
    print(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
