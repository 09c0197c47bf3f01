"""Starts the command line."""

import os
import sys


def main() -> None:
    """Run `loopbot` with the arguments given."""
    from loopbot.cli import run_app

    sys.exit(run_app(sys.argv[1:], anew=os.name == "posix"))


if __name__ == "__main__":
    main()
