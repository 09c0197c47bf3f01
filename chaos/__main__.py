"""`python -m chaos`: seeds, crash points and kills; each failure is printed with the command that replays it."""

import logging
import os
import sys
import time
from collections import Counter
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.progress import Progress

from chaos.databases import databases
from chaos.kills import kill
from chaos.outcome import Outcome
from chaos.points import all_points, died, kinds
from chaos.rulebook import rulebook
from chaos.simulate import Run
from chaos.stopping import Stopping

app = typer.Typer(
    add_completion=False, help="Break loopbot in every way there is, and judge it by the servers' ledgers."
)
console = Console(highlight=False)
Store = Annotated[Literal["sqlite", "postgres"], typer.Option(help="Which store.")]


@app.callback(invoke_without_command=True)
def seeds(
    context: typer.Context,
    seeds: Annotated[int, typer.Option(help="How many runs.")] = 100,
    start: Annotated[int, typer.Option(help="The first seed.")] = 1,
    store: Store = "sqlite",
    seconds: Annotated[float, typer.Option(help="Begin no run after so many seconds; 0: all of them.")] = 0,
    story: Annotated[bool, typer.Option(help="Tell each run's story, as it happened.")] = False,
) -> None:
    """Run seeded simulations."""
    logging.disable(logging.CRITICAL)  # what the connectors say of each failure; the story tells it
    if context.invoked_subcommand:
        return
    rules, totals, began, failed = rulebook(), Counter[str](), time.monotonic(), 0
    with (
        Stopping(seconds) as stopping,
        databases(store) as place,
        Progress(console=console, transient=True, disable=not console.is_terminal) as progress,
    ):
        task = progress.add_task("seeds", total=seeds)
        for seed in range(start, start + seeds):
            if stopping.over:
                break
            totals["runs"] += 1
            outcome = Run(seed, place, rules).run()
            totals.update(calls=outcome.calls, writes=outcome.writes, deaths=outcome.deaths)
            totals.update(tells=outcome.tells, presses=outcome.presses)
            totals.update({f"effects {state}": number for state, number in outcome.effects.items()})
            totals.update({f"flaw {flaw.kind}" for flaw in outcome.flaws})
            failed += bool(outcome.flaws)
            if story:
                console.print("\n".join(outcome.story), markup=False)
            if outcome.flaws:
                _told(outcome, store)
            progress.advance(task)
    took = time.monotonic() - began
    effects = ", ".join(
        f"{number} {name.removeprefix('effects ')}"
        for name, number in sorted(totals.items())
        if name.startswith("effects")
    )
    console.print(f"{totals['calls']} calls, {totals['writes']} writes, {totals['deaths']} deaths; effects: {effects}")
    console.print(f"{totals['tells']} messages to people, {totals['presses']} presses of buttons")
    flaws = ", ".join(
        f"{totals[f'flaw {kind}']} {kind}"
        for kind in ("lost", "doubled", "echo", "stuck", "mirror", "secret", "calls", "error")
    )
    console.print(f"{totals['runs']} seeds on {store}, {flaws}; {failed} failed; {totals['runs'] / took:.1f} seeds/s")
    raise typer.Exit(bool(failed))


@app.command()
def points(
    store: Store = "sqlite",
    every: Annotated[int, typer.Option(help="Only each n-th point.")] = 1,
    second: Annotated[str, typer.Option(help="Die again so many points into the recovery: 3,20,45.")] = "",
) -> None:
    """Die at each commit and call of a fixed scenario, take over, and judge."""
    rules, began, failed, runs = rulebook(), time.monotonic(), 0, 0
    again = [int(one) for one in second.split(",") if one]
    with databases(store) as place:
        passed = all_points(place, rules)
        console.print(", ".join(f"{number} {name}" for name, number in kinds(passed).items()))
        for deaths, outcome in died(place, rules, every=every, second=again):
            runs += 1
            failed += bool(outcome.flaws)
            for flaw in list(dict.fromkeys(outcome.flaws))[:3]:
                console.print(f"death at {deaths} ({passed[deaths[0] - 1]}): {flaw.kind}: {flaw.what}", markup=False)
    seconds = time.monotonic() - began
    console.print(f"{runs} deaths on {store}, {failed} failed; {runs / seconds:.1f} a second")
    raise typer.Exit(bool(failed))


@app.command()
def kills(
    count: Annotated[int, typer.Option(help="How many daemons are killed.")] = 20,
    store: Store = "sqlite",
    seed: Annotated[int, typer.Option(help="What people do, and when the kills come.")] = 1,
    seconds: Annotated[float, typer.Option(help="Start no daemon after so many seconds; 0: all of them.")] = 0,
) -> None:
    """Kill -9 real daemons at work, against real HTTP."""
    with (
        Stopping(seconds) as stopping,
        Progress(console=console, transient=True, disable=not console.is_terminal) as progress,
    ):
        task = progress.add_task("kills", total=count)
        done = kill(
            count, store, seed, lambda number: progress.update(task, completed=number), enough=lambda: stopping.over
        )
    found = Counter(flaw.kind for flaw in done.flaws)
    for flaw in done.flaws[:10]:
        console.print(f"  {flaw.kind}: {flaw.what}", markup=False)
    told = ", ".join(f"{found[kind]} {kind}" for kind in ("lost", "doubled", "stuck", "mirror", "secret"))
    console.print(
        f"{done.kills} kills on {store} ({done.idle} before the first call), {done.calls} calls, {done.writes} writes, "
        f"{told}; {done.seconds / max(done.kills, 1):.2f} s a kill"
    )
    raise typer.Exit(bool(done.flaws))


def _told(outcome: Outcome, store: str) -> None:
    console.print(f"seed {outcome.seed} failed:", style="red")
    for flaw in list(dict.fromkeys(outcome.flaws))[:5]:
        console.print(f"  {flaw.kind}: {flaw.what}", markup=False)
    console.print(f"  replay: python -m chaos --seeds 1 --start {outcome.seed} --store {store} --story", markup=False)


def main() -> None:
    """Run with a fixed hash seed: the order of sets is part of what a seed decides."""
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "chaos", *sys.argv[1:]])  # noqa: S606 - this very program
    app()


if __name__ == "__main__":
    main()
