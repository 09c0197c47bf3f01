"""The catalogue is whole: each row has a test or says why not, and the page says what the catalogue says."""

from tests.faults.catalogue import ELSEWHERE, OPEN, ROWS
from tests.faults.reading import PAGE, defined, holding, page


def test_every_row_is_held_by_a_test_or_named_open() -> None:
    held = holding()
    assert [row for row in ROWS if row not in held and row not in OPEN] == []
    assert set(OPEN) & set(held) == set(), "what is held is not open"
    assert set(OPEN) | set(ELSEWHERE) <= set(ROWS)


def test_the_tests_that_are_named_are_there() -> None:
    assert [test for tests in ELSEWHERE.values() for test in tests if not defined(test)] == []


def test_the_page_is_what_the_catalogue_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "write it again with: make faults"
