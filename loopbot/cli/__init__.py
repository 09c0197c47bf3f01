"""The command line: quiet, in the terminal's width, `--json` for machines; nothing heavy is imported before it is needed."""

import sys

from loopbot.cli.failures import INTERRUPTED, ended

__all__ = ["run_app"]


def run_app(arguments: list[str], *, anew: bool = False) -> int:
    """Run one command and return its exit code: 0 done, 1 trouble with a system, 2 a person's mistake, 130 interrupted.

    With `anew` the daemon replaces this process, and starts with an empty memory; only a program of its own may ask that.
    """

    def command() -> int:
        from loopbot.cli.app import app

        code = app(args=arguments, standalone_mode=False, prog_name="loopbot", obj=anew)
        if code == INTERRUPTED:
            sys.stderr.write("Stopped.\n")
        return code if isinstance(code, int) else 0

    return ended(command, verbose="-v" in arguments or "--verbose" in arguments)
