"""`loopbot answers`: what people answered to what they were told."""

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path

from loopbot.cli.opening import console, opened
from loopbot.domain.phrasing import ago, counted


def list_answers(config: Path, days: int, *, as_json: bool) -> None:
    """Count them by question, and show the latest words."""
    from loopbot.usecases.telling.answering import tallies

    since = datetime.now(UTC) - timedelta(days=days)
    with opened(config, remote=False) as here:
        found = tallies(here.loop, since)
    if as_json:
        import orjson

        rows = [dataclasses.asdict(one) for one in found]
        print(orjson.dumps(rows, option=orjson.OPT_INDENT_2).decode())
        return
    out = console()
    if not found:
        out.print(f"Nobody was asked, or nobody answered, in the last {counted(days, 'day')}.")
    for one in found:
        counts = ", ".join(f"{answer}: {count:,}" for answer, count in one.counts)
        mean = f" (mean {one.mean:.1f})" if one.mean is not None else ""
        out.print(f"{one.question}: {counts}{mean}", markup=False)
        for reply in one.words[:20]:
            when = ago(reply.at).partition(" (")[0] if reply.at else ""
            out.print(f"  {when}, {reply.about.key}, {reply.answer}: {reply.words}", markup=False)
