"""`loopbot run`, `once` and `alive`: the daemon, one round of it, and whether it is there."""

import contextlib
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from loopbot.cli.failures import DONE, TROUBLE
from loopbot.cli.opening import console
from loopbot.domain.errors import ConfigError, SystemTrouble, UserError

if TYPE_CHECKING:
    from loopbot.engine.cluster import Cluster
    from loopbot.engine.embedded import Bells, Embedded
    from loopbot.ports import Chat
    from loopbot.wiring import Installation, Outfit

ROLES = ("all", "scheduler", "worker", "web")
HEARTBEAT, HEARTBEAT_SECONDS = "daemon", 60.0
_LEARNING = 1800.0
_GRACE = 2.0


def run_daemon(config_path: Path, *, role: str, verbose: bool) -> None:
    """Run until SIGTERM, SIGINT; then let what is under way finish."""
    from loopbot.thrift import give_back_memory, import_requests_without_guessing, tidy, without

    give_back_memory()
    import_requests_without_guessing()
    with without("rich"):  # a log needs none of its 8 MB
        from loopbot.logs import LogWitness, set_up
    from loopbot.cli.listening import listening
    from loopbot.config import load_config
    from loopbot.usecases.recover import take_over
    from loopbot.usecases.unread import let_go
    from loopbot.wiring import Outfit, installed, resolved_store_url

    config = load_config(config_path)
    outfit = Outfit(witness=LogWitness())
    set_up("debug" if verbose else config.loopbot.log_level, config.loopbot.log_format, outfit.secrets.redacted)
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    with alone_on(resolved_store_url(config, outfit)) as alone, installed(config, outfit) as here:
        if alone:
            check_file(here)
            take_over(here.loop)
        let_go(here.loop, [source.stream for source in here.sources])
        engine = engine_for(here, role, outfit)
        outfit.witness.noted("loopbot is at work", systems=", ".join(here.connectors), rules=len(here.loop.rules.rules))
        beside = [threading.Thread(target=_beat, args=(here, stop), daemon=True)]
        if role in {"all", "web"}:
            beside += [
                threading.Thread(target=_listen, args=(here, chat, stop, engine.ring), daemon=True)
                for chat in here.chats
            ]
        for one in beside:
            one.start()
        tidy()
        with listening(here, outfit, engine.ring) if role in {"all", "web"} else contextlib.nullcontext():
            drained = engine.run(stop)
        for one in beside:
            one.join(_GRACE)
        outfit.witness.noted("loopbot stopped")
        if not drained:
            # A call that does not end must not keep the process: what it was sending is looked for after the next start.
            outfit.witness.noted("left while work was under way", seconds=engine.bells.drain)
            logging.shutdown()
            os._exit(DONE)


def engine_for(here: "Installation", role: str, outfit: "Outfit") -> "Embedded | Cluster":
    """The embedded engine on SQLite, a node of the cluster on Postgres; raises ConfigError for a role that is none there."""
    from loopbot.wiring import resolved_store_url

    url = resolved_store_url(here.config, outfit)
    if role not in ROLES:
        raise ConfigError("--role", f"{role!r} is not a role of a node", f"write one of: {', '.join(ROLES)}")
    if url.startswith("sqlite:"):
        if role != "all":
            raise ConfigError("--role", "a SQLite store has one node, which does all", "leave it out, or use Postgres")
        from loopbot.engine.embedded import Embedded

        return Embedded(here.loop, here.sources, bells(here), lambda: learnt_beside(here))
    try:
        from loopbot.engine.cluster import Cluster
    except ModuleNotFoundError as error:
        hint = "install loopbot with its extra `cluster`: pip install 'loopbot[cluster]'"
        raise ConfigError("store", f"several nodes on Postgres need {error.name}, which is not there", hint) from None
    return Cluster(here.loop, here.sources, bells(here), url, role, lambda: learnt_beside(here))


def learnt_beside(here: "Installation") -> None:
    """Learn anew in a child process, where people answered something since the last time: the daemon stays as small as it is."""
    import subprocess
    import sys

    from loopbot.usecases.learning import something_new

    if not something_new(here.loop):
        return
    command = [sys.executable, "-m", "loopbot", "judgement", "learn", "--config", str(here.config.path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_LEARNING, check=False)  # noqa: S603 - ourselves
    except subprocess.TimeoutExpired:
        here.loop.witness.noted("learning took too long and was stopped", seconds=_LEARNING)
        return
    here.loop.witness.noted("learnt from what people answered", said=(done.stdout or done.stderr).strip()[-500:])


def say_alive(config_path: Path) -> int:
    """Whether a daemon has given a sign of life within the last minute; looks at nothing but the store."""
    from loopbot.config import load_config
    from loopbot.wiring import Outfit, open_configured_store

    store = open_configured_store(load_config(config_path), Outfit())
    try:
        with store.read() as tx:
            lease = tx.leases.holder(HEARTBEAT)
    finally:
        store.close()
    if lease is None:
        console().print("No daemon is at work on this store.")
        return TROUBLE
    console().print(f"A daemon is at work: {lease.holder}.")
    return DONE


def check_file(here: "Installation") -> None:
    """Raise ConfigError, with the remedy, where the SQLite file is damaged: reads it once, about a second a gigabyte."""
    from loopbot.store import backups
    from loopbot.wiring import Outfit, resolved_store_url

    backups.check(Path(resolved_store_url(here.config, Outfit()).removeprefix("sqlite:///")))


@contextlib.contextmanager
def alone_on(url: str) -> Iterator[bool]:
    """Alone (True) on a SQLite store, or a UserError; on Postgres a second daemon joins (False)."""
    from loopbot.engine.alone import Alone

    prefix = "sqlite:///"
    if url.startswith(prefix):
        with Alone(Path(url.removeprefix(prefix))):
            yield True
    else:
        yield False


def bells(here: "Installation") -> "Bells":
    """How often each stream is read, by the configuration."""
    from loopbot.engine.embedded import Bells

    hour, minute = here.config.loopbot.sweep_at.split(":")
    polls = {source.stream: here.config.poll_seconds(source.stream.partition(":")[0]) for source in here.sources}
    return Bells(polls, weigh=float(here.config.priority.look), sweep_at=(int(hour), int(minute)))


@contextlib.contextmanager
def progress(total: int, what: str, *, quiet: bool) -> Iterator[Callable[..., None]]:
    """A progress bar on a terminal, on anything that may take longer than two seconds."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    out = console(errors=True)
    with Progress(*columns, console=out, transient=True, disable=quiet or not out.is_terminal) as bar:
        task = bar.add_task(what, total=total)

        def step(name: str, by: int = 1) -> None:
            bar.update(task, description=f"{what} {name}", advance=by)

        yield step


def _beat(here: "Installation", stop: threading.Event) -> None:
    """A sign of life, for `loopbot alive`, taken back at the end; how calls stand, for `loopbot check`; what a dead node had heard; and memory given back."""
    from loopbot.thrift import trim
    from loopbot.usecases.budgets import note_budgets
    from loopbot.usecases.restored import settle_down

    lease = None
    while not stop.is_set():
        try:
            with here.store.write() as tx:
                lease = tx.leases.take(HEARTBEAT, here.loop.holder, HEARTBEAT_SECONDS)
            note_budgets(here.store, here.loop.holder, here.budgets)
            for chat in here.chats:
                chat.resume()
            settle_down(here.loop, [source.stream for source in here.sources])
        except Exception as error:  # noqa: BLE001 - a store that is busy now may not be in a quarter of a minute
            here.loop.witness.noted("no sign of life could be given", error=f"{type(error).__name__}: {error}")
        trim()
        stop.wait(HEARTBEAT_SECONDS / 4)
    if lease is not None:
        with here.store.write() as tx:
            tx.leases.release(lease)


def _listen(here: "Installation", chat: "Chat", stop: threading.Event, ring: Callable[[str], None]) -> None:
    """Listen to a chat as soon as it can be reached; while it can not, everything else goes on."""
    attempt = 0
    while not stop.is_set():
        try:
            chat.listen(here.conversation(chat, ring))
        except UserError as error:
            here.loop.witness.noted("people are not heard", system=chat.system, why=str(error))
            return
        except SystemTrouble as trouble:
            attempt += 1
            wait = getattr(trouble, "after", None) or here.loop.waits.again(attempt)
            here.loop.witness.noted("people are not heard yet", system=chat.system, why=str(trouble), again_in=wait)
            stop.wait(wait)
        else:
            return
