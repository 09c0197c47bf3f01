"""`python -m tests.faults`: pass every test of the catalogue, then write docs/faults.md."""

import subprocess
import sys
from pathlib import Path

from tests.faults.reading import PAGE, TESTS, holding, page


def main() -> int:
    """Write the page only when all of them passed."""
    tests = sorted({f"{Path('tests') / test}" for some in holding().values() for test in some})
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", *tests]
    failed = subprocess.run(command, cwd=TESTS.parent, check=False).returncode  # noqa: S603 - our own tests
    if not failed:
        PAGE.write_text(page(), encoding="utf-8")
    return failed


if __name__ == "__main__":
    sys.exit(main())
