"""`loopbot sandbox`: twins to rehearse against, and the replay of a real log."""

import tempfile
import threading
from pathlib import Path

from loopbot.cli.failures import DONE
from loopbot.cli.opening import console


def serve_sandbox(replay: Path | None, *, speed: float, verify: bool, port: int) -> int:
    """Serve until Ctrl-C; with a log and `verify`, mirror it, compare, and end."""
    if replay is not None:
        from loopbot.cli.replaying import serve_replay

        return serve_replay(replay, speed=speed, verify=verify, port=port)
    from loopbot.sandbox.company import KNOWLEDGE, STAFF, Company
    from loopbot.sandbox.estate import Estate
    from loopbot.wiring import starter_rules

    out = console()
    with tempfile.TemporaryDirectory(prefix="loopbot-sandbox-") as folder, Estate(port) as estate:
        company = Company(estate)
        company.move_in()
        company.write_down()
        path = estate.write_config(Path(folder), rules=starter_rules(), more=STAFF + KNOWLEDGE)
        out.print("A tea shop's systems, as twins on this machine. Nothing leaves it.", style="bold")
        for name, url in estate.urls.items():
            out.print(f"  {name:<11} {url}", markup=False)
        out.print("\nIn another terminal:")
        for command in ("check", "plan", "run"):
            out.print(f"  loopbot {command} -c {path}", markup=False, soft_wrap=True)
        out.print("\nCtrl-C ends it.")
        threading.Event().wait()
    return DONE
