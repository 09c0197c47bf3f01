"""What is wrong with an installation is told before anything is sent or called: by file, key, reason and remedy."""

import pytest

from tests.support.town import NOTE, Town

BROKEN = NOTE.replace('on = "incident"', "on = \"incident\"\nwhen = 'it.prority == 1'")
MISSPELT = NOTE.replace('do = "comment"', 'do = "coment"')
COMMANDS = (("run",), ("once",), ("plan",), ("rules", "check"))


def refused(town: Town, command: tuple[str, ...]) -> list[str]:
    """The lines on standard error of a command that must refuse, and must have left everybody alone."""
    calls, writes = town.estate.ledger.calls(), len(town.estate.ledger.entries())
    said = town.says(*command)
    assert said.code == 2, said
    assert "Traceback" not in said.err
    assert (town.estate.ledger.calls(), len(town.estate.ledger.entries())) == (calls, writes)
    return said.err.splitlines()


@pytest.mark.parametrize("command", COMMANDS)
def test_a_broken_rule_stops_everything_with_file_key_reason_and_suggestion(
    town: Town, command: tuple[str, ...]
) -> None:
    town.rule("note", NOTE)
    town.rule("urgent", BROKEN)
    assert refused(town, command)[:2] == [
        "rules/urgent.toml, when: an incident has no `prority`",
        "  → did you mean `it.priority`?",
    ]


@pytest.mark.parametrize("command", COMMANDS)
def test_all_mistakes_of_all_rules_are_told_at_once(town: Town, command: tuple[str, ...]) -> None:
    town.rule("urgent", BROKEN)
    town.rule("wrong", MISSPELT)
    town.rule(
        "elsewhere",
        NOTE.replace(
            'do = "comment"', 'do = "open"\nsystem = "gitlab"\nkind = "issue"\nplace = "X"\ntitle = "x"'
        ).replace("internal = true\n", ""),
    )
    told = refused(town, command)
    for name in ("rules/urgent.toml, when", "rules/wrong.toml, then[1].do", "rules/elsewhere.toml"):
        assert any(line.startswith(name) for line in told), (name, told)
    assert any("'gitlab', which is not configured" in line for line in told)
    assert any("add [systems.gitlab]" in line for line in told)


def test_a_rule_that_is_off_may_write_to_a_system_that_is_not_there(town: Town) -> None:
    town.rule(
        "elsewhere",
        'mode = "off"\n'
        + NOTE.replace(
            'do = "comment"', 'do = "open"\nsystem = "gitlab"\nkind = "issue"\nplace = "X"\ntitle = "x"'
        ).replace("internal = true\n", ""),
    )
    assert town.says("rules", "check").code == 0


@pytest.mark.parametrize(
    ("swap", "told"),
    [
        (('projects = ["LOOP"]', 'projects = "LOOP"'), "config.toml, systems.jira.projects: Input should be a valid tuple"),
        (('projects = ["LOOP"]', 'project = ["LOOP"]'), "config.toml, systems.jira.project: is not a key that is known here"),
        (('projects = ["LOOP"]', 'projects = ["loop 1"]'), "config.toml, systems.jira.projects: 'loop 1' is not a project key"),
        (('email = "', 'e_mail = "'), "config.toml, systems.jira.e_mail: is not a key that is known here"),
        (("incidents = { table", "incidents = { tabel"), "config.toml, systems.servicenow.incidents.tabel: is not a key that is known here"),
        (("feedback = [{ table", 'feedback = [{ tilte = "x", table'), "config.toml, systems.servicenow.feedback.0.tilte: is not a key"),
        (('type = "jira"', 'type = "gira"'), "config.toml, systems.jira.type: 'gira' is not a type of system loopbot knows"),
        (('type = "jira"', 'type = "jira"\nca = "no.pem"'), "config.toml, systems.jira.ca: there is no file "),
        (('issues_in = "jira"', ""), "config.toml, systems.github: issues_in and issue_keys belong together"),
        (('user = "loopbot"', ""), "config.toml, systems.servicenow: a password needs a user"),
    ],
)  # fmt: skip
def test_a_wrong_setting_of_a_system_is_told_with_its_whole_key(town: Town, swap: tuple[str, str], told: str) -> None:
    town.change(swap)
    lines = refused(town, ("once",))
    assert any(line.startswith(told) for line in lines), lines


@pytest.mark.parametrize(
    ("swap", "remedy"),
    [
        (('projects = ["LOOP"]', 'project = ["LOOP"]'), "  → did you mean 'projects'?"),
        (("incidents = { table", "incidents = { tabel"), "  → did you mean 'table'?"),
        (("feedback = [{ table", 'feedback = [{ tilte = "x", table'), "  → did you mean 'title'?"),
        (('type = "jira"', 'type = "gira"'), "  → did you mean 'jira'?"),
        (('type = "jira"', 'type = "redmine"'), "  → known: github, gitlab, jenkins, jira, servicenow, slack"),
    ],
)  # fmt: skip
def test_a_wrong_word_gets_the_right_one_as_a_suggestion(town: Town, swap: tuple[str, str], remedy: str) -> None:
    town.change(swap)
    assert remedy in refused(town, ("plan",))


def test_secrets_that_lead_nowhere_are_told_together_before_anybody_is_called(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOT_SET", raising=False)
    town.change(
        (f'token = "file:{town.folder / "github.secret"}"', 'token = "env:NOT_SET"'),
        (f'"file:{town.folder / "slack-app.secret"}"', '"keyring:loopbot/slack"'),
        (f'"file:{town.folder / "servicenow.secret"}"', '"file:gone"'),
    )
    for command in ("once", "run", "plan"):
        told = [line for line in refused(town, (command,)) if not line.startswith("  ")]
        assert told == [
            "config.toml, systems.servicenow.password: file:gone: this file can not be read",
            "config.toml, systems.github.token: env:NOT_SET: this environment variable is not set",
            "config.toml, systems.slack.app_token: keyring:loopbot/slack: the keyring does not have this",
        ]


def test_a_store_that_is_only_named_is_looked_up_and_told_by_its_key(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOT_SET", raising=False)
    town.change(('store = "sqlite:///loopbot.db"', 'store = "env:NOT_SET"'))
    for command in (("once",), ("outbox", "list"), ("alive",)):
        assert refused(town, command)[0].startswith(
            "config.toml, loopbot.store: env:NOT_SET: this environment variable"
        )


def test_looking_at_the_mirror_needs_no_secret(town: Town) -> None:
    town.says("once")
    for secret in town.folder.glob("*.secret"):
        secret.unlink()
    assert town.says("explain", "INC0010001").code == 0
    assert town.says("outbox", "list").code == 0


def test_a_folder_of_rules_that_is_not_there_is_told(town: Town) -> None:
    town.change((f'rules = "{town.rules}"', 'rules = "no-rules"'))
    assert "no-rules" in refused(town, ("once",))[0]
