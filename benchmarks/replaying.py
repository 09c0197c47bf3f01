"""The replay of the real ServiceNow log, mirrored by a real daemon and compared with the log."""

import tempfile
from pathlib import Path

from rich.console import Console

from benchmarks.figures import Figure

LOG = Path(__file__).parents[2] / "shared/data/uci498_event_log.csv.gz"


def measure() -> list[Figure]:
    """The figures; none where the log is not there."""
    if not LOG.exists():
        return []
    from loopbot.cli.replaying import staged, verified

    out = Console(quiet=True)
    with tempfile.TemporaryDirectory(prefix="loopbot-bench-") as folder, staged(out, LOG, Path(folder), 0) as stage:
        report = verified(*stage, speed=0, out=out)
    if not report.good:
        message = "the mirror differs from the log; see `make replay`"
        raise RuntimeError(message)
    return [
        Figure(
            "Replay of a real log", report.seconds, "s", note=f"{report.rows:,} rows of {report.incidents:,} incidents"
        ),
        Figure("… rows", report.rows / report.seconds, "a second"),
        Figure("… calls", report.calls, "", note=f"{report.rows / report.calls:,.0f} rows a call"),
        Figure("… the daemon's memory, most", report.peak_bytes / 1e6, "MB", most=120, note="VmHWM"),
    ]
