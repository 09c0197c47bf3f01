"""What loopbot is made of, and what is said about it."""

import re
from pathlib import Path

import pytest

from tools.audit import CLEAN, UNKNOWN, VULNERABLE, verdict
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


@pytest.mark.parametrize(
    ("code", "said", "means"),
    [
        (0, "No known vulnerabilities found", CLEAN),
        (1, "Found 2 known vulnerabilities in 1 package", VULNERABLE),
        (1, "requests.exceptions.ConnectionError: Max retries exceeded", UNKNOWN),
        (1, "something else", UNKNOWN),
    ],
)
def test_an_audit_that_could_not_ask_is_not_called_clean(code: int, said: str, means: int) -> None:
    assert verdict(code, said)[0] == means
