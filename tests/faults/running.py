"""Takes down what became of each test that was run: only what ran and passed holds anything."""

from collections.abc import Mapping
from typing import Literal

import pytest

Outcome = Literal["passed", "in part", "not run"]


class Ran:
    """A plugin of pytest's; it also hears what tests in other processes came to."""

    def __init__(self) -> None:
        self._passed: set[str] = set()
        self._wanting: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test passed where its own part did and nothing of it failed or was skipped, with whichever parameters."""
        test = named(report.nodeid)
        if not report.passed:
            self._wanting.add(test)
        elif report.when == "call":
            self._passed.add(test)

    @property
    def outcomes(self) -> Mapping[str, Outcome]:
        """What became of each test that was reached, as `file::test`."""
        return {
            test: "not run" if test not in self._passed else "in part" if test in self._wanting else "passed"
            for test in self._passed | self._wanting
        }


def named(node: str) -> str:
    """`tests/faults/test_http.py::test_one[jira]` is `faults/test_http.py::test_one`, whatever its parameters."""
    file, _, rest = node.partition("[")[0].partition("::")
    return f"{file.removeprefix('tests/')}::{rest.partition('::')[0]}"
