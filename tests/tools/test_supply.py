"""What loopbot is made of, and what is said about it."""

import json
import re
from pathlib import Path

import pytest

from tools.audit import CLEAN, UNKNOWN, VULNERABLE, audited, verdict
from tools.sbom import components, document

ROOT = Path(__file__).parents[2]


def test_every_locked_requirement_is_in_the_bill_with_its_hashes() -> None:
    locked = (ROOT / "requirements" / "run.txt").read_text(encoding="utf-8")
    pinned = re.findall(r"(?m)^([\w.-]+)==", locked)
    made = components(locked)
    assert [one["name"] for one in made] == [name.lower() for name in pinned]
    assert all(one["hashes"] for one in made)
    assert sum(bool(one.get("licenses")) for one in made) > len(made) / 2


def test_the_same_requirements_give_the_same_bill() -> None:
    assert document() == document()
    assert document()["bomFormat"] == "CycloneDX"


CHECKED = {"name": "jira", "version": "3.10.5", "vulns": []}
SKIPPED = {"name": "pysnow", "skip_reason": "Dependency not found on PyPI and could not be audited: pysnow (0.7.17)"}
BROKEN = {"name": "idna", "version": "3.0", "vulns": [{"id": "PYSEC-2024-60", "fix_versions": ["3.7"]}]}


@pytest.mark.parametrize(
    ("dependencies", "means", "said"),
    [
        ([CHECKED], CLEAN, "None of the 1 locked dependencies"),
        ([CHECKED, SKIPPED], UNKNOWN, "Not checked: 1 of 2 dependencies (pysnow)"),
        ([SKIPPED, BROKEN], VULNERABLE, "idna 3.0: PYSEC-2024-60, mended in 3.7"),
        ([], UNKNOWN, "Not checked: 0 of 0"),
    ],
)
def test_an_audit_is_clean_only_where_every_dependency_was_looked_up(
    dependencies: list[dict[str, object]], means: int, said: str
) -> None:
    end = verdict(json.dumps({"dependencies": dependencies, "fixes": []}))
    assert end.code == means
    assert said in end.said[0]


def test_an_audit_that_could_not_ask_says_why_and_is_not_called_clean() -> None:
    end = verdict("", "Traceback ...\nrequests.exceptions.ConnectionError: Max retries exceeded\n")
    assert end.code == UNKNOWN
    assert "Max retries exceeded" in end.said[0]


def test_an_audit_without_its_tool_is_not_called_clean(tmp_path: Path) -> None:
    assert audited(tool=tmp_path / "pip-audit").code == UNKNOWN
