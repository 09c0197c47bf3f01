"""Finds, without importing them, the tests that hold rows of the catalogue, and writes the page about them."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.faults.catalogue import CHAPTERS, ELSEWHERE, OPEN, Chapter, Row

HERE = Path(__file__).parent
TESTS = HERE.parent
PAGE = TESTS.parent / "docs" / "faults.md"
HEAD = """# What loopbot survives

The faults that a program between other programs meets, and what loopbot does then. Each row is held by the tests below it. Nearly all
of them run whole installations against twins of the systems over real HTTP and are judged by what the twins took down, never by
loopbot's own database. This page is written by `make faults`, after all of these tests have passed; do not edit it.

The promise behind it: **never silently twice, never silently lost; what stays unknown is shown to a person.** *Uncertain* is a
write whose answer was lost: it is looked for by its marker, and sent again only when it is certainly not there.
"""


def holding() -> Mapping[str, list[str]]:
    """The tests of each row, as `file::test` under tests/."""
    found: dict[str, list[str]] = {}
    for path in sorted(HERE.glob("test_*.py")):
        for name, rows in _marked(path):
            for row in rows:
                found.setdefault(row, []).append(f"faults/{path.name}::{name}")
    for row, tests in ELSEWHERE.items():
        found.setdefault(row, []).extend(tests)
    return found


def defined(test: str) -> bool:
    """Whether `file::test` is there."""
    file, _, name = test.partition("::")
    path = TESTS / file
    if not path.is_file():
        return False
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return any(isinstance(one, ast.FunctionDef | ast.ClassDef) and one.name == name for one in ast.walk(tree))


def page() -> str:
    """The page."""
    held = holding()
    rows = [row for chapter in CHAPTERS for row in chapter.rows]
    count = len(rows) - len(OPEN)
    tests = {test for some in held.values() for test in some}
    summary = (
        f"\n{count} of {len(rows)} rows are held, by {len(tests)} tests (many of them for several systems and forms).\n"
    )
    return HEAD + summary + "".join(_chapter(chapter, held) for chapter in CHAPTERS)


def _chapter(chapter: Chapter, held: Mapping[str, list[str]]) -> str:
    table = "".join(
        f"| {row.name} | {_cell(row.fault)} | {_cell(row.does)} | {'open' if row.name in OPEN else 'held'} |\n"
        for row in chapter.rows
    )
    proofs = "".join(_proof(row, held.get(row.name, [])) for row in chapter.rows)
    return f"\n## {chapter.title}\n\n| | fault | what loopbot does | |\n|---|---|---|---|\n{table}\n{proofs}"


def _proof(row: Row, tests: list[str]) -> str:
    if row.name in OPEN:
        return f"- **{row.name}** is open: {OPEN[row.name]}\n"
    named = "; ".join(_sentence(test) for test in dict.fromkeys(tests))
    return f"- **{row.name}**: {named}.\n"


def _sentence(test: str) -> str:
    file, _, name = test.partition("::")
    words = name.removeprefix("test_").replace("_", " ")
    return f"[{words}](../tests/{file})"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _marked(path: Path) -> Iterator[tuple[str, list[str]]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Name) and mark.func.id == "fault":
                    yield node.name, [str(ast.literal_eval(one)) for one in mark.args]
