"""What looks like a secret is blotted out, what does not is left alone, and no text makes that slow."""

import base64
import json
import time
from urllib.parse import quote, quote_plus

import pytest

from loopbot.domain.redaction import BLOT, Known, holds_secret, scrubbed
from loopbot.domain.texts import clean

KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n-----END RSA PRIVATE KEY-----"
# Put together here, so that nothing takes this file for a leak.
SECRETS = [
    "xox" + "b-1234567890-abcdefghij",
    "xapp-" + "1-A0123-456-abcdef",
    "gh" + "p_0123456789abcdefghijABCDEFGHIJ012345",
    "github_pat_" + "11AAAAAAA0abcdefghijkl",
    "glpat-" + "abcdefghij0123456789",
    "ATATT" + "3xFfGF0abcdefghij=ABCDEF12",
    "AKIA" + "IOSFODNN7EXAMPLE",
    "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0" + ".dozjgNryP4J3jVmNHl0w5N",
    "sk-" + "abcdefghijklmnopqrst0123",
    KEY,
]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_token_pasted_into_a_text_is_blotted_out(secret: str) -> None:
    """X10."""
    said = clean(f"It fails since noon, I used {secret} for it.")
    assert said == f"It fails since noon, I used {BLOT} for it."
    assert scrubbed(said) == said


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("curl -H 'Authorization: Bearer abcdef0123456789'", f"curl -H 'Authorization: Bearer {BLOT}'"),
        ("Authorization: Basic bWU6cGFzc3dvcmQx", f"Authorization: Basic {BLOT}"),
        ("https://me:geheim@db.example.com/x", f"https://{BLOT}@db.example.com/x"),
        ("/x?token=abcdef&page=2", f"/x?token={BLOT}&page=2"),
        ("PASSWORD=hunter22 does not work", f"PASSWORD={BLOT} does not work"),
        (f"before {KEY[:50]} cut off", f"before {BLOT}"),
    ],
)
def test_what_stands_around_a_secret_stays(text: str, left: str) -> None:
    assert scrubbed(text) == left


@pytest.mark.parametrize(
    "text",
    [
        "The basic functionality is missing, and the bearer of this ticket is angry.",
        "Please reset my password: it does not work.",
        "Ask ines.moreau@example.com, see https://it.example.com/nav_to.do?uri=incident.do",
        "The token bucket is empty; task-force, risk-averse, gh_actions, sk-learn",
        "Signature of the contract = missing",
        "",
    ],
)
def test_prose_is_left_alone(text: str) -> None:
    assert scrubbed(text) == text
    assert not holds_secret(text)


@pytest.mark.parametrize(
    "text",
    [
        "eyJ" * 33_000,
        "sk-" + "a-sk-" * 20_000,
        "basic " + "basic" * 20_000,
        "-----BEGIN PRIVATE KEY-----" * 3_700,
        "x=1 " + "basic bbbbbbbbb.bearer " * 4_000,
        "://" * 33_000 + "@",
        "a@://" + "x:" * 50_000,
        "xox" * 33_000,
        "password=" * 11_000,
    ],
)
def test_no_text_of_100_kb_takes_long(text: str) -> None:
    start = time.process_time()
    scrubbed(text)
    assert time.process_time() - start < 0.5


OWN = 'Zq7 "own"+pass/word\\ \u00fc Kp9'


@pytest.fixture
def known() -> Known:
    one = Known()
    one.add(OWN)
    return one


@pytest.mark.parametrize("before", ["", "me:", "you:", "them:"])
def test_a_known_secret_is_recognised_in_every_form_it_is_sent_or_shown_in(known: Known, before: str) -> None:
    forms = [
        OWN,
        quote(OWN),
        quote(OWN, safe=""),
        quote_plus(OWN),
        repr(OWN),
        repr(OWN.encode()),
        json.dumps(OWN),
        json.dumps({"password": OWN}, ensure_ascii=False),
    ]
    assert known.forms
    for form in forms:
        assert "Kp9" not in scrubbed(f"it said {form} and more")
    header = base64.b64encode(f"{before}{OWN}".encode()).decode()
    left = scrubbed(f"it was {header}.")
    assert BLOT in left
    assert not any(header[at : at + 12] in left for at in range(4, len(header) - 14))


def test_what_nobody_holds_any_more_is_a_word_like_others() -> None:
    one = Known()
    one.add("strawberries")
    one.add("jam")
    assert scrubbed("strawberries and jam") == f"{BLOT} and jam", "and what is that short is no secret"
    del one
    assert scrubbed("strawberries and jam") == "strawberries and jam"


def test_a_text_is_cut_after_its_secrets_are_out_wherever_they_lie(known: Known) -> None:
    for secret in (OWN, SECRETS[2]):
        for offset in range(60, 110):
            kept = clean("x" * (offset - 1) + " " + secret + " and so on", 100)
            assert not any(secret[at : at + 4] in kept for at in range(len(secret) - 3)), offset
    assert known.forms


def test_knowing_some_secrets_costs_little() -> None:
    """Ten thousand records have some fifty thousand texts."""
    one = Known()
    text = "The export of orders stands still since noon, and nobody knows why. " * 3

    def seconds() -> float:
        began = time.process_time()
        for _ in range(50_000):
            scrubbed(text)
        return time.process_time() - began

    alone = seconds()
    for number in range(12):
        one.add(f"{number}-instance-password-of-some-length-{number}")
    assert seconds() - alone < 1.5
