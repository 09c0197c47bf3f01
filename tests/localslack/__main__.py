"""`make slack-local`: loopbot's real daemon against local-slack, a workspace that somebody else wrote.

local-slack (npm: local-slack-linux-x64, MIT) listens on all interfaces. So it runs, with everything that talks to it, in a
network namespace of its own, in which there is nothing but the loopback; where we are root, as nobody.
"""

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Final

from tests.localslack.workspace import BINARY

PACKAGE: Final = "local-slack-linux-x64@0.1.8"
INTEGRITY: Final = "sha512-2BCTKxKajjZNWCSCj66Jq5VDScUDNpGZ1lA3281I8RvpDE4/ULCwC26TlcW6/4sPbSTs02Q3KjTiltJp3ZBEvg=="
FOLDER: Final = Path("out/local-slack")
_TOOLS: Final = {"npm": "Node.js", "unshare": "util-linux"}


def main(arguments: list[str]) -> int:
    """Fetch it once, then run the tests beside this file in a namespace; their exit code."""
    missing = [f"{tool} ({of})" for tool, of in _TOOLS.items() if shutil.which(tool) is None]
    if missing or sys.platform != "linux":
        print(f"make slack-local needs Linux and {', '.join(missing) or 'nothing else'}", file=sys.stderr)
        return 2
    binary = (FOLDER / "package/bin/local-slack").resolve()
    if not binary.exists():
        _fetch()
    # Root needs no user namespace, and can give the process to nobody; anybody else is root only inside theirs.
    alone = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]
    tests = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:xdist", str(Path(__file__).parent), *arguments]
    return subprocess.run([*alone, *tests], env={**os.environ, BINARY: str(binary)}, check=False).returncode  # noqa: S603


def _fetch() -> None:
    """The package as it was when these tests were written, and no other; nothing of it is run at installation."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    fetch = ["npm", "pack", PACKAGE, "--ignore-scripts", "--silent", "--pack-destination", str(FOLDER)]
    name = subprocess.run(fetch, check=True, text=True, stdout=subprocess.PIPE).stdout.split()[-1]  # noqa: S603
    packed = FOLDER / name
    found = "sha512-" + base64.b64encode(hashlib.sha512(packed.read_bytes()).digest()).decode()
    if found != INTEGRITY:
        packed.unlink()
        message = f"{PACKAGE} is not what it was: {found}"
        raise SystemExit(message)
    with tarfile.open(packed) as archive:
        archive.extractall(FOLDER, filter="data")
    packed.unlink()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
