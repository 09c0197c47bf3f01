"""Everything the chat says is within Slack's limits and on the gallery's page, as text."""

from dataclasses import replace
from typing import Any

from loopbot.domain.records import Record
from loopbot.sandbox.slack import Message, notified
from tests.gallery.__main__ import page
from tests.gallery.asking import asking
from tests.gallery.scenes import HOSTILE, scenes


def test_every_picture_is_within_the_limits_and_calls_nobody() -> None:
    pictures = list(scenes())
    assert len(pictures) >= 85
    assert {one.name: one.faults for one in pictures if one.faults} == {}
    assert all(notified(Message("1", "C", "U", "", list(one.blocks))) == set() for one in pictures)  # type: ignore[arg-type]
    html = page(pictures)
    assert html.count('class="side light') == html.count('class="side dark') == len(pictures)
    assert "<!channel>" not in html
    assert "&lt;!channel&gt;" in html


def test_hostile_tickets_in_questions_and_forms_stay_text_within_the_limits() -> None:
    def spoilt(record: Record) -> Record:
        return replace(record, title=f"{record.title} {HOSTILE * 40}", text=f"{record.text} {HOSTILE * 500}", services=frozenset({HOSTILE}))  # fmt: skip

    pictures = list(asking(spoilt))
    assert len(pictures) >= 25
    assert {one.name: one.faults for one in pictures if one.faults} == {}
    for one in pictures:
        assert notified(Message("1", "C", "U", "", list(one.blocks))) == set()  # type: ignore[arg-type]
        assert all(shown == leads and leads in LEADS for shown, leads in links(one.blocks)), links(one.blocks)
        assert "\u202e" not in str(one.blocks)


LEADS = {"https://evil.example", "https://bank.example"}


def links(node: Any) -> list[tuple[str, str]]:
    """Each link of foreign text, as it is shown and where it leads; those to tickets are ours."""
    inside = node.values() if isinstance(node, dict) else node if isinstance(node, (list, tuple)) else ()
    ours = isinstance(node, dict) and str(node.get("url", "")).startswith("https://it.example.com/")
    here = [(node["text"], node["url"])] if isinstance(node, dict) and node.get("type") == "link" and not ours else []
    return here + [one for value in inside for one in links(value)]
