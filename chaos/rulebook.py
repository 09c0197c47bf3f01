"""The rules under which the runs take place: every verb, every kind of match, and texts that tell effects apart."""

from pathlib import Path

from loopbot.domain.rulebook import Rulebook
from loopbot.language.loader import load_rules


def rulebook() -> Rulebook:
    """All rules of this folder; raises the first mistake in them."""
    loaded = load_rules(Path(__file__).parent / "rules")
    for error in loaded.errors:
        raise error
    return Rulebook(loaded.rules)
