"""`make storm`: a thousand webhooks a second for ten seconds, from another process, over real HTTP.

The sender keeps its pace whatever the answers take, and counts a webhook's time from when it was due: waiting in the sender's
own queue counts as well. One in ten comes twice. Judged by the store: each that was answered with 2xx must be in it.
"""

import argparse
import asyncio
import multiprocessing
import random
import resource
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import orjson

from loopbot.clock import SystemClock
from loopbot.domain.rulebook import Rulebook
from loopbot.sandbox.courier import signature
from loopbot.store import SqlStore, open_store
from loopbot.usecases.hints import Bounds, hinted
from loopbot.usecases.loop import Loop
from loopbot.web.app import Door, WebApp
from loopbot.web.intake import Intake
from loopbot.web.serving import WebServer, allow_many_connections

SECRET = "the-storms-secret"  # noqa: S105 - of this measurement only
CONNECTIONS, PADDING = 128, 6_000


@dataclass
class Sent:
    """What the sender saw: milliseconds of each, how often which status, and the keys that were accepted."""

    took: list[float] = field(default_factory=list)
    statuses: dict[str, int] = field(default_factory=dict)
    accepted: set[str] = field(default_factory=set)
    deliveries: set[str] = field(default_factory=set)


def main() -> int:
    """Measure, print, and fail where something was lost or took too long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=int, default=1_000)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--records", type=int, default=4_000)
    parser.add_argument("--store", default="")
    parser.add_argument("--fresh", action="store_true", help="a connection for each webhook")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(given.store or f"sqlite:///{Path(folder) / 'storm.db'}")
        try:
            return storm(store, given)
        finally:
            store.close()


def storm(store: SqlStore, given: Any) -> int:
    """One storm against a store."""
    loop = Loop(store, Rulebook(()), {}, SystemClock(), "storm")
    intake = Intake(loop, lambda _: None, Bounds())
    app = WebApp(loop, {"jira": _verifier()}, intake, Door(frozenset({"127.0.0.1"})))
    server = WebServer(app.app, "127.0.0.1", 0)
    intake.start()
    server.start()
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    plan = (server.port, given.rate, given.seconds, given.records, given.fresh)
    sender = multiprocessing.get_context("spawn").Process(target=_send, args=(theirs, *plan))
    stop, writes = threading.Event(), list[float]()
    beside = threading.Thread(target=_work_beside, args=(loop, stop, writes))
    beside.start()
    before = time.process_time()
    sender.start()
    sent: Sent = ours.recv()
    cpu = time.process_time() - before
    sender.join()
    stop.set()
    beside.join()
    server.stop()
    intake.stop()
    return _judge(store, sent, given, cpu, writes)


def _judge(store: SqlStore, sent: Sent, given: Any, cpu: float, writes: list[float]) -> int:
    with store.read() as tx:
        waiting = {one.stream: one.hints for one in tx.inbox.waiting()}
    with store.write(keep=False) as tx:
        unknown = len(tx.inbox.fresh({f"jira:{name}" for name in sent.deliveries}))
    took = sorted(sent.took)
    p50, p99, worst = took[len(took) // 2], took[int(len(took) * 0.99)], took[-1]
    total = given.rate * given.seconds
    lost = unknown + max(len(sent.accepted) - sum(waiting.values()), 0)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{total:,} webhooks at {given.rate:,} a second: {sent.statuses}")
    print(f"answered after: p50 {p50:.0f} ms, p99 {p99:.0f} ms, worst {worst:.0f} ms")
    print(f"{len(sent.accepted):,} records, {sum(waiting.values()):,} hints kept, {lost} lost")
    print(f"beside it: a write of the daemon took p50 {_of(writes, 0.5):.0f} ms, worst {_of(writes, 1):.0f} ms")
    print(f"server: {cpu:.1f} s of CPU, {memory:.0f} MB at most")
    good = lost == 0 and p99 < 250 and sent.statuses.get("202", 0) == total
    print("held" if good else "NOT HELD: 0 lost, all accepted and p99 under 250 ms were promised")
    return 0 if good else 1


def _of(values: list[float], share: float) -> float:
    ordered = sorted(values) or [0.0]
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] * 1000


def _work_beside(loop: Loop, stop: threading.Event, writes: list[float]) -> None:
    """What the daemon does meanwhile: looks at the hints, and writes a little; its times show whether it stays responsive."""
    while not stop.wait(0.1):
        begun = time.perf_counter()
        with loop.store.write() as tx:
            tx.remember("storm", str(begun))
        writes.append(time.perf_counter() - begun)
        hinted(loop)


def _verifier() -> Any:
    from connectors.jira.hooks import JiraHooks
    from connectors.jira.settings import Settings

    given = {"base_url": "http://127.0.0.1:1", "email": "me@example.com", "token": "env:T", "projects": ("LOOP",)}
    return JiraHooks("jira", Settings.model_validate(given), SECRET, SystemClock())


# ---------------------------------------------------------------------------------------------- the sender's process


def _send(tell: Connection, *plan: Any) -> None:
    allow_many_connections()
    tell.send(asyncio.run(_storm(*plan)))


async def _storm(port: int, rate: int, seconds: int, records: int, fresh: bool) -> Sent:  # noqa: FBT001
    chance, sent = random.Random(1), Sent()
    letters = [_letter(chance.randrange(records), number) for number in range(rate * seconds)]
    for place in chance.sample(range(1, len(letters)), len(letters) // 10):
        letters[place] = letters[place - 1]
    start = asyncio.get_running_loop().time() + 0.5
    places = iter(range(len(letters)))
    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(_carry(port, letters, places, (start, rate), sent, fresh=fresh))
    return sent


async def _carry(
    port: int, letters: list[tuple[str, str, bytes]], places: Any, pace: tuple[float, int], sent: Sent, *, fresh: bool
) -> None:
    clock = asyncio.get_running_loop().time
    reader: asyncio.StreamReader | None = None
    writer: asyncio.StreamWriter | None = None
    for place in places:
        due = pace[0] + place / pace[1]
        await asyncio.sleep(max(due - clock(), 0))
        key, name, request = letters[place]
        if reader is None or writer is None:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(length)
        sent.took.append((clock() - due) * 1000)
        status = head[9:12].decode()
        sent.statuses[status] = sent.statuses.get(status, 0) + 1
        if status.startswith("2"):
            sent.accepted.add(key)
            sent.deliveries.add(name)
        if fresh:
            writer.close()
            reader = writer = None


def _letter(record: int, number: int) -> tuple[str, str, bytes]:
    key = f"LOOP-{record}"
    told = {
        "timestamp": int(time.time() * 1000),
        "webhookEvent": "jira:issue_updated",
        "issue": {"key": key, "fields": {"updated": "2026-03-02T10:00:00.000+0000", "description": "x" * PADDING}},
        "number": number,
    }
    body = orjson.dumps(told)
    head = (
        f"POST /hooks/jira HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        f"X-Hub-Signature: {signature(SECRET, body)}\r\nX-Atlassian-Webhook-Identifier: id-{number}\r\n\r\n"
    )
    return key, f"id-{number}", head.encode() + body


if __name__ == "__main__":
    sys.exit(main())
