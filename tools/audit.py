"""Asks whether a locked dependency has a known vulnerability, and says plainly when that could not be found out."""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
LOCKED = ROOT / "requirements" / "run.txt"
CLEAN, VULNERABLE, UNKNOWN = 0, 1, 2
_NO_NETWORK = (
    "ConnectionError",
    "Max retries",
    "ConnectTimeout",
    "ReadTimeout",
    "ProxyError",
    "Name or service not known",
)


def verdict(code: int, said: str) -> tuple[int, str]:
    """What an end of pip-audit means: an exit code, and a sentence."""
    if code == 0:
        return CLEAN, "No locked dependency has a known vulnerability."
    if any(sign in said for sign in _NO_NETWORK):
        return UNKNOWN, "Not checked: the network does not let pip-audit ask. Run `make audit` where it does."
    if "known vulnerabilit" in said:
        return VULNERABLE, "Raise what is named above in pyproject.toml, then: make lock"
    return UNKNOWN, "Not checked: pip-audit failed, see above."


def main() -> int:
    """Run pip-audit on the locked requirements."""
    tool = shutil.which("pip-audit")
    if tool is None:
        sys.stderr.write(
            "Not checked: pip-audit is not installed. Install it apart from loopbot: pipx install pip-audit\n"
        )
        return UNKNOWN
    asked = [tool, "--disable-pip", "--require-hashes", "--progress-spinner", "off", "-r", str(LOCKED)]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments
    said = done.stdout + done.stderr
    code, sentence = verdict(done.returncode, said)
    sys.stderr.write(said if code != UNKNOWN else said[-2000:])
    sys.stderr.write(sentence + "\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
