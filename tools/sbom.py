"""Writes what loopbot is made of as a CycloneDX document, from the locked requirements and what is installed. No network."""

import hashlib
import json
import re
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

ROOT = Path(__file__).parents[1]
_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)(?:\s*;\s*(?P<when>[^\\]+?))?\s*\\?$")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def components(requirements: str) -> list[dict[str, object]]:
    """One component for each pinned requirement, with its hashes, and its licence where it is installed."""
    found: list[dict[str, object]] = []
    hashes: list[dict[str, str]] = []
    for line in requirements.splitlines():
        if pin := _PIN.match(line.strip()):
            name, version = pin["name"].lower(), pin["version"]
            hashes = []
            one: dict[str, object] = {
                "type": "library",
                "bom-ref": f"pkg:pypi/{name}@{version}",
                "purl": f"pkg:pypi/{name}@{version}",
                "name": name,
                "version": version,
                "hashes": hashes,
            }
            if pin["when"]:
                one["properties"] = [{"name": "python:marker", "value": pin["when"].strip()}]
            if licence := _licence(name):
                one["licenses"] = [{"license": {"name": licence}}]
            found.append(one)
        elif known := _HASH.search(line):
            hashes.append({"alg": "SHA-256", "content": known[1]})
    return found


def document(root: Path = ROOT) -> dict[str, object]:
    """The whole document; the same requirements always give the same one."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    locked = (root / "requirements" / "run.txt").read_text(encoding="utf-8")
    digest = hashlib.sha256(locked.encode()).hexdigest()
    serial = f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": project["name"], "version": _version(project)}},
        "components": components(locked),
    }


def _version(project: dict[str, object]) -> str:
    if "version" in project:
        return str(project["version"])
    try:
        return str(metadata("loopbot")["Version"])
    except PackageNotFoundError:
        return "0"


def _licence(name: str) -> str:
    try:
        told = metadata(name)
    except PackageNotFoundError:
        return ""
    stated = told.get_all("License-Expression") or []
    if stated:
        return str(stated[0])
    classified = [one.rpartition(" :: ")[2] for one in told.get_all("Classifier") or [] if one.startswith("License")]
    return ", ".join(classified) or str((told.get_all("License") or [""])[0]).partition("\n")[0][:100]


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "loopbot.cdx.json")
    made = document()
    target.write_text(json.dumps(made, indent=2) + "\n", encoding="utf-8")
    count = len(components((ROOT / "requirements" / "run.txt").read_text(encoding="utf-8")))
    sys.stdout.write(f"{target}: {count} components\n")
