"""`make slack-gallery`: every message, form and home tab of the chat on one page, as Slack would show them, in light and dark.

The page is made of the Block Kit that the connector really makes; nothing in it is written by hand but the small shop it tells of.
"""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, select_autoescape

from tests.gallery.scenes import scenes
from tests.gallery.shown import Json, Shown

OUT = Path("out/slack-gallery.html")
HERE = Path(__file__).parent


def main() -> int:
    """Write the page; fails where a message breaks one of Slack's limits."""
    pictures = list(scenes())
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(page(pictures), encoding="utf-8")
    broken = [one for one in pictures if one.faults]
    for one in broken:
        print(f"{one.name}: {'; '.join(one.faults)}", file=sys.stderr)
    print(f"{len(pictures)} pictures, {len(broken)} beyond a limit: {OUT}")
    return 1 if broken else 0


def page(pictures: list[Shown]) -> str:
    """The HTML; every word in it is escaped."""
    made = Environment(
        loader=FileSystemLoader(HERE), autoescape=select_autoescape(default=True, default_for_string=True)
    )
    made.filters["when"] = lambda stamp: f"{datetime.fromtimestamp(stamp, UTC):%b %-d at %H:%M}"
    return made.get_template("page.html.jinja").render(pictures=pictures, sides=("light", "dark"), spans=spans)


def spans(part: Json) -> Iterator[Json]:
    """The elements of a section of rich_text."""
    yield from part.get("elements", [])


if __name__ == "__main__":
    sys.exit(main())
