"""`loopbot once`: one round of what the daemon does, and what it came to."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from loopbot.cli.failures import DONE, TROUBLE
from loopbot.cli.opening import console, print_table
from loopbot.domain.phrasing import counted

if TYPE_CHECKING:
    from rich.console import Console

    from loopbot.usecases.deliver import Delivered
    from loopbot.usecases.ingest import Ingested
    from loopbot.usecases.loop import Loop
    from loopbot.wiring import Installation
from loopbot.cli.running import alone_on, progress


def run_once(config_path: Path, *, as_json: bool, verbose: bool) -> int:
    """One round: read every stream, wake, deliver, look for what is uncertain; print what was done."""
    from loopbot.config import load_config
    from loopbot.logs import LogWitness, set_up
    from loopbot.usecases.loop import SilentWitness
    from loopbot.usecases.recover import take_over
    from loopbot.usecases.unread import let_go
    from loopbot.wiring import Outfit, installed, resolved_store_url

    config = load_config(config_path)
    outfit = Outfit(witness=LogWitness() if verbose else SilentWitness())
    set_up("debug" if verbose else "warning", config.loopbot.log_format, outfit.secrets.redacted)
    with alone_on(resolved_store_url(config, outfit)) as alone, installed(config, outfit) as here:
        if alone:
            take_over(here.loop)
        let_go(here.loop, [source.stream for source in here.sources])
        done = one_round(here, quiet=as_json)
    if as_json:
        _print_round_json(done)
    else:
        _print_round(done)
    stuck = any(one.parked or one.uncertain or one.failed for one in done.sent.values())
    return TROUBLE if stuck or any(one.trouble for one in done.read) else DONE


@dataclass(slots=True)
class Round:
    """What one round came to: streams read, streams that someone else was reading, what was sent to each system."""

    read: "list[Ingested]" = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    sent: "dict[str, Delivered]" = field(default_factory=dict)


def one_round(here: "Installation", *, quiet: bool) -> Round:
    """Every stream read once, every timer heard, everything due delivered until nothing new follows."""
    from loopbot.usecases.ingest import ingest
    from loopbot.usecases.questions.asking import ask
    from loopbot.usecases.reconcile import reconcile
    from loopbot.usecases.wake import wake
    from loopbot.usecases.weights import look_at_weights

    loop, done = here.loop, Round()
    with progress(len(here.sources), "Reading", quiet=quiet) as step:
        for source in here.sources:
            step(source.stream)
            ingested = ingest(loop, source)
            if ingested is None:
                done.skipped.append(source.stream)
            else:
                done.read.append(ingested)
    wake(loop)
    look_at_weights(loop)
    for system in loop.sinks:
        reconcile(loop, system)
    ask(loop, gather=False)
    # What is done in one system may be what an effect in another one waits for, or wake a rule that writes there.
    while any(_sent(loop, system, done.sent) for system in loop.sinks):
        pass
    return done


def _sent(loop: "Loop", system: str, sent: "dict[str, Delivered]") -> bool:
    """Deliver what is due in a system; whether anything was done there."""
    from loopbot.usecases.deliver import Delivered, deliver

    now, total = deliver(loop, system), sent.setdefault(system, Delivered())
    for name in ("settled", "failed", "uncertain", "parked"):
        setattr(total, name, getattr(total, name) + getattr(now, name))
    return now.settled > 0


def _print_round(done: Round) -> None:
    out = console()
    if not done.read and not done.skipped:
        out.print("No stream is configured: add [systems.NAME] to the configuration.")
    if done.read:
        _print_streams(out, done)
    for stream in done.skipped:
        out.print(f"{stream} is being read by another loopbot.", markup=False)
    for system, sent in sorted(done.sent.items()):
        parts = [counted(sent.settled, "effect") + " delivered"] * bool(sent.settled)
        parts += [f"{sent.parked} refused"] * bool(sent.parked) + [f"{sent.uncertain} uncertain"] * bool(sent.uncertain)
        parts += [f"{sent.failed} to be tried again"] * bool(sent.failed)
        if parts:
            out.print(f"{system}: {', '.join(parts)}", markup=False)
    if any(sent.parked or sent.uncertain or sent.failed for sent in done.sent.values()):
        out.print("See them with: loopbot outbox list")


def _print_streams(out: "Console", done: Round) -> None:
    from rich.table import Table
    from rich.text import Text

    from loopbot.usecases.statements import statement

    table = Table(box=None, pad_edge=False)
    table.add_column("stream", no_wrap=True)
    for name in ("there", "seen", "new", "changed", "set aside", "planned"):
        table.add_column(name, justify="right")
    for one in done.read:
        cycle = one.cycle
        numbers = (cycle.matched, cycle.rows, cycle.new, cycle.changed, cycle.unmapped, one.planned)
        # What a system does not count is not nought.
        table.add_row(Text(cycle.stream), *("?" if number is None else f"{number:,}" for number in numbers))
    print_table(out, table)
    for one in done.read:
        if one.cycle.unseen or one.cycle.outside or one.cycle.history:
            out.print(f"{one.cycle.stream}: {statement(one.cycle)}", markup=False, soft_wrap=True)
        if one.trouble:
            out.print(f"{one.cycle.stream} was not read to its end: {one.cycle.trouble}", markup=False, style="red")


def _print_round_json(done: Round) -> None:
    import dataclasses

    import orjson

    from loopbot.usecases.statements import statement

    value = {
        "streams": [
            {**dataclasses.asdict(one.cycle), "statement": statement(one.cycle), "planned": one.planned}
            for one in done.read
        ],
        "read_by_others": done.skipped,
        "systems": {
            system: {"settled": one.settled, "parked": one.parked, "uncertain": one.uncertain, "failed": one.failed}
            for system, one in done.sent.items()
        },
    }
    print(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
