"""`loopbot sweep`: read everything again now, and give an account of every record."""

import dataclasses
from pathlib import Path

from loopbot.cli.failures import DONE, TROUBLE
from loopbot.cli.opening import console, opened
from loopbot.cli.running import progress


def sweep_now(config: Path, streams: list[str], *, as_json: bool) -> int:
    """Sweep these streams (all where none is named); the exit code says whether anything is unexplained."""
    from loopbot.domain.errors import UserError
    from loopbot.usecases.ingest import ingest
    from loopbot.usecases.statements import statement

    with opened(config) as here:
        known = {source.stream: source for source in here.sources}
        for name in streams:
            if name not in known:
                raise UserError(name, "is not a stream that is read", "one of: " + ", ".join(known))
        wanted = [known[name] for name in streams] or list(known.values())
        cycles, busy = [], []
        with progress(len(wanted), "Reading", quiet=as_json) as step:
            for source in wanted:
                step(source.stream)
                done = ingest(here.loop, source, sweep=True)
                if done is None:
                    busy.append(source.stream)
                else:
                    cycles.append(done.cycle)
    if as_json:
        import orjson

        rows = [{**dataclasses.asdict(one), "statement": statement(one)} for one in cycles]
        print(orjson.dumps({"streams": rows, "busy": busy}, option=orjson.OPT_INDENT_2).decode())
    else:
        out = console()
        for one in cycles:
            said = f"not read to its end: {one.trouble}" if one.trouble else statement(one)
            out.print(f"{one.stream}: {said}", markup=False, soft_wrap=True)
        for name in busy:
            out.print(f"{name}: someone else is reading it now; try again in a minute", markup=False)
    return TROUBLE if busy or any(one.trouble or one.unexplained for one in cycles) else DONE
