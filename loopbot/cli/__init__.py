"""The command line: quiet, in the terminal's width, `--json` for machines; nothing heavy is imported before it is needed."""

import sys

from loopbot.cli.app import app
from loopbot.cli.failures import INTERRUPTED, told

__all__ = ["app", "run_app"]


def run_app(arguments: list[str]) -> int:
    """Run one command and return its exit code: 0 done, 1 trouble with a system, 2 a person's mistake, 130 interrupted."""
    try:
        code = app(args=arguments, standalone_mode=False, prog_name="loopbot")
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last place where an error becomes words
        return told(error, verbose="-v" in arguments or "--verbose" in arguments)
    if code == INTERRUPTED:
        sys.stderr.write("Stopped.\n")
    return code if isinstance(code, int) else 0
