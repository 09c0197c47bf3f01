"""Finds, without importing them, the tests that hold rows of the catalogue, and writes the page about them."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from tests.faults.catalogue import CHAPTERS, ELSEWHERE, OPEN, ROWS, Chapter, Row
from tests.faults.running import Outcome, named

TESTS = Path(__file__).parents[1]
EVERY = tuple(ROWS.values())
PAGE = TESTS.parent / "docs" / "faults.md"
HEAD = """# What loopbot survives

The faults that a program between other programs meets, and what loopbot does then. Each row is held by the tests below it. Nearly all
of them run whole installations against twins of the systems over real HTTP and are judged by what the twins took down, never by
loopbot's own database. This page is written by `make faults`, where none of them failed; do not edit it. A row is *held* only
where each of its tests ran and passed: one that was skipped, as for want of a Postgres, is named as not run. What the store has a
part in runs on SQLite and on Postgres.

The promise behind it: **never silently twice, never silently lost; what stays unknown is shown to a person.** *Uncertain* is a
write whose answer was lost: it is looked for by its marker, and sent again only when it is certainly not there.
"""


def holding() -> Mapping[str, list[str]]:
    """The tests of each row, as `file::test` under tests/: those that take it with a mark, wherever they are, and the others."""
    found: dict[str, list[str]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        for name, rows in _marked(path):
            for row in rows:
                found.setdefault(row, []).append(f"{path.relative_to(TESTS).as_posix()}::{name}")
    for row, tests in ELSEWHERE.items():
        found.setdefault(row, []).extend(tests)
    return found


def collected(files: Iterable[str]) -> frozenset[str]:
    """Which tests pytest itself finds in these files under tests/, as `file::test`."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(  # noqa: S603 - our own tests
        [*command, *(f"tests/{file}" for file in files)],
        cwd=TESTS.parent,
        env=ours,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return frozenset(named(line) for line in done.stdout.splitlines() if "::" in line)


def page(outcomes: Mapping[str, Outcome]) -> str:
    """The page, when this became of the tests."""
    held = holding()
    states = {
        row.name: _state(row, [outcomes.get(test, "not run") for test in held.get(row.name, [])]) for row in EVERY
    }
    count = sum(state == "held" for state in states.values())
    tests = {test for some in held.values() for test in some}
    summary = f"\n{count} of {len(EVERY)} rows are held, by {len(tests)} tests (many of them for several systems and forms).\n"
    return HEAD + summary + "".join(_chapter(chapter, held, states, outcomes) for chapter in CHAPTERS)


def _state(row: Row, outcomes: Collection[Outcome]) -> str:
    """A row is held where each of its tests ran and passed."""
    if row.name in OPEN:
        return "open"
    if set(outcomes) == {"passed"}:
        return "held"
    return "not run" if set(outcomes) <= {"not run"} else "held in part"


def _chapter(
    chapter: Chapter, held: Mapping[str, list[str]], states: Mapping[str, str], outcomes: Mapping[str, Outcome]
) -> str:
    table = "".join(
        f"| {row.name} | {_cell(row.fault)} | {_cell(row.does)} | {states[row.name]} |\n" for row in chapter.rows
    )
    proofs = "".join(_proof(row, held.get(row.name, []), outcomes) for row in chapter.rows)
    return f"\n## {chapter.title}\n\n| | fault | what loopbot does | |\n|---|---|---|---|\n{table}\n{proofs}"


def _proof(row: Row, tests: list[str], outcomes: Mapping[str, Outcome]) -> str:
    if row.name in OPEN:
        return f"- **{row.name}** is open: {OPEN[row.name]}\n"
    named = "; ".join(_sentence(test, outcomes.get(test, "not run")) for test in dict.fromkeys(tests))
    return f"- **{row.name}**: {named}.\n"


def _sentence(test: str, outcome: Outcome) -> str:
    file, _, name = test.partition("::")
    if name.startswith("Test"):
        name = re.sub(r"(?<!^)(?=[A-Z])", " ", name.removeprefix("Test")).lower()
    words = name.removeprefix("test_").replace("_", " ")
    short = {"passed": "", "in part": " (run in part)", "not run": " (not run)"}[outcome]
    return f"[{words}](../tests/{file}){short}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _marked(path: Path) -> Iterator[tuple[str, list[str]]]:
    text = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(text)) if "@fault(" in text else ():
        if isinstance(node, ast.FunctionDef):
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Name) and mark.func.id == "fault":
                    yield node.name, [str(ast.literal_eval(one)) for one in mark.args]
