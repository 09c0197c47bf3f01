"""Asks whether a locked dependency has a known vulnerability, and says plainly of which that could not be found out.

pip-audit ends well also where it could look up nothing, so its report is read, dependency by dependency.
"""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError

ROOT = Path(__file__).parents[1]
LOCKED = ROOT / "requirements" / "run.txt"
TOOL = ROOT / ".venv" / "audit" / "bin" / "pip-audit"
CLEAN, VULNERABLE, UNKNOWN = 0, 1, 2


class _Vulnerability(BaseModel):
    id: str
    fix_versions: tuple[str, ...] = ()


class _Dependency(BaseModel):
    name: str
    version: str = ""
    vulns: tuple[_Vulnerability, ...] = ()
    skip_reason: str = ""


class _Report(BaseModel):
    dependencies: tuple[_Dependency, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """An exit code, and what it means in words, a line each."""

    code: int
    said: tuple[str, ...]


def verdict(report: str, trouble: str = "") -> Verdict:
    """What pip-audit's JSON report says; `trouble` is what it wrote to standard error."""
    try:
        found = _Report.model_validate_json(report)
    except ValidationError:
        last = (trouble.strip().splitlines() or ["it said nothing"])[-1]
        return Verdict(UNKNOWN, (f"Not checked: pip-audit could not ask ({last[:200]}).", _ELSEWHERE))
    known = [_told(one, each) for one in found.dependencies for each in one.vulns]
    if known:
        return Verdict(VULNERABLE, (*known, "Raise what is named above in pyproject.toml, then: make lock"))
    skipped = [one.name for one in found.dependencies if one.skip_reason]
    total = len(found.dependencies)
    if skipped or not total:
        first = ", ".join(skipped[:5]) + (" ..." if len(skipped) > 5 else "")
        return Verdict(UNKNOWN, (f"Not checked: {len(skipped)} of {total} dependencies ({first}).", _ELSEWHERE))
    return Verdict(CLEAN, (f"None of the {total} locked dependencies has a known vulnerability.",))


_ELSEWHERE = "Run `make audit` where the network lets pip-audit ask the Python package index."


def _told(dependency: _Dependency, found: _Vulnerability) -> str:
    mended = f"mended in {', '.join(found.fix_versions)}" if found.fix_versions else "not mended yet"
    return f"{dependency.name} {dependency.version}: {found.id}, {mended}"


def audited(locked: Path = LOCKED, tool: Path = TOOL) -> Verdict:
    """Run pip-audit on locked requirements."""
    if not tool.exists():
        return Verdict(UNKNOWN, ("Not checked: pip-audit is not there. Run it as: make audit",))
    asked: Sequence[str] = (str(tool), "--disable-pip", "--require-hashes", "--format", "json", "-r", str(locked))
    done = subprocess.run(  # noqa: S603 - our own arguments
        [*asked, "--progress-spinner", "off"], capture_output=True, text=True, check=False
    )
    return verdict(done.stdout, done.stderr)


def main() -> int:
    """Print the verdict; 0 clean, 1 vulnerable, 2 not found out."""
    end = audited()
    sys.stderr.write("\n".join(end.said) + "\n")
    return end.code


if __name__ == "__main__":
    sys.exit(main())
