"""`python -m tests.faults`: pass every test of the catalogue, then write docs/faults.md."""

import os
import sys

import pytest

from tests.faults.reading import PAGE, TESTS, holding, page
from tests.faults.running import Ran


def main() -> int:
    """Write the page only where none of them failed; what was skipped is told, and holds nothing on the page."""
    os.chdir(TESTS.parent)
    tests = sorted({f"tests/{test}" for some in holding().values() for test in some})
    ran = Ran()
    failed = pytest.main(["-q", "-n", "2", "--dist", "worksteal", "-rs", *tests], plugins=[ran])
    if failed:
        return failed
    PAGE.write_text(page(ran.outcomes), encoding="utf-8")
    short = sorted(test for test in tests if ran.outcomes.get(test.removeprefix("tests/")) != "passed")
    if short:
        sys.stdout.write("\n".join(["Not run, or not wholly, and so named on the page:", *short, ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
