"""What a poll costs when nothing has changed: calls counted by the twins themselves."""

import tempfile
from pathlib import Path

from benchmarks.figures import Figure
from loopbot.config import load_config
from loopbot.ports import Source
from loopbot.sandbox.company import Company
from loopbot.sandbox.estate import Estate
from loopbot.usecases.ingest import ingest
from loopbot.wiring import Installation, installed, starter_rules


def measure() -> list[Figure]:
    """The figures."""
    with tempfile.TemporaryDirectory(prefix="loopbot-bench-") as folder, Estate() as estate:
        Company(estate).move_in()
        config = load_config(estate.write_config(Path(folder), rules=starter_rules()))
        with installed(config) as here:
            for _ in range(2):  # what is learnt once (fields, the account, entity tags) is not idle
                for source in here.sources:
                    _read(here, source)
            return [_idle(estate, here, source) for source in here.sources]


def _idle(estate: Estate, here: Installation, source: Source) -> Figure:
    system = source.stream.partition(":")[0]
    before = len(estate.ledger.requests(system))
    _read(here, source)
    calls = estate.ledger.requests(system)[before:]
    unchanged = sum(status == 304 for *_, status in calls)
    note = f"{unchanged} answered 304, free of quota" if unchanged else ""
    return Figure(f"Calls of an idle poll of {source.stream}", len(calls), "", most=1, note=note)


def _read(here: Installation, source: Source) -> None:
    done = ingest(here.loop, source)
    if done is None or done.trouble:
        message = f"{source.stream} was not read: {done}"
        raise RuntimeError(message)
