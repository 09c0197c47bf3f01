"""`run` as a real process: it starts, works, stops when told, leaves nothing doubled or lost when killed."""

import json
import signal
import socket
import subprocess
import sys
from collections import Counter

import pytest

from loopbot.sandbox.faults import Fault
from tests.support.town import NOTE, SHOUT, Town, until

SECRET = "xoxb-0987654321-zyxwvutsrq"


@pytest.fixture
def quick(town: Town) -> Town:
    """Reads five times a second, looks for what was lost after a moment."""
    town.rule("note", NOTE)
    town.change(
        ("poll_seconds = 1.0", "poll_seconds = 0.2"),
        ('type = "slack"', 'type = "slack"\nseconds_between_posts = 0'),
    )
    with town.config.open("a", encoding="utf-8") as file:
        file.write("\n[waits]\nlook = 0.3\nland = 1\n")
    return town


def stopped(process: "subprocess.Popen[str]", by: signal.Signals = signal.SIGTERM) -> tuple[int, list[str]]:
    """Its exit code and its log, once it is told to stop."""
    process.send_signal(by)
    _, log = process.communicate(timeout=20)
    return process.returncode, log.splitlines()


def test_it_starts_works_keeps_its_log_clean_and_stops_when_told(quick: Town) -> None:
    town = quick
    town.change(('log_level = "info"', 'log_level = "info"\nlog_format = "json"'))
    own = town.estate.jira.token
    title = f"Export\r\nstops {SECRET}\x1b[31m at https://me:pass-word@x.example/?token=abcdef99 and {own}"
    town.rule("loud", NOTE.replace("Each incident gets a note.", "Loud: it.title").replace("Seen: ", "Loud: "))
    number = town.company.report("mara.lindqvist", title, f"my token is {SECRET}", "Order Export")
    process = town.starts("run")
    until(lambda: len(town.notes) == 14, "a note of each rule on each of the seven incidents", at_work=process)
    assert town.says("alive").code == 0
    town.company.report("mara.lindqvist", "Another one", "x", "Order Export")
    until(lambda: len(town.notes) == 16, "the notes on the incident that came later")
    code, log = stopped(process)
    assert code == 0
    assert town.says("alive").code == 1, "the sign of life is taken back"
    told = [json.loads(line) for line in log]
    assert {"loopbot is at work", "planned", "effect delivered", "loopbot stopped"} <= {one["event"] for one in told}
    assert any(number in str(one.get("record")) for one in told)
    for line in log:
        for secret in (SECRET, own, "pass-word", "abcdef99"):
            assert secret not in line
    assert Counter(town.notes).most_common(1)[0][1] == 1, "each note once"


def test_a_second_one_on_the_same_store_refuses_naming_pid_and_host(quick: Town) -> None:
    process = quick.starts("run")
    until(lambda: len(quick.notes) == 6, "the first one to work", at_work=process)
    calls = quick.estate.ledger.calls("slack")
    for command in ("run", "once"):
        said = quick.says(command)
        assert said.code == 2
        who = f"pid {process.pid} on {socket.gethostname()}"
        assert f"another loopbot is at work on this store: {who}" in said.err
        assert "Postgres" in said.err
    assert quick.estate.ledger.calls("slack") == calls
    assert quick.says("plan").code == 0, "looking is allowed"
    assert quick.says("outbox", "list").code == 0


def test_after_kill_9_in_the_middle_of_deliveries_each_effect_is_there_once(quick: Town) -> None:
    town = quick
    town.rule("shout", SHOUT)
    for number in range(6):
        town.company.report("mara.lindqvist", f"Ticket {number}", "x", "Order Export")
        town.company.change(f"Change {number}", "x", "Order Export", minutes_ago=5)
    # The answers hang while the twins have acted: the process dies with writes on their way.
    town.estate.servicenow.faults.add(Fault("hang", "POST .*/batch|PATCH", seconds=3))
    town.estate.slack.faults.add(Fault("hang", "chat.postMessage", skip=2, seconds=3))
    process = town.starts("run")
    until(
        lambda: town.estate.servicenow.faults.waiting() == 0 and town.estate.slack.faults.waiting() == 0,
        "writes to hang in both systems",
        at_work=process,
    )
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    states = Counter(one["state"] for one in town.says("outbox", "list", "--json", "--limit", "100").json["effects"])
    assert states["sending"] >= 2, states
    again = town.starts("run")
    until(lambda: states_of(town) == {"settled"}, "everything to be settled", at_work=again)
    assert stopped(again)[0] == 0
    assert len(town.notes) == 12
    assert max(Counter(town.notes).values()) == 1
    posts = [str(one.payload["text"]) for one in town.estate.ledger.entries("slack", "post")]
    assert sorted(posts) == sorted(f"Changed: Change {number}" for number in range(6))


def states_of(town: Town) -> set[str]:
    return {one["state"] for one in town.says("outbox", "list", "--json", "--limit", "100").json["effects"]}


def test_it_leaves_within_its_time_though_a_call_hangs_and_what_was_not_begun_stays_planned(quick: Town) -> None:
    town = quick
    town.rule("shout", SHOUT)
    for number in range(3):
        town.company.change(f"Change {number}", "x", "Order Export", minutes_ago=5)
    town.estate.slack.faults.add(Fault("slow", "chat.postMessage", seconds=1.5))
    process = town.starts("run")
    until(lambda: town.estate.slack.faults.waiting() == 0, "a post on its way", at_work=process)
    code, _ = stopped(process)
    assert code == 0
    left = town.says("outbox", "list", "--json", "--system", "slack").json["effects"]
    assert Counter(one["state"] for one in left)["sending"] == 0, "what was under way was waited for"
    posts = len(town.estate.ledger.entries("slack", "post"))
    assert posts == sum(one["state"] == "settled" for one in left)
    assert town.says("once").code == 0
    assert len(town.estate.ledger.entries("slack", "post")) == 3


def test_a_system_that_is_down_from_the_start_does_not_keep_the_others_from_working(quick: Town) -> None:
    town = quick
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{unused.getsockname()[1]}"
    town.change(
        (town.estate.urls["slack"], nobody), (f'base_url = "{town.estate.urls["jira"]}"', f'base_url = "{nobody}"')
    )
    process = town.starts("run")
    until(lambda: len(town.notes) == 6, "the notes", at_work=process)
    code, log = stopped(process, signal.SIGINT)
    assert code == 0
    assert not any("Traceback" in line for line in log)
    assert any("people are not heard yet" in line for line in log)
    assert any("stream not read to its end" in line and "jira" in line for line in log)


def test_without_an_app_token_it_hears_nothing_and_the_sign_of_life_needs_neither_rules_nor_secrets(
    quick: Town,
) -> None:
    town = quick
    app_token = next(
        line for line in town.config.read_text(encoding="utf-8").splitlines() if line.startswith("app_token")
    )
    town.change((app_token, ""))
    process = town.starts("run")
    until(lambda: len(town.notes) == 6, "the notes", at_work=process)
    town.rule("broken", "about = 1")
    (town.folder / "jira.secret").unlink()
    said = town.says("alive")
    assert (said.code, str(process.pid) in said.out) == (0, True)
    code, log = stopped(process)
    assert code == 0
    assert any("people are not heard" in line for line in log)


def test_the_daemon_holds_neither_what_reads_the_command_line_nor_what_only_training_needs() -> None:
    seen = (
        "import sys, loopbot.cli.daemon, loopbot.cli.running, loopbot.wiring, loopbot.engine.embedded\n"
        "print(*sorted({'typer', 'rich', 'sklearn', 'scipy', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, check=True)  # noqa: S603 - our own program
    assert done.stdout.strip() == ""


def test_a_text_whose_server_does_not_say_its_encoding_is_read_as_utf_8_by_a_daemon() -> None:
    seen = (
        "from loopbot.thrift import import_requests_without_guessing as lean; lean()\n"
        "import requests, sys; answer = requests.Response(); answer._content = 'Störung, 障害'.encode()\n"
        "print(ascii(answer.text), 'charset_normalizer' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", seen], capture_output=True, text=True, check=True)  # noqa: S603 - our own program
    assert done.stdout.split() == [*ascii("Störung, 障害").split(), "False"]


def test_a_part_of_a_library_that_is_never_used_is_left_out_and_says_so_where_it_is_used() -> None:
    seen = (
        "import sys; from loopbot.thrift import instead_of\n"
        "with instead_of({'far.away': ('Thing',)}):\n"
        "    from far.away import Thing\n"
        "print('far.away' in sys.modules, issubclass(Thing, Exception))\n"
        "try: Thing(1, two=2)\n"
        "except NotImplementedError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", seen], capture_output=True, text=True, check=True)  # noqa: S603 - our own program
    assert done.stdout.splitlines() == ["False True", "Thing was left out when its module was imported"]
