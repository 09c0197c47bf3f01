"""Near misses: the word a person probably meant."""

import difflib
from collections.abc import Iterable

from loopbot.domain.texts import listed


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that looks most like it, or none."""
    folded = {each.lower().replace("-", "_"): each for each in sorted(known)}
    found = difflib.get_close_matches(word.lower().replace("-", "_"), folded, n=1, cutoff=0.6)
    return folded[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str], prefix: str = "") -> str:
    """A hint: the nearest known word, else all of them."""
    known = sorted(set(known))
    near = nearest(word, known)
    if near:
        return f"did you mean `{prefix}{near}`?"
    return f"known here: {', '.join(known)}" if known else ""


def one_of(words: Iterable[str]) -> str:
    """Words to choose from, as a sentence part."""
    return listed(words)
