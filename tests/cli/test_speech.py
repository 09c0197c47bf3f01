"""How the command line speaks: help that fits, errors in a line with a remedy, exit codes."""

import contextlib
import io
import re
from pathlib import Path

import pytest

from loopbot.cli import failures, run_app
from loopbot.cli.app import app as commands
from loopbot.domain.errors import ConfigError, Rejected, RuleError, Transient
from loopbot.wiring import starter_rules
from tests.support.town import CHECKOUT, NOTE, Said, Town, asked, says

USUAL = ("servicenow", "jira", "github", "slack")
SYSTEMS = (*USUAL, "gitlab", "jenkins")


@pytest.mark.parametrize("columns", ["80", "120"])
@pytest.mark.parametrize("group", [(), ("outbox",), ("rules",), ("db",)])
def test_the_list_of_commands_is_whole_and_fits(
    monkeypatch: pytest.MonkeyPatch, columns: str, group: tuple[str, ...]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    said = says(*group, "--help")
    assert said.code == 0
    lines = said.out.splitlines()
    assert max(map(len, lines)) <= int(columns)
    listed = lines[lines.index("Commands:") + 1 :]
    assert len(listed) >= 3
    for line in listed:
        assert re.match(r"^  [a-z]+ +[A-Z].*\.$", line), line
        assert not line.endswith("..."), line


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (("nope",), ["No such command 'nope'.", "  → loopbot --help"]),
        (("outbox", "nope"), ["No such command 'nope'.", "  → loopbot outbox --help"]),
        (("once", "--nope"), ["No such option: --nope", "  → loopbot once --help"]),
        (("outbox", "retry"), ["Missing argument 'key'.", "  → loopbot outbox retry --help"]),
        (("explain",), ["Missing argument 'reference'.", "  → loopbot explain --help"]),
    ],
)  # fmt: skip
def test_a_mistyped_command_is_told_with_where_to_look(arguments: tuple[str, ...], lines: list[str]) -> None:
    said = says(*arguments)
    assert (said.code, said.out) == (2, "")
    assert [
        line.replace("'KEY'", "'key'").replace("'REFERENCE'", "'reference'") for line in said.err.splitlines()
    ] == lines


def test_without_a_configuration_every_command_says_how_to_make_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LOOPBOT_CONFIG", raising=False)
    for command in (("run",), ("once",), ("plan",), ("check",), ("alive",), ("explain", "X-1"), ("outbox", "list"), ("rules", "check")):  # fmt: skip
        said = says(*command)
        assert (said.code, said.out) == (2, "")
        assert said.err.splitlines() == ["config.toml: there is no such file", "  → make one with: loopbot init"]


def told(error: BaseException, *, verbose: bool = False) -> Said:
    err = io.StringIO()
    with contextlib.redirect_stderr(err):
        code = failures.told(error, verbose=verbose)
    return Said(code, "", err.getvalue())


def test_the_exit_code_says_whose_fault_it_is() -> None:
    assert told(ConfigError("config.toml, x", "is wrong", "mend it")) == Said(
        2, "", "config.toml, x: is wrong\n  → mend it\n"
    )
    assert told(Transient("jira", "is busy")) == Said(1, "", "jira: is busy\n")
    both = ExceptionGroup("x", [Rejected("jira", "no"), ExceptionGroup("y", [RuleError("a.toml", "bad")])])
    assert told(both) == Said(2, "", "jira: no\na.toml: bad\n")
    unexpected = told(ZeroDivisionError("division by zero"))
    assert unexpected.code == 1
    assert unexpected.err.splitlines() == [
        "something unexpected happened: ZeroDivisionError: division by zero",
        "  → this is a defect of loopbot; run again with -v for the details",
    ]


def test_a_defect_shows_a_traceback_only_when_asked_for(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("loopbot.cli.rounds.one_round", broken)
    assert "Traceback" not in town.says("once").err
    said = town.says("once", "-v")
    assert (said.code, "Traceback" in said.err) == (1, True)


def test_ctrl_c_prints_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("loopbot.cli.init.write_files", interrupted)
    said = says("init")
    assert (said.code, said.out, said.err.strip()) == (130, "", "Stopped.")
    monkeypatch.setattr("loopbot.cli.app.app", interrupted)
    assert run_app([]) == 130
    assert commands is not None


def test_init_writes_a_folder_whose_rules_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = says("init", "here")
    assert (said.code, said.err) == (0, "")
    assert "loopbot check -c here/config.toml" in said.out
    config = tmp_path / "here" / "config.toml"
    example = (CHECKOUT / "config.example.toml").read_text(encoding="utf-8")
    others = re.compile(rf"^# --- (?!{'|'.join(USUAL)})\w+ ---\n.*?(?=^# --- |\Z)", re.MULTILINE | re.DOTALL)
    assert config.read_text(encoding="utf-8") == others.sub("", example)
    assert says("rules", "check", "-c", str(config)).code == 0
    tested = says("rules", "test", "-c", str(config))
    assert tested.code == 0
    assert re.search(r"^\d+ cases passed, 0 failed\.$", tested.out, re.MULTILINE)


def test_init_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("mine", encoding="utf-8")
    said = says("init", str(tmp_path))
    assert said.code == 2
    assert "is there already" in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]
    (tmp_path / "config.toml").unlink()
    (tmp_path / "rules").mkdir()
    assert says("init", str(tmp_path)).code == 2
    assert not (tmp_path / "config.toml").exists()


@pytest.mark.parametrize(
    "systems",
    ["servicenow", "jira", "servicenow,slack", "jira, github", "github,slack,jira", "jira,gitlab", "gitlab", "jenkins"],
)
def test_init_for_some_systems_writes_only_those_and_switches_other_rules_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, systems: str
) -> None:
    said = says("init", str(tmp_path), "--systems", systems)
    assert said.code == 0
    chosen = {name.strip() for name in systems.split(",")}
    text = (tmp_path / "config.toml").read_text(encoding="utf-8")
    assert {name for name in SYSTEMS if f"[systems.{name}]" in text} == chosen
    named = re.search(r"From a manifest, with (.+)$", said.out, re.MULTILINE)
    assert bool(named) == ("slack" in chosen)
    assert named is None or Path(named[1]).is_file()
    config = str(tmp_path / "config.toml")
    checked = says("rules", "check", "-c", config)
    assert checked.code == 0, checked.err
    # Some starter rules are off by themselves, whatever systems there are.
    off = sum('mode = "off"' in path.read_text(encoding="utf-8") for path in starter_rules().glob("*.toml"))
    assert checked.out.count("[off]") == said.out.count(" is off: ") + off
    assert says("rules", "test", "-c", config).code == 0
    for name in re.findall(r'"env:([A-Z_]+)"', text):
        monkeypatch.setenv(name, "made-up")
    assert says("plan", "--local", "-c", config).code == 0, "what was written can be built"


def test_init_for_a_system_that_is_not_known_names_those_that_are(tmp_path: Path) -> None:
    said = says("init", str(tmp_path), "--systems", "jira,redmine")
    assert said.code == 2
    assert said.err.splitlines() == [
        "--systems redmine: is not a system the example knows",
        "  → known: servicenow, jira, github, gitlab, jenkins, slack",
    ]
    assert list(tmp_path.iterdir()) == []


def test_rules_test_of_a_rule_that_is_not_there_names_those_that_are(town: Town) -> None:
    town.rule("note", NOTE)
    said = town.says("rules", "test", "nothing")
    assert (said.code, said.err.splitlines()) == (2, ["nothing: is not a rule in this folder", "  → known: note"])


def test_commands_to_copy_are_never_broken_in_the_middle_of_a_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ("a-folder-with-a-long-name" * 4)
    monkeypatch.setenv("COLUMNS", "80")
    said = says("init", str(folder))
    assert f"  loopbot run -c {folder / 'config.toml'}" in said.out.splitlines()


def test_a_pipe_gets_neither_colour_nor_progress(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.rule("note", NOTE)
    said = asked(["plan", "-c", str(town.config)], town.folder)
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("note · servicenow:incident:")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    assert "\x1b" not in said.out + town.says("plan").out + town.says("check").out
