"""What goes wrong in one run, drawn from the fault catalogue by chance."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from loopbot.sandbox.faults import Fault

READING = r"^GET |/search/jql|/bulkfetch|conversations\.|users\.|auth\.test"
WRITING = r"^(POST|PUT|PATCH|DELETE) (?!.*(/search/jql|/bulkfetch|conversations\.|users\.|auth\.test))"
_RETRY_AFTER = ("1", "7", "0", "-5", "999999999", "Wed, 21 Oct 2015 07:28:00 GMT", "soon", "NaN")


@dataclass(frozen=True, slots=True)
class Weather:
    """How likely (0 to 1, for each call) the network fails, and what else is allowed to happen in a run."""

    network: float
    faults: float
    deaths: float
    switches: float
    index_lag: float
    jumps: bool
    broken_store: float
    longest_late: float = 55.0


def weather(chance: random.Random) -> Weather:
    """The weather of one run: calm in some respects, so that faults are also met alone."""
    return Weather(
        network=chance.choice([0.0, 0.03, 0.12]),
        faults=chance.choice([0.0, 0.1, 0.4]),
        deaths=chance.choice([0.0, 0.02, 0.08]),
        switches=chance.choice([0.0, 0.1, 0.4]),
        index_lag=chance.choice([0.0, 0.0, 20.0, 120.0, 200.0]),
        jumps=chance.random() < 0.2,
        broken_store=chance.choice([0.0, 0.0, 0.0, 0.02]),
    )


def drawn(chance: random.Random, system: str) -> Fault:
    """One fault of one server, for one to four of its next requests that read, or that write."""
    make: Callable[[random.Random], Fault] = chance.choice(
        [
            _throttled,
            _down,
            _refused,
            _lost,
            _lost,
            _lost,
            _hung,
            _cut,
            _login_page,
            _garbage,
            _unauthorized,
            _forbidden,
        ]
    )
    fault = make(chance)
    fault.match = fault.match or chance.choice([READING, WRITING, WRITING, ""])
    fault.times, fault.skip = chance.choice([1, 1, 2, 4]), chance.choice([0, 0, 1, 3])
    if system == "slack" and fault.kind == "status" and fault.status == 403:
        fault.status = 503
    return fault


def _throttled(chance: random.Random) -> Fault:
    said = chance.choice([*_RETRY_AFTER, ""])
    return Fault("status", status=429, headers={"Retry-After": said} if said else {}, body=b"<html>slow down</html>")


def _down(chance: random.Random) -> Fault:
    return Fault("status", status=chance.choice([500, 502, 503, 504]), body=b"bad gateway")


def _refused(_: random.Random) -> Fault:
    return Fault("refuse")


def _lost(_: random.Random) -> Fault:
    return Fault("lose_answer", match=WRITING)


def _hung(_: random.Random) -> Fault:
    return Fault("hang")


def _cut(_: random.Random) -> Fault:
    return Fault("truncate")


def _login_page(_: random.Random) -> Fault:
    return Fault("html")


def _garbage(chance: random.Random) -> Fault:
    """The server acts, and answers nonsense."""
    status, body = chance.choice([(200, b"{"), (200, b"[]"), (200, b"null"), (200, b'{"result":'), (502, b"{}")])
    return Fault("body", status=status, body=body)


def _unauthorized(_: random.Random) -> Fault:
    return Fault("status", status=401, body=b'{"error":{"message":"no"}}')


def _forbidden(_: random.Random) -> Fault:
    return Fault(
        "status", match=WRITING, status=403, body=b'{"errorMessages":["you may not"],"error":{"message":"no"}}'
    )
