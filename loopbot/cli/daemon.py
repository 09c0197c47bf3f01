"""The daemon's own process: what read the command line (5 MB) does not stay in its memory."""

import os
import sys
from pathlib import Path
from typing import NoReturn

from loopbot.cli.failures import ended

_LOUD = "loud"


def become_daemon(config: Path, *, role: str, verbose: bool) -> NoReturn:
    """Replace this process by the daemon; it keeps its number, and so whoever started it."""
    # -P: a folder that happens to hold a `loopbot` is not where the program comes from.
    command = [sys.executable, "-P", "-m", "loopbot.cli.daemon", str(config), role, *([_LOUD] if verbose else [])]
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, command)  # noqa: S606 - ourselves, with arguments that are read already


def main(config: str, role: str, *how: str) -> int:
    """Run the daemon; its exit code."""

    def command() -> int:
        from loopbot.cli.running import run_daemon

        run_daemon(Path(config), role=role, verbose=_LOUD in how)
        return 0

    return ended(command, verbose=_LOUD in how)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
