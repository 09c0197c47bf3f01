"""Everything the chat says is within Slack's limits and on the gallery's page, as text."""

from loopbot.sandbox.slack import Message, notified
from tests.gallery.__main__ import page
from tests.gallery.scenes import scenes


def test_every_picture_is_within_the_limits_and_calls_nobody() -> None:
    pictures = list(scenes())
    assert len(pictures) >= 35
    assert {one.name: one.faults for one in pictures if one.faults} == {}
    assert all(notified(Message("1", "C", "U", "", list(one.blocks))) == set() for one in pictures)  # type: ignore[arg-type]
    html = page(pictures)
    assert html.count('class="side light') == html.count('class="side dark') == len(pictures)
    assert "<!channel>" not in html
    assert "&lt;!channel&gt;" in html
