"""The demo as a stranger sees it: one command, the whole loop, everything written once."""

import pytest

from loopbot.cli import run_app


def test_the_demo_closes_its_loop_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_app(["demo", "--fast"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    for step in (
        "internal note on INC0010007: “Probably caused by CHG0010001",
        "Are these 3 incidents on Order Export one problem?",
        "Beth Anglin reads the three in #support",
        "problem PRB0010001 opened",
        "issue LOOP-5 opened",
        "rule announce-fix",
        "In production since",
        "presses “Yes, it works”",
        "each once, each with its reason; 0 stuck",
        "loopbot check",
    ):
        assert step in told
    assert told.count("“What you reported on") == 4, (
        "each of the three is told once, and Mara's message is updated once"
    )
