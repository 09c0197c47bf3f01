"""Words as elements of Slack's rich_text, whose text is literal: nothing in it is markup, and no link hides where it leads."""

from collections.abc import Iterator
from typing import Any, Final

from loopbot.domain.speech import Address, Moment, Said, Words, spans

Json = dict[str, Any]
# The reader's own zone, in Slack's words.
_PRETTY: Final = "{date_short_pretty} at {time}"
_BY_DATE: Final = "{date_short}, {time}"


def section(words: Words) -> Json:
    """One run of words; never empty, which Slack refuses."""
    return {"type": "rich_text_section", "elements": list(elements(words)) or [{"type": "text", "text": " "}]}


def elements(words: Words) -> Iterator[Json]:
    """Each span as one element."""
    for span in spans(words):
        match span:
            case Moment():
                how = _BY_DATE if span.by_date else _PRETTY
                stamp = {"type": "date", "timestamp": int(span.at.timestamp()), "format": how}
                yield stamp | {"fallback": span.shown}
            case Address() if span.leads:
                yield {"type": "link", "url": span.url, "text": span.shown}
            case Address() if span.shown:
                yield {"type": "text", "text": span.shown}
            case Said(text, strong) if text:
                yield {"type": "text", "text": text} | ({"style": {"bold": True}} if strong else {})
