"""The hand-written cue phrases (topic_cues.toml), and finding them in a list of words in one pass."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import NamedTuple

START = "^"
_ANY = "_"
_LONGEST_PREFIX = 12


class Found(NamedTuple):
    """A cue: of which group, at which word it begins, and the words themselves."""

    group: str
    at: int
    words: str


@dataclass(frozen=True, slots=True)
class Cues:
    """The lexicon, ordered by first words. `says` names each group in a reason."""

    says: Mapping[str, str]
    exact: Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]]
    beginnings: Mapping[str, tuple[tuple[str, tuple[str, ...]], ...]]
    anywhere: Mapping[str, tuple[str, ...]]

    def find(self, words: Sequence[str], starts: frozenset[int] = frozenset({0})) -> list[Found]:
        """Every cue among the words, one a group and place; `starts` are the places where a sentence begins."""
        found: dict[tuple[str, int], Found] = {}
        for at, word in enumerate(words):
            for group, rest in self._beginning_with(word, starts=at in starts):
                if (group, at) not in found and _follows(words, at + 1, rest):
                    found[group, at] = Found(group, at, " ".join(words[at : at + 1 + len(rest)]))
        return list(found.values())

    def inside(self, text: str) -> list[Found]:
        """Cues of writing without spaces, and signs."""
        if text.isascii() and ":" not in text and ";" not in text and "<" not in text:
            return []
        small = text.lower()
        return [Found(group, 0, each) for group, several in self.anywhere.items() for each in several if each in small]

    def _beginning_with(self, word: str, *, starts: bool) -> list[tuple[str, tuple[str, ...]]]:
        found = list(self.exact.get(word, ()))
        if starts:
            found += self.exact.get(START + word, ())
        for length in range(2, min(len(word), _LONGEST_PREFIX) + 1):
            found += self.beginnings.get(word[:length], ())
        if len(word) > 5 and word.endswith(("error", "exception")):
            found.append(("error", ()))
        return found


def _follows(words: Sequence[str], at: int, rest: tuple[str, ...]) -> bool:
    if at + len(rest) > len(words):
        return False
    return all(_fits(word, wanted) for word, wanted in zip(words[at:], rest, strict=False))


def _fits(word: str, wanted: str) -> bool:
    return wanted in {_ANY, word} or (wanted.endswith("*") and word.startswith(wanted[:-1]))


@cache
def cues() -> Cues:
    """The lexicon, read once."""
    raw = tomllib.loads(files("loopbot.judgement").joinpath("topic_cues.toml").read_text(encoding="utf-8"))
    exact: dict[str, dict[tuple[str, tuple[str, ...]], None]] = {}
    beginnings: dict[str, dict[tuple[str, tuple[str, ...]], None]] = {}
    for group, table in raw.items():
        for phrase in table["phrases"]:
            first, *rest = phrase.split()
            if first.startswith("*"):
                continue  # endings are looked for by _beginning_with
            place = beginnings if first.endswith("*") else exact
            place.setdefault(first.rstrip("*"), {})[group, tuple(rest)] = None
    return Cues(
        {group: table["says"] for group, table in raw.items()},
        {first: tuple(each) for first, each in exact.items()},
        {first: tuple(each) for first, each in beginnings.items()},
        {group: tuple(table.get("anywhere", ())) for group, table in raw.items()},
    )
