"""How long `loopbot --help` takes, of the processors and of patience."""

import resource
import subprocess
import sys
import time

from benchmarks.figures import Figure

TIMES = 5


def measure() -> list[Figure]:
    """The figures."""
    costs = sorted(_one() for _ in range(TIMES))
    return [
        Figure("`loopbot --help`, processor", costs[0][0], "s", most=0.25, note=f"user and system, best of {TIMES}"),
        Figure("`loopbot --help`, on the wall", min(wall for _, wall in costs), "s"),
    ]


def _one() -> tuple[float, float]:
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([sys.executable, "-m", "loopbot", "--help"], check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall
