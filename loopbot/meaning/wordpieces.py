"""Texts as the numbers of word pieces, the way uncased BERT models read them: small letters, no accents, longest piece first.

The same pieces as the model's own tokenizer gives, which is not needed for it (tests hold the two equal on recorded texts).
"""

import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path

UNKNOWN, FIRST, LAST = "[UNK]", "[CLS]", "[SEP]"
_LONGEST = 100
"""A word of more characters is unknown."""
_CHARACTERS_A_PIECE = 40
"""What is read of a text: so many characters for each piece that is wanted are more than enough."""
_IDEOGRAPHS = (
    (0x4E00, 0x9FFF),
    (0x3400, 0x4DBF),
    (0x20000, 0x2A6DF),
    (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF),
    (0xF900, 0xFAFF),
    (0x2F800, 0x2FA1F),
)


class WordPieces:
    """Cuts texts into at most `most` pieces, the marks for beginning and end among them."""

    def __init__(self, numbers: Mapping[str, int], most: int) -> None:
        self._numbers = numbers
        self._most = most
        self._unknown, self._first, self._last = numbers[UNKNOWN], numbers[FIRST], numbers[LAST]

    @classmethod
    def read(cls, file: Path, most: int) -> "WordPieces":
        """By a vocabulary of one piece a line; raises OSError and KeyError."""
        lines = file.read_text(encoding="utf-8").split("\n")
        return cls({piece: number for number, piece in enumerate(lines) if piece}, most)

    def numbers(self, text: str) -> list[int]:
        """The numbers of a text's pieces."""
        room = self._most - 2
        found: list[int] = []
        for word in words(text[: room * _CHARACTERS_A_PIECE]):
            found.extend(self._cut(word))
            if len(found) >= room:
                break
        return [self._first, *found[:room], self._last]

    def _cut(self, word: str) -> list[int]:
        if len(word) > _LONGEST:
            return [self._unknown]
        found: list[int] = []
        start = 0
        while start < len(word):
            for end in range(len(word), start, -1):
                number = self._numbers.get(word[start:end] if not start else f"##{word[start:end]}")
                if number is not None:
                    found.append(number)
                    start = end
                    break
            else:
                return [self._unknown]
        return found


def words(text: str) -> Iterator[str]:
    """Its words and signs, each sign by itself, in small letters and without accents."""
    word: list[str] = []
    for letter in _plain(text):
        if letter.isspace():
            if word:
                yield "".join(word)
                word.clear()
        elif _is_sign(letter):
            if word:
                yield "".join(word)
                word.clear()
            yield letter
        else:
            word.append(letter)
    if word:
        yield "".join(word)


def _plain(text: str) -> str:
    """Without control characters and accents, spaces around ideographs, in small letters."""
    cleaned = []
    for letter in text:
        if letter in "\t\n\r":
            cleaned.append(" ")
        elif letter in "\0\ufffd" or unicodedata.category(letter).startswith("C"):
            continue
        elif _is_ideograph(ord(letter)):
            cleaned.append(f" {letter} ")
        else:
            cleaned.append(letter)
    parted = unicodedata.normalize("NFD", "".join(cleaned))
    return "".join(letter for letter in parted if unicodedata.category(letter) != "Mn").lower()


def _is_ideograph(code: int) -> bool:
    return code >= 0x3400 and any(first <= code <= last for first, last in _IDEOGRAPHS)


def _is_sign(letter: str) -> bool:
    code = ord(letter)
    if code < 128:
        return 33 <= code <= 126 and not letter.isalnum()
    return unicodedata.category(letter).startswith("P")
