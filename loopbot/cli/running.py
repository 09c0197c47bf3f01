"""`loopbot run`, `once` and `alive`: the daemon, one round of it, and whether it is there."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from loopbot.cli.failures import DONE, TROUBLE
from loopbot.cli.opening import console, opened
from loopbot.cli.wording import counted

if TYPE_CHECKING:
    from loopbot.config import Config
    from loopbot.engine.embedded import Bells
    from loopbot.usecases.deliver import Delivered
    from loopbot.usecases.ingest import Ingested
    from loopbot.wiring import Installation

HEARTBEAT, HEARTBEAT_SECONDS = "daemon", 60.0


def run_daemon(config_path: Path, *, verbose: bool) -> None:
    """Run until SIGTERM, SIGINT; then let what is under way finish."""
    from loopbot.config import load_config
    from loopbot.engine.embedded import Embedded
    from loopbot.logs import LogWitness, set_up
    from loopbot.usecases.listen import Conversation
    from loopbot.wiring import Outfit, installed

    config = load_config(config_path)
    outfit = Outfit(witness=LogWitness())
    set_up("debug" if verbose else config.loopbot.log_level, config.loopbot.log_format, outfit.secrets.redacted)
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    with alone_on(config), installed(config, outfit) as here:
        engine = Embedded(here.loop, here.sources, bells(here))
        for chat in here.chats:
            chat.listen(Conversation(here.loop))
        outfit.witness.noted("loopbot is at work", systems=", ".join(here.connectors), rules=len(here.loop.rules.rules))
        beating = threading.Thread(target=_beat, args=(here, stop), daemon=True)
        beating.start()
        engine.run(stop)
        outfit.witness.noted("loopbot stopped")


def run_once(config_path: Path, *, as_json: bool, verbose: bool) -> int:
    """One round: read every stream, wake, deliver, look for what is uncertain; print what was done."""
    from loopbot.config import load_config
    from loopbot.logs import LogWitness, set_up
    from loopbot.usecases.loop import SilentWitness
    from loopbot.wiring import Outfit, installed

    config = load_config(config_path)
    outfit = Outfit(witness=LogWitness() if verbose else SilentWitness())
    set_up("debug" if verbose else "warning", config.loopbot.log_format, outfit.secrets.redacted)
    with alone_on(config), installed(config, outfit) as here:
        read, sent = one_round(here, quiet=as_json)
    if as_json:
        _print_round_json(read, sent)
    else:
        _print_round(read, sent)
    return TROUBLE if any(one.trouble for one in read) else DONE


def one_round(here: "Installation", *, quiet: bool) -> "tuple[list[Ingested], dict[str, Delivered]]":
    """Every stream read once, every timer heard, everything due delivered until nothing new follows."""
    from loopbot.usecases.deliver import deliver
    from loopbot.usecases.ingest import ingest
    from loopbot.usecases.reconcile import reconcile
    from loopbot.usecases.wake import wake

    loop = here.loop
    read = []
    with progress(len(here.sources), "Reading", quiet=quiet) as step:
        for source in here.sources:
            step(source.stream)
            done = ingest(loop, source)
            if done is not None:
                read.append(done)
    wake(loop)
    sent: dict[str, Delivered] = {}
    waiting = set(loop.sinks)
    while waiting:
        system = waiting.pop()
        reconcile(loop, system)
        done_there = deliver(loop, system)
        waiting |= (done_there.systems & set(loop.sinks)) - {system}
        before = sent.get(system)
        if before is not None:
            done_there.settled += before.settled
            done_there.parked += before.parked
        sent[system] = done_there
    return read, sent


def say_alive(config_path: Path) -> int:
    """Whether a daemon has given a sign of life within the last minute."""
    with opened(config_path, remote=False) as here, here.store.read() as tx:
        lease = tx.leases.holder(HEARTBEAT)
        now = tx.now()
    if lease is None or lease.until <= now:
        console().print("No daemon is at work on this store.")
        return TROUBLE
    console().print(f"A daemon is at work: {lease.holder}.")
    return DONE


@contextlib.contextmanager
def alone_on(config: "Config") -> Iterator[None]:
    """Alone on a SQLite store; on Postgres a second daemon joins."""
    from loopbot.engine.alone import Alone

    prefix = "sqlite:///"
    if config.store_url.startswith(prefix):
        with Alone(Path(config.store_url.removeprefix(prefix))):
            yield
    else:
        yield


def bells(here: "Installation") -> "Bells":
    """How often each stream is read, by the configuration."""
    from loopbot.engine.embedded import Bells

    hour, minute = here.config.loopbot.sweep_at.split(":")
    polls = {source.stream: here.config.poll_seconds(source.stream.partition(":")[0]) for source in here.sources}
    return Bells(polls, sweep_at=(int(hour), int(minute)))


@contextlib.contextmanager
def progress(total: int, what: str, *, quiet: bool) -> Iterator[Callable[..., None]]:
    """A progress bar on a terminal, on anything that may take longer than two seconds."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console(), transient=True, disable=quiet) as bar:
        task = bar.add_task(what, total=total)

        def step(name: str, by: int = 1) -> None:
            bar.update(task, description=f"{what} {name}", advance=by)

        yield step


def _beat(here: "Installation", stop: threading.Event) -> None:
    """A sign of life, for `loopbot alive`."""
    while not stop.is_set():
        with here.store.write() as tx:
            tx.leases.take(HEARTBEAT, here.loop.holder, HEARTBEAT_SECONDS)
        stop.wait(HEARTBEAT_SECONDS / 4)


def _print_round(read: "list[Ingested]", sent: "dict[str, Delivered]") -> None:
    from rich.table import Table
    from rich.text import Text

    out = console()
    if not read:
        out.print("No stream is configured: add [systems.NAME] to the configuration.")
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("stream")
    for name in ("seen", "new", "changed", "set aside", "planned"):
        table.add_column(name, justify="right")
    table.add_column("", overflow="fold")
    for one in read:
        cycle = one.cycle
        numbers = (cycle.rows, cycle.new, cycle.changed, cycle.unmapped, one.planned)
        table.add_row(cycle.stream, *(f"{number:,}" for number in numbers), Text(cycle.trouble, style="red"))
    out.print(table)
    for system, done in sorted(sent.items()):
        if done.settled or done.parked or done.uncertain or done.failed:
            parts = [counted(done.settled, "effect") + " delivered"]
            parts += [f"{done.parked} refused"] * bool(done.parked) + [f"{done.uncertain} uncertain"] * bool(
                done.uncertain
            )
            parts += [f"{done.failed} to be tried again"] * bool(done.failed)
            out.print(f"{system}: {', '.join(parts)}", markup=False)
    if any(done.parked or done.uncertain for done in sent.values()):
        out.print("See them with: loopbot outbox list")


def _print_round_json(read: "list[Ingested]", sent: "dict[str, Delivered]") -> None:
    import dataclasses

    import orjson

    value = {
        "streams": [{**dataclasses.asdict(one.cycle), "planned": one.planned} for one in read],
        "systems": {
            system: {"settled": one.settled, "parked": one.parked, "uncertain": one.uncertain, "failed": one.failed}
            for system, one in sent.items()
        },
    }
    print(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())
