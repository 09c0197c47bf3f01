"""Engines that find compiled what an earlier one of their kind in this process has compiled.

SQLAlchemy keeps compiled statements by the dialect's object, and makes a dialect for each engine: a store's reader would
compile what its writer has, and each further store all of it.
"""

from collections.abc import MutableMapping
from typing import Any

from sqlalchemy import Compiled, Dialect, Engine, create_engine
from sqlalchemy.engine import URL
from sqlalchemy.util import LRUCache

_ROOM = 1_000
_Kept = tuple[Dialect, MutableMapping[Any, Compiled]]
_known: dict[tuple[object, ...], _Kept] = {}


def engine_like(model: Engine | None, url: URL, **how: Any) -> Engine:
    """An engine that shares what is compiled with `model`; without one, with what was kept of its kind, if anything was."""
    kept = _of(model) if model is not None else _known.get(_kind(url))
    compiled: MutableMapping[Any, Compiled] = LRUCache(_ROOM) if kept is None else kept[1]
    engine = create_engine(url, execution_options={"compiled_cache": compiled}, **how)
    if kept is not None:
        engine.dialect = kept[0]
    return engine


def keep(engine: Engine) -> None:
    """Let later engines of its kind share what it compiles: it has connected, so its dialect knows its server."""
    _known.setdefault(_kind(engine.url), _of(engine))


def _of(engine: Engine) -> _Kept:
    return engine.dialect, engine.get_execution_options()["compiled_cache"]


def _kind(url: URL) -> tuple[object, ...]:
    """What has one dialect: a driver, and where there are servers, the one server, as each may be of another version."""
    return url.drivername, url.host, url.port, url.query.get("host"), url.query.get("port")
