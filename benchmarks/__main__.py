"""`python -m benchmarks`: measure, print the table, and fail where a goal is missed."""

import argparse
import importlib
import json
import os
import platform
import sys
import time

from benchmarks.figures import Figure

PARTS = (
    "starting",
    "judging",
    "ingesting",
    "alike",
    "mapping",
    "idle",
    "daemon",
    "telling",
    "replaying",
    "commands",
    "tickets",
)


def main() -> int:
    """Measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON, for machines")
    parser.add_argument("parts", nargs="*", choices=[[], *PARTS], help="only these: " + ", ".join(PARTS))
    asked = parser.parse_args()
    started, figures = time.monotonic(), list[Figure]()
    for part in asked.parts or PARTS:
        print(f"measuring {part} ...", file=sys.stderr, flush=True)
        figures += importlib.import_module(f"benchmarks.{part}").measure()
    load = os.getloadavg()[0]
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, load {load:.1f}"
    if load > (os.cpu_count() or 1) + 1:
        machine += " (others are at work on this machine: times are longer than they would be)"
    missed = [one for one in figures if one.good is False]
    if asked.json:
        rows = [
            {
                "what": one.what,
                "measured": round(one.measured, 4),
                "unit": one.unit,
                "goal": one.goal,
                "ok": one.good,
                "note": one.note,
            }
            for one in figures
        ]
        print(json.dumps({"machine": machine, "figures": rows}, indent=2, ensure_ascii=False))
    else:
        _show(figures, f"{machine}; took {time.monotonic() - started:.0f} s")
    return 1 if missed else 0


def _show(figures: list[Figure], caption: str) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, caption=caption, caption_justify="left")
    table.add_column("what", overflow="fold")
    table.add_column("measured", justify="right", no_wrap=True)
    table.add_column("goal", no_wrap=True)
    table.add_column("ok")
    table.add_column("note", overflow="fold", style="dim")
    for one in figures:
        verdict = {True: "yes", False: "NO", None: ""}[one.good]
        table.add_row(one.what, one.value, one.goal, verdict, one.note, style="red" if one.good is False else None)
    Console(highlight=False).print(table)


if __name__ == "__main__":
    sys.exit(main())
