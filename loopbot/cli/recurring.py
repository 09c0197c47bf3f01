"""`loopbot recurring`: what keeps coming back, and what people say about it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from loopbot.cli.opening import console, opened, print_table, the_record
from loopbot.cli.outboxing import whoever
from loopbot.domain.phrasing import ago, counted
from loopbot.domain.records import Record
from loopbot.domain.texts import listed, shorten
from loopbot.usecases.recurring import Cluster, Member, cluster_of, clusters, merge, repeat_of, split


def list_clusters(config: Path, *, days: float | None, service: str, at_least: int | None, as_json: bool) -> None:
    """What came back, the biggest first."""
    with opened(config, remote=False) as here, here.store.read() as tx:
        repeat = repeat_of(here.loop)
        repeat = replace(
            repeat, within=timedelta(days=days) if days else repeat.within, at_least=at_least or repeat.at_least
        )
        found = clusters(tx, here.loop.judgement, repeat, service)
    if as_json:
        _print_json([as_fields(one) for one in found])
        return
    out = console()
    span = f"{repeat.within.total_seconds() / 86_400:g} days"
    if not found:
        out.print(f"Nothing came back {repeat.at_least} times within {span}.", markup=False)
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in ("tickets", "sure", "people", "since", "services", "problem", "latest", "centre", "what"):
        table.add_column(name, no_wrap=name != "what", overflow="fold")
    for one in found:
        table.add_row(
            str(len(one.members)),
            f"{one.sure:.0%}",
            str(one.people or "?"),
            ago(one.members[0].record.occurred_at),
            shorten(listed(sorted(one.services)), 30),
            one.problem.key if one.problem else "-",
            one.members[-1].record.key,
            one.centre.key,
            shorten(one.name, 100),
        )
    print_table(out, table)
    out.print("\nOne of them: loopbot recurring show <its latest ticket>", markup=False)


def show_cluster(config: Path, reference: str, *, days: float | None, as_json: bool) -> None:
    """A ticket with the earlier ones that tell of the same pain, each with how sure and why."""
    with opened(config, remote=False) as here:
        it = the_record(here.loop, reference)
        repeat = repeat_of(here.loop)
        if days:
            repeat = replace(repeat, within=timedelta(days=days))
        with here.store.read() as tx:
            found = cluster_of(tx, here.loop.judgement, it, repeat)
    if as_json:
        _print_json(as_fields(found))
        return
    out = console()
    others = len(found.members) - 1
    if not others:
        out.print(f"Nothing earlier is known that tells of the same as {it.key}.", markup=False)
        return
    problem = f", explained by {found.problem.key}" if found.problem else ""
    out.print(f"{it.key} “{shorten(it.title, 90)}” and {counted(others, 'earlier one')}{problem}:", markup=False)
    for one in found.members:
        out.print(f"  {_line(one, it)}", markup=False)
    out.print(f"\nNot the same: loopbot recurring split <key> --from {it.key}", markup=False)


def merge_tickets(config: Path, references: Sequence[str]) -> None:
    """Say that these are the same."""
    with opened(config, remote=False) as here:
        tickets = [the_record(here.loop, each) for each in references]
        with here.store.write() as tx:
            merge(here.loop, tx, tickets, _me())
    keys = listed(one.key for one in tickets)
    console().print(f"{keys} are the same; it stays said. Take it back: loopbot recurring split", markup=False)


def split_tickets(config: Path, references: Sequence[str], source: Sequence[str]) -> None:
    """Say that these are another pain than those."""
    with opened(config, remote=False) as here:
        out = [the_record(here.loop, each) for each in references]
        rest = [the_record(here.loop, each) for each in source]
        with here.store.write() as tx:
            split(here.loop, tx, out, rest, _me())
    told = (
        f"{listed(one.key for one in out)} is no longer counted with {listed(one.key for one in rest)}; it stays said."
    )
    console().print(f"{told} Take it back: loopbot recurring merge", markup=False)


def as_fields(cluster: Cluster) -> dict[str, Any]:
    """A cluster for machines."""
    return {
        "name": cluster.name,
        "centre": str(cluster.centre.ref),
        "confidence": round(cluster.sure, 4),
        "services": sorted(cluster.services),
        "people": cluster.people,
        "problem": str(cluster.problem) if cluster.problem else None,
        "members": [_member(one) for one in cluster.members],
    }


def _member(one: Member) -> dict[str, Any]:
    record = one.record
    return {
        "ref": str(record.ref),
        "title": record.title,
        "occurred_at": record.occurred_at.isoformat(),
        "reporter": record.reporter,
        "score": round(one.score, 4),
        "because": list(one.because),
    }


def _line(one: Member, it: Record) -> str:
    record = one.record
    said = f"{record.key} “{shorten(record.title, 90)}”, {ago(record.occurred_at)}"
    return said if record.ref == it.ref else f"{said}: {one.score:.0%} ({', '.join(one.because)})"


def _me() -> str:
    return f"person:{whoever()}"


def _print_json(value: object) -> None:
    import orjson

    print(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
