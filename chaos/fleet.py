"""`python -m chaos.fleet`: real daemons on Postgres, killed and paused at seeded moments, joined by others; judged by the ledger."""

import random
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from chaos.databases import POSTGRES
from loopbot.sandbox.faults import Fault
from tests.support.fleet import Fleet, Node, fleet_on, until, wanted

WAITS = "claim = 4\nlook = 1\nlease = 3\nbackoff = 0.5"
SCHEMA = "loopbot_chaos_fleet"


def main(
    rounds: Annotated[int, typer.Option(help="How many rounds, each with a fresh fleet.")] = 5,
    start: Annotated[int, typer.Option(help="The seed of the first.")] = 1,
    nodes: Annotated[int, typer.Option(help="How many nodes at once.")] = 3,
) -> None:
    """Kill and pause nodes of a fleet while tickets come in; every effect has to be there once, in order."""
    console, kills, pauses, failed = Console(highlight=False), 0, 0, 0
    for seed in range(start, start + rounds):
        began = time.monotonic()
        try:
            killed, paused, tickets = one_round(seed, nodes)
        except AssertionError as error:
            failed += 1
            console.print(f"seed {seed} failed; again: python -m chaos.fleet --rounds 1 --start {seed}\n{error}")
            continue
        kills, pauses = kills + killed, pauses + paused
        console.print(
            f"seed {seed}: {tickets} tickets, {killed} kills, {paused} pauses, {time.monotonic() - began:.0f} s"
        )
    console.print(f"{rounds} rounds, {kills} kills, {pauses} pauses, {failed} failed")
    raise typer.Exit(bool(failed))


def one_round(seed: int, nodes: int) -> tuple[int, int, int]:
    """One fleet's life; raises AssertionError where the ledger is not as it should be."""
    dice = random.Random(seed)
    engine = create_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection, tempfile.TemporaryDirectory() as folder:
        connection.execute(text(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"))
        connection.execute(text(f"CREATE SCHEMA {SCHEMA}"))
        options = f"-csearch_path={SCHEMA} -cidle_in_transaction_session_timeout=2s"
        url = make_url(POSTGRES).update_query_dict({"options": options}).render_as_string(hide_password=False)
        try:
            with fleet_on(url, Path(folder), WAITS) as fleet:
                return _lived(fleet, dice, nodes)
        finally:
            connection.execute(text(f"DROP SCHEMA {SCHEMA} CASCADE"))
            engine.dispose()


def _lived(fleet: Fleet, dice: random.Random, nodes: int) -> tuple[int, int, int]:
    for _ in range(nodes):
        fleet.start()
    fleet.ready()
    if dice.random() < 0.5:
        fleet.estate.servicenow.faults.add(Fault("status", "/batch", times=100_000, status=404))
    fleet.estate.servicenow.faults.add(Fault("slow", "(PATCH|PUT|POST) ", times=20, seconds=0.4))
    keys: list[str] = []
    asleep: list[Node] = []
    kills = pauses = 0
    for _ in range(6):
        keys += fleet.report(dice.randint(1, 12))
        time.sleep(dice.uniform(0.1, 2.5))
        awake = [node for node in fleet.nodes if node.process.poll() is None and node not in asleep]
        victim = dice.choice(awake)
        if dice.random() < 0.5:
            victim.kill()
            kills += 1
            fleet.start()
        elif len(awake) > 1:
            victim.pause()
            asleep.append(victim)
            pauses += 1
        if asleep and dice.random() < 0.4:
            asleep.pop(0).resume()
    fleet.estate.servicenow.faults.clear()
    # Most wake up when all they had claimed is done by others.
    until(lambda: fleet.done(keys), why=fleet.story, moves=fleet.progress)
    for node in asleep:
        node.resume()
    time.sleep(3)
    assert not fleet.ended(), f"a node ended by itself: {fleet.story()}"  # noqa: S101 - a judge
    effects = fleet.effects()
    assert effects == wanted(keys), f"{effects - wanted(keys)} too often, {wanted(keys) - effects} missing"  # noqa: S101
    assert not fleet.out_of_order(keys), fleet.out_of_order(keys)  # noqa: S101
    return kills, pauses, len(keys)


if __name__ == "__main__":
    typer.run(main)
