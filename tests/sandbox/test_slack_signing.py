"""Requests signed as Slack signs them, judged by Slack's own verifier."""

from datetime import UTC, datetime, timedelta

from slack_sdk.signature import SignatureVerifier

from loopbot.sandbox.slack import SIGNING_SECRET, signed_request

BODY = b"command=%2Floop&text=status"


def test_a_signed_request_is_valid_and_a_changed_body_is_not() -> None:
    headers = signed_request(SIGNING_SECRET, BODY)
    verifier = SignatureVerifier(SIGNING_SECRET)
    assert verifier.is_valid_request(BODY, headers)
    assert not verifier.is_valid_request(BODY + b"&x=1", headers)
    assert not SignatureVerifier("another secret").is_valid_request(BODY, headers)


def test_a_request_signed_six_minutes_ago_is_too_old() -> None:
    headers = signed_request(SIGNING_SECRET, BODY, at=datetime.now(UTC) - timedelta(minutes=6))
    assert not SignatureVerifier(SIGNING_SECRET).is_valid_request(BODY, headers)
