"""The board the fleet's bells hang on: jobs of Procrastinate in the store's Postgres, in a schema of their own.

A job says only that something may be worth looking at, so losing or doubling one does no harm. A `queueing_lock` keeps one of each bell
waiting; there is no `lock`, whose release wakes nobody and which a killed worker keeps: order and exclusion are the store's.
"""

from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from procrastinate import App, PsycopgConnector, SyncPsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import Job, Status
from procrastinate.schema import SchemaManager
from procrastinate.worker import Worker

from loopbot.domain.errors import ConfigError

TASK, QUEUE = "loopbot.bell", "bells"
# Any number will do, as long as every loopbot uses the same: one process makes the schema, the others wait.
_ADVISORY_LOCK = 7_307_199_502
# A listener is woken by NOTIFY; only bells put off until later are found by polling.
_POLL_SECONDS = 0.5
_HEARTBEAT, _DEAD = 5.0, 30.0
_IDLE = "30s"

Answer = Callable[[str], Awaitable[None]]


class Board:
    """Rings bells, and hands them to whoever works. Safe to use from any thread once it is open."""

    def __init__(self, url: str) -> None:
        self._conninfo, self._options = libpq(url)
        self._sync: App | None = None
        self.schema = ""

    def open(self) -> None:
        """Make the schema where it is missing; raises ConfigError where the database does not let us."""
        with App(connector=SyncPsycopgConnector(**self._pool("", 1))).open() as app:
            ask = app.connector.get_sync_connector()
            try:
                store = ask.execute_query_one("SELECT current_schema()::text AS name")["name"]
                self.schema = schema_name(store)
                ask.execute_query(_MAKE_SCHEMA.format(lock=_ADVISORY_LOCK, schema=self.schema, tables=_tables()))
            except ConnectorException as error:
                why = f"the schema {self.schema or 'of the jobs'} can not be made: {error.__cause__ or error}"
                hint = "let the user create schemas in this database (GRANT CREATE ON DATABASE ... TO ...)"
                raise ConfigError("store", why.replace("%", "%%"), hint) from error
        self._sync = App(connector=SyncPsycopgConnector(**self._pool(self.schema, 2)))
        self._sync.open()

    def close(self) -> None:
        """Let go of connections."""
        if self._sync is not None:
            self._sync.close()
            self._sync = None

    def ring(self, bell: str, seconds: float = 0.0) -> bool:
        """Ring now, or in so many seconds; false where it waits to be heard already, or the database is away."""
        if self._sync is None:
            return False
        # A bell put off must not keep one from ringing at once.
        later: dict[str, Any] = {"queueing_lock": f"{bell} later", "schedule_in": {"seconds": max(1, round(seconds))}}
        how = later if seconds else {"queueing_lock": bell}
        try:
            self._sync.configure_task(TASK, queue=QUEUE, **how).defer(bell=bell)
        except (AlreadyEnqueued, ConnectorException):
            return False
        return True

    def made(self, answer: Answer | None = None, connections: int = 2) -> App:
        """An application to be opened in an event loop; with `answer` it also knows what to do with a bell."""
        app = App(connector=PsycopgConnector(**self._pool(self.schema, connections)))
        if answer is not None:

            async def heard(bell: str, timestamp: int = 0) -> None:
                del timestamp
                await answer(bell)

            app.task(name=TASK, queue=QUEUE)(heard)
        return app

    def _pool(self, schema: str, connections: int) -> dict[str, Any]:
        # What a paused process holds, such as the place of a bell it is just hanging up, is soon free again.
        options = f"-cidle_in_transaction_session_timeout={_IDLE} {self._options}"
        options += f" -csearch_path={schema}" if schema else ""
        about: dict[str, Any] = {"options": options.strip(), "application_name": f"loopbot bells {schema}".strip()[:63]}
        about |= {"connect_timeout": 10}
        return {"conninfo": self._conninfo, "kwargs": about, "min_size": 1, "max_size": connections, "timeout": 10.0}


def worker(app: App, concurrency: int, patience: float) -> Any:
    """Whoever (`run`, `stop`) takes bells off the board, so many at a time; once told to stop it waits `patience` seconds for what is under way."""
    return Worker(
        app,
        concurrency=concurrency,
        fetch_job_polling_interval=_POLL_SECONDS,
        shutdown_graceful_timeout=patience,
        delete_jobs="always",
        install_signal_handlers=False,
        update_heartbeat_interval=_HEARTBEAT,
        stalled_worker_timeout=_DEAD,
    )


async def ring_once(app: App, bell: str, slot: int) -> bool:
    """Ring the bell of one period, whose number is `slot`, unless any node of the fleet did so before."""
    job = Job(
        id=None,
        queue=QUEUE,
        lock=None,
        queueing_lock=bell,
        task_name=TASK,
        task_kwargs={"bell": bell, "timestamp": slot},
    )
    try:
        return await app.job_manager.defer_periodic_job(job, periodic_id=bell, defer_timestamp=slot) is not None
    except AlreadyEnqueued:
        return False


async def tidy(app: App) -> list[str]:
    """Take down the bells that dead workers were answering; returns them, to be rung again."""
    await app.job_manager.prune_stalled_workers(_DEAD)
    stalled = [job for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=_DEAD) if job.id]
    for job in stalled:
        try:
            await app.job_manager.finish_job_by_id_async(job.id or 0, Status.FAILED, delete_job=True)
        except ConnectorException:
            continue  # its worker was only slow, and has finished it
    return [str(job.task_kwargs["bell"]) for job in stalled]


async def database_time(app: App) -> float:
    """Seconds since 1970 by the database's clock, which is the fleet's."""
    row = await app.connector.execute_query_one_async("SELECT extract(epoch FROM clock_timestamp())::float8 AS now")
    return float(row["now"])


def libpq(url: str) -> tuple[str, str]:
    """A store's URL as libpq reads it, and the server options taken out of it."""
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    options = " ".join(value for name, value in pairs if name == "options")
    # libpq knows no "+" for a space.
    query = urlencode([pair for pair in pairs if pair[0] != "options"], quote_via=quote)
    return urlunsplit(parts._replace(scheme="postgresql", query=query)), options


def schema_name(store: str) -> str:
    """Where the jobs are, for a store in that schema. Another version of Procrastinate's tables gets a place of its own."""
    version = blake2b(SchemaManager.get_schema().encode(), digest_size=3).hexdigest()
    prefix = "loopbot" if store == "public" else store
    return f"{prefix[:40]}_jobs_{version}"


def _tables() -> str:
    return SchemaManager.get_schema().replace("%", "%%")


_MAKE_SCHEMA = """
DO $loopbot$ BEGIN
    PERFORM pg_advisory_xact_lock({lock});
    IF to_regclass('"{schema}".procrastinate_jobs') IS NULL THEN
        CREATE SCHEMA IF NOT EXISTS "{schema}";
        PERFORM set_config('search_path', '"{schema}"', true);
        EXECUTE $procrastinate$ {tables} $procrastinate$;
    END IF;
END $loopbot$
"""
