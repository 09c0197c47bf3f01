"""The log: a static message with its data in fields, one line each, never a secret or a body."""

import logging
import re
import sys
from collections.abc import Callable, MutableMapping
from typing import Any, TextIO

import structlog

from loopbot.domain.rules import Plan

_TOO_LONG = 500
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def set_up(level: str, form: str, redacted: Callable[[str], str], stream: TextIO | None = None) -> None:
    """Send the logs of loopbot and of its libraries to standard error; `form` is text or json."""

    def blotted(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {name: _one_line(redacted(value)) if isinstance(value, str) else value for name, value in event.items()}

    output = stream or sys.stderr
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=output.isatty(), pad_event_to=36)
    )
    shared: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        blotted,
    ]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.WriteLoggerFactory(output),
        cache_logger_on_first_use=False,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
    lines = logging.StreamHandler(output)
    lines.setFormatter(formatter)
    logging.basicConfig(handlers=[lines], level=logging.WARNING, force=True)


class LogWitness:
    """Writes what happens into the log."""

    def __init__(self) -> None:
        self._log = structlog.get_logger("loopbot")

    def planned(self, plan: Plan, new: int) -> None:
        """A rule's plan with new effects."""
        self._log.info(
            "planned", rule=plan.rule, record=str(plan.subject), effects=new, mode=plan.mode, because=plan.because
        )

    def noted(self, what: str, **fields: object) -> None:
        """Anything else."""
        self._log.info(
            what, **{name: value if isinstance(value, int | float) else str(value) for name, value in fields.items()}
        )


def _one_line(text: str) -> str:
    """Foreign text can neither forge a second line nor speak to the terminal."""
    flat = _CONTROL.sub(lambda found: repr(found[0])[1:-1], text)
    return flat if len(flat) <= _TOO_LONG else flat[:_TOO_LONG] + "…"
