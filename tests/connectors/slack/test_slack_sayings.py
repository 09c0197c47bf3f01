"""What is whispered to whoever spoke: why something was declined, in their own time."""

from datetime import UTC, datetime
from typing import Any

from connectors.slack import speaking
from connectors.slack.sayings import SORRY, words
from loopbot.domain.errors import Declined
from loopbot.domain.speech import say
from loopbot.domain.telling import moment

AT = datetime(2026, 11, 28, 14, 5, tzinfo=UTC)


def dates(node: Any) -> list[int]:
    """The points in time that Slack shows each reader in their own zone."""
    inside = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    here = [node["timestamp"]] if isinstance(node, dict) and node.get("type") == "date" else []
    return here + [one for value in inside for one in dates(value)]


def test_a_refusal_names_the_time_in_the_zone_of_whoever_reads_it() -> None:
    why = f"Somebody was quicker. Beth: yes ({moment(AT)})."
    said = speaking.message(words(Declined(why, (AT,))))
    assert dates(said["blocks"]) == [int(AT.timestamp())]
    assert moment(AT) in speaking.message(words(Declined(why)))["text"]


def test_what_failed_is_told_and_what_was_said_is_shown_as_it_is() -> None:
    assert words(None) is SORRY
    assert words(say("Noted.")) == say("Noted.")
