"""The configuration: what it refuses, and how it says so."""

from pathlib import Path

import pytest

from loopbot.config import Config, SecretStore, load_config
from loopbot.domain.errors import ConfigError


def written(folder: Path, text: str) -> Path:
    path = folder / "config.toml"
    path.write_text(text, encoding="utf-8")
    return path


def mistakes(path: Path) -> list[str]:
    """Each mistake as it is told: where: why (hint)."""
    try:
        load_config(path)
    except ConfigError as error:
        return [str(error)]
    except ExceptionGroup as group:
        return [str(error) for error in group.exceptions]
    return []


def test_an_empty_file_is_a_configuration_with_the_defaults(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, ""))
    assert config.systems == {}
    assert config.store_url == f"sqlite:///{tmp_path / 'loopbot.db'}"
    assert config.rules_folder == tmp_path / "rules"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[loopbot]\npol_seconds = 5", "config.toml, loopbot.pol_seconds: is not a key that is known here (did you mean 'poll_seconds'?)"),
        ("[loopbt]\nrules = 'x'", "config.toml, loopbt: is not a key that is known here (did you mean 'loopbot'?)"),
        ("[loopbot]\nxyz = 1", "config.toml, loopbot.xyz: is not a key that is known here (config.example.toml explains every key)"),
        ("[systems.jira]\nbase_url = 'x'", "config.toml, systems.jira.type: is missing (config.example.toml explains every key)"),
        ("[systems]\njira = 'x'", "config.toml, systems.jira: Input should be"),
        ("systems = 'x'", "config.toml, systems: Input should be"),
        ("systems = ['x']", "config.toml, systems: Input should be"),
        ("[loopbot]\npoll_seconds = 'often'", "config.toml, loopbot.poll_seconds: Input should be a valid number"),
        ("[loopbot]\npoll_seconds = 0", "config.toml, loopbot.poll_seconds: Input should be greater than 0"),
        ("[loopbot]\nsweep_at = '25:00'", "config.toml, loopbot.sweep_at: "),
        ("[loopbot]\nlog_level = 'loud'", "config.toml, loopbot.log_level: Input should be 'debug', 'info', 'warning' or 'error'"),
        ("[loopbot]\nstore = 'mysql://x/y'", "config.toml, loopbot.store: is not a store loopbot knows: write sqlite:///FILE"),
        ("[systems.'a:b']\ntype = 'jira'", "config.toml: systems.a:b can not be the name of a system"),
        ("[systems.jira]\ntype = 'jira'\npoll_seconds = -1", "config.toml, systems.jira.poll_seconds: "),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_file_key_reason_and_suggestion(tmp_path: Path, text: str, told: str) -> None:
    (said,) = mistakes(written(tmp_path, text))
    assert said.startswith(told)


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    said = mistakes(written(tmp_path, "[loopbot]\nrulez = 'x'\nlog_format = 'xml'\n[systems.jira]\nurl = 'x'\n"))
    assert [one.split(":")[0] for one in said] == [
        "config.toml, loopbot.log_format",
        "config.toml, loopbot.rulez",
        "config.toml, systems.jira.type",
    ]


def test_broken_toml_is_told_with_its_line(tmp_path: Path) -> None:
    path = written(tmp_path, "[loopbot]\nrules = rules\n")
    (said,) = mistakes(path)
    assert said.startswith(f"{path}: is not valid TOML: ")
    assert "line 2, column 9" in said
    assert "\n" not in said


def test_a_file_that_is_not_there_or_not_text_is_told(tmp_path: Path) -> None:
    assert mistakes(tmp_path / "none.toml") == [
        f"{tmp_path / 'none.toml'}: there is no such file (make one with: loopbot init)"
    ]
    assert "can not be read" in mistakes(tmp_path)[0]
    (tmp_path / "config.toml").write_bytes(b"\xff\xfe\x00")
    assert "can not be read" in mistakes(tmp_path / "config.toml")[0]


SECRET = "hunter2-hunter2"


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (f"[systems.jira]\ntype = 'jira'\ntoken = '{SECRET}'", ["systems.jira.token"]),
        (f"[systems.jira]\ntype = 'jira'\n[systems.jira.auth.inner]\napi_key = '{SECRET}'", ["systems.jira.auth.inner.api_key"]),
        (f"[[systems.sn.feedback]]\ntable = 'x'\npassword = '{SECRET}'", ["systems.sn.feedback.0.password"]),
        (f"[systems.a]\ntoken = '{SECRET}'\n[systems.b]\nclient_secret = '{SECRET}'", ["systems.a.token", "systems.b.client_secret"]),
        (f"[systems.a]\ntoken = ['{SECRET}']", ["systems.a.token.0"]),
        (f"[loopbot]\nstore = 'postgresql+psycopg://loopbot:{SECRET}@db.example.com/loopbot'", ["loopbot.store"]),
        (f"[systems.a]\nbase_url = 'https://me:{SECRET}@it.example.com'", ["systems.a.base_url"]),
        ("[systems.a]\nuser = 'xoxb-12345678-abcdefgh'", ["systems.a.user"]),
        ("[systems.a]\ntoken = 'env:ghp_abcdefghijklmnopqrstuvwxyz123456'", ["systems.a.token"]),
        (f"[systems.a]\ntoken = 'env: {SECRET}'", ["systems.a.token"]),
    ],
)  # fmt: skip
def test_a_secret_in_clear_text_is_refused_and_never_repeated(tmp_path: Path, text: str, where: list[str]) -> None:
    said = mistakes(written(tmp_path, text))
    assert [one.split(":")[0] for one in said] == [f"config.toml, {key}" for key in where]
    for one in said:
        assert "holds a secret in clear text" in one
        assert "env:NAME" in one
        assert SECRET not in one
        assert "xoxb-" not in one


def test_what_only_sounds_like_a_secret_is_let_through(tmp_path: Path) -> None:
    text = '[systems.token]\ntype = "jira"\nuser = "me"\nstates = { "Ready" = "todo" }\n[systems.sn]\ntype = "servicenow"\ntoken = ""'
    assert mistakes(written(tmp_path, text)) == []


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SecretStore:
    monkeypatch.setenv("JIRA_TOKEN", "from the environment")
    monkeypatch.setenv("EMPTY", "")
    monkeypatch.delenv("ABSENT", raising=False)
    (tmp_path / "token").write_text("from a file\n", encoding="utf-8")
    return SecretStore(tmp_path)


def test_references_lead_to_the_secret_also_to_a_file_beside_the_configuration(
    secrets: SecretStore, tmp_path: Path
) -> None:
    assert secrets.resolve("env:JIRA_TOKEN") == "from the environment"
    assert secrets.resolve(f"file:{tmp_path / 'token'}") == "from a file"
    assert secrets.resolve("file:token") == "from a file"


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("env:ABSENT", "env:ABSENT: this environment variable is not set (set it where loopbot runs)"),
        ("env:EMPTY", "env:EMPTY: is empty (put the secret there)"),
        ("file:/no/such/file", "file:/no/such/file: this file can not be read (does it exist, and may loopbot read it?)"),
        ("keyring:loopbot/jira", "keyring:loopbot/jira: the keyring does not have this (write keyring:SERVICE/USER and"),
        ("vault:x", "vault:x: is not a reference to a secret (write env:NAME, file:/path or keyring:service/user)"),
    ],
)  # fmt: skip
def test_a_reference_that_leads_nowhere_is_told_with_its_remedy(
    secrets: SecretStore, reference: str, told: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        secrets.resolve(reference)
    assert str(caught.value).startswith(told)


def test_what_came_along_when_a_secret_was_copied_is_not_a_part_of_it(
    secrets: SecretStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COPIED", "  correct-horse-battery\r\n")
    assert secrets.resolve("env:COPIED") == "correct-horse-battery"


@pytest.mark.parametrize("inside", ["\n", "\r\n", "\x1b", "\t"])
def test_a_secret_that_no_header_can_hold_is_refused_without_being_told(
    secrets: SecretStore, tmp_path: Path, inside: str
) -> None:
    """Libraries name the whole header where they refuse to send it."""
    (tmp_path / "copied").write_text(f"correct-horse{inside}battery-staple", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        secrets.resolve("file:copied")
    assert str(caught.value).startswith("file:copied: holds a line break or another control character")
    assert "horse" not in str(caught.value)


def test_what_was_resolved_and_what_looks_like_a_token_is_left_out_of_texts(
    secrets: SecretStore, tmp_path: Path
) -> None:
    beside = secrets.beside(tmp_path / "config.toml")
    beside.resolve("env:JIRA_TOKEN")
    texts = {
        "it is from the environment": "it is [secret]",
        "send xoxb-1234567890-abcdef now": "send [secret] now",
        "https://me:pass@host/x": "https://[secret]@host/x",
        "GET /x?token=abcdef123&y=1": "GET /x?token=[secret]&y=1",
        "Authorization: Bearer abcdefgh12345": "Authorization: Bearer [secret]",
        "a token: it is not set, the secret is out": "a token: it is not set, the secret is out",
    }  # fmt: skip
    assert {text: secrets.redacted(text) for text in texts} == texts


def test_paths_are_relative_to_the_file_and_absolute_ones_stay(tmp_path: Path) -> None:
    config = load_config(written(tmp_path, '[loopbot]\nstore = "sqlite:///data/x.db"\nrules = "r"'))
    assert (config.store_url, config.rules_folder) == (f"sqlite:///{tmp_path}/data/x.db", tmp_path / "r")
    config = load_config(written(tmp_path, '[loopbot]\nstore = "sqlite:////var/x.db"\nrules = "/etc/rules"'))
    assert (config.store_url, str(config.rules_folder)) == ("sqlite:////var/x.db", "/etc/rules")


def test_a_system_may_have_a_rhythm_of_its_own(tmp_path: Path) -> None:
    text = '[loopbot]\npoll_seconds = 30\n[systems.a]\ntype = "jira"\npoll_seconds = 5\n[systems.b]\ntype = "jira"'
    config: Config = load_config(written(tmp_path, text))
    assert (config.poll_seconds("a"), config.poll_seconds("b")) == (5, 30)
