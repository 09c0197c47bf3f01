"""The log: one line each, for people or machines, and nothing secret in it."""

import base64
import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from loopbot.cli.failures import told
from loopbot.config import SecretStore
from loopbot.domain.errors import StoreTrouble
from loopbot.domain.redaction import BLOT
from loopbot.logs import LogWitness, set_up

SECRET = "correct horse battery staple"
HOSTILE = "title\r\n2026-01-01T00:00:00Z [error    ] forged\x1b[2J\x00\x85\u2028\u202eend"


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> SecretStore:
    monkeypatch.setenv("THE_SECRET", SECRET)
    store = SecretStore()
    store.resolve("env:THE_SECRET")
    return store


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    handlers, level = list(logging.root.handlers), logging.root.level
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


def lines(form: str, secrets: SecretStore, level: str = "info") -> list[str]:
    """What is written for a few things that happen, one of them a library's warning."""
    out = io.StringIO()
    set_up(level, form, secrets.redacted, out)
    witness = LogWitness()
    witness.noted("plain", number=3, share=0.5)
    witness.noted(
        "hostile", title=HOSTILE, why=f"the body held {SECRET}", url="https://me:pw1234@x.example/?token=abcdefgh"
    )
    logging.getLogger("a.library").warning("it said\n%s and %s", SECRET, HOSTILE)
    logging.getLogger("a.library").info("not this")
    return out.getvalue().splitlines()


@pytest.mark.parametrize("form", ["text", "json"])
def test_each_thing_is_one_line_without_secrets_or_control_characters(secrets: SecretStore, form: str) -> None:
    told = lines(form, secrets)
    assert len(told) == 3
    for line in told:
        assert line.isprintable(), line
        for secret in (SECRET, "pw1234", "abcdefgh"):
            assert secret not in line
    assert "[secret]" in told[1]
    assert "[secret]" in told[2]


@pytest.mark.parametrize("form", [SECRET, SECRET.replace(" ", "+"), base64.b64encode(f"me:{SECRET}".encode()).decode()])
def test_what_ends_a_command_is_told_without_secrets_in_any_form(
    secrets: SecretStore, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    assert secrets.redacted(SECRET) == BLOT
    for error in (
        ValueError(f"Invalid header value {form!r}"),
        StoreTrouble("the store", f"said {form}", f"see {form}"),
    ):
        told(error, verbose=True)
    said = capsys.readouterr().err
    assert said.count(BLOT) >= 3
    assert form[6:18] not in said


def test_json_lines_parse_and_keep_numbers(secrets: SecretStore) -> None:
    first, second, third = map(json.loads, lines("json", secrets))
    assert (first["event"], first["number"], first["share"], first["level"]) == ("plain", 3, 0.5, "info")
    assert first["timestamp"].endswith("Z")
    assert second["title"].startswith("title\\r\\n2026")
    assert third["level"] == "warning"


def test_the_level_holds(secrets: SecretStore) -> None:
    assert len(lines("text", secrets, "warning")) == 1
    assert len(lines("text", secrets, "error")) <= 1


def test_an_endless_text_is_cut_and_marked(secrets: SecretStore) -> None:
    out = io.StringIO()
    set_up("info", "json", secrets.redacted, out)
    LogWitness().noted("long", text="x" * 100_000)
    assert len(out.getvalue()) < 1000
    assert json.loads(out.getvalue())["text"].endswith("…")
