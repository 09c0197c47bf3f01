"""The catalogue is whole: each row has a test or says why not, and the page says what the catalogue says."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.faults.catalogue import ELSEWHERE, OPEN, ROWS
from tests.faults.reading import PAGE, TESTS, collected, holding, page
from tests.faults.running import Outcome

HALVES = """
import pytest

def test_passes(): pass

def test_waits_for_a_postgres(): pytest.skip("none answers")

@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_runs_on_one_store_of_two(store): store == "sqlite" or pytest.skip("none answers")

@pytest.mark.xfail
def test_is_known_to_fail(): raise AssertionError

@pytest.fixture
def broken(): yield; raise AssertionError

def test_leaves_a_mess(broken): pass
"""
TAKING_DOWN = """
import json
import sys
import pytest
from tests.faults.running import Ran

ran = Ran()
pytest.main(["-q", "-p", "no:cacheprovider", sys.argv[1]], plugins=[ran])
print(json.dumps({test.partition("::")[2]: outcome for test, outcome in ran.outcomes.items()}))
"""


def test_every_row_is_held_by_a_test_or_named_open() -> None:
    held = holding()
    assert [row for row in ROWS if row not in held and row not in OPEN] == []
    assert set(OPEN) & set(held) == set(), "what is held is not open"
    assert set(OPEN) | set(ELSEWHERE) <= set(ROWS)


def test_pytest_finds_every_test_that_is_named() -> None:
    named = {test for tests in holding().values() for test in tests}
    found = collected(sorted({test.partition("::")[0] for test in named}))
    assert named - found == set()
    assert "mirror/test_two_sides.py::TwoSides" not in found, "a name that is in the file and is no test's is not found"


def test_marks_are_found_wherever_the_tests_are() -> None:
    assert any(test.startswith("cluster/") for test in holding()["P3"])
    assert any(test.startswith("web/") for test in holding()["Q4"])


def test_only_what_ran_and_passed_with_all_of_its_parameters_holds_anything(tmp_path: Path) -> None:
    (tmp_path / "test_halves.py").write_text(HALVES, encoding="utf-8")
    command = [sys.executable, "-c", TAKING_DOWN, str(tmp_path / "test_halves.py")]
    done = subprocess.run(command, cwd=TESTS.parent, capture_output=True, text=True, check=False)  # noqa: S603 - ourselves
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "test_passes": "passed",
        "test_waits_for_a_postgres": "not run",
        "test_runs_on_one_store_of_two": "in part",
        "test_is_known_to_fail": "not run",
        "test_leaves_a_mess": "in part",
    }


@pytest.mark.parametrize("outcome", ["in part", "not run"])
def test_a_row_whose_tests_did_not_all_run_is_not_called_held(outcome: Outcome) -> None:
    held = holding()
    first, *others = dict.fromkeys(held["P3"])
    ran: dict[str, Outcome] = dict.fromkeys((test for tests in held.values() for test in tests), "passed")
    assert _shown("P3", ran) == "held"
    assert others
    assert _shown("P3", ran | {first: outcome}) == "held in part"
    assert _shown("P3", ran | dict.fromkeys(held["P3"], outcome)) == {"in part": "held in part"}.get(outcome, outcome)


def _shown(row: str, outcomes: Mapping[str, Outcome]) -> str:
    (line,) = [one for one in page(outcomes).splitlines() if one.startswith(f"| {row} |")]
    return line.rpartition("| ")[2].removesuffix(" |")


def test_the_page_is_what_the_catalogue_says() -> None:
    every = {test for tests in holding().values() for test in tests}
    assert PAGE.read_text(encoding="utf-8") == page(dict.fromkeys(every, "passed")), "write it again with: make faults"
