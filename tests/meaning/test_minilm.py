"""The sentence model, held against what another runtime and the model's own tokenizer say of the same texts."""

import json
import threading
from pathlib import Path

import pytest

from loopbot.meaning.finding import LazyMiniLM, installed
from loopbot.meaning.tensors import tensors
from loopbot.meaning.wordpieces import WordPieces, words

TEXTS = (
    "Call me Ishmael.",
    "It was the best of times, it was the worst of times.",
    "The whale is a mammal that lives in the sea.",
    "He went aboard the ship and sailed away.",
    "Naïve café: 1,234 Übergröße — 日本!",
)
NUMBERS = (
    (101, 2655, 2033, 2003, 22444, 2884, 1012, 102),
    (101, 2009, 2001, 1996, 2190, 1997, 2335, 1010, 2009, 2001, 1996, 5409, 1997, 2335, 1012, 102),
    (101, 1996, 13156, 2003, 1037, 25476, 2008, 3268, 1999, 1996, 2712, 1012, 102),
    (101, 2002, 2253, 7548, 1996, 2911, 1998, 7434, 2185, 1012, 102),
    (101, 15743, 7668, 1024, 1015, 1010, 22018, 19169, 16523, 2080, 17499, 1517, 1864, 1876, 999, 102),
)
"""What the model's own tokenizer gives."""
LIKENESS = (
    (1.0, 0.07, 0.14, 0.15, 0.10),
    (0.07, 1.0, -0.07, 0.08, 0.02),
    (0.14, -0.07, 1.0, 0.26, -0.02),
    (0.15, 0.08, 0.26, 1.0, -0.04),
    (0.10, 0.02, -0.02, -0.04, 1.0),
)
"""What the same model gives in another runtime, with weights of 8 bits: hence the tolerance."""
BEGINNINGS = (
    (-0.03, 0.04, 0.05, 0.01, -0.05, -0.02),
    (-0.02, 0.07, 0.07, -0.03, 0.02, 0.01),
    (0.0, 0.06, 0.04, 0.07, -0.03, -0.04),
    (0.08, 0.10, -0.01, 0.10, 0.10, 0.01),
    (0.04, 0.07, 0.01, 0.01, -0.03, 0.06),
)


@pytest.fixture(scope="module")
def model() -> LazyMiniLM:
    found = installed()
    if found is None:
        pytest.skip("the sentence model is not installed: make meaning")
    return found


def product(one: "list[float] | tuple[float, ...]", other: "list[float] | tuple[float, ...]") -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def test_texts_are_cut_as_the_model_s_own_tokenizer_cuts_them(model: LazyMiniLM) -> None:
    pieces = WordPieces.read(model.folder / "vocab.txt", 128)

    assert [tuple(pieces.numbers(text)) for text in TEXTS] == list(NUMBERS)
    assert pieces.numbers("") == [101, 102]
    assert pieces.numbers("x" * 101) == [101, 100, 102]
    assert len(pieces.numbers("word " * 300)) == 128


def test_vectors_are_what_another_runtime_says_and_of_length_one(model: LazyMiniLM) -> None:
    vectors = [tuple(each) for each in model.encode(TEXTS)]

    for vector, beginning, row in zip(vectors, BEGINNINGS, LIKENESS, strict=True):
        assert len(vector) == 384
        assert vector[:6] == pytest.approx(beginning, abs=0.015)
        assert [product(vector, other) for other in vectors] == pytest.approx(row, abs=0.015)
        assert product(vector, vector) == pytest.approx(1.0, abs=1e-5)


def test_a_text_has_the_same_vector_alone_among_others_and_in_any_thread(model: LazyMiniLM) -> None:
    together = model.encode([*TEXTS, *(f"{text} " * 20 for text in TEXTS)])
    alone: list[list[float]] = []
    threads = [threading.Thread(target=lambda: alone.append(list(model.encode([TEXTS[0]])[0]))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(alone) == 4
    for vector in alone:
        assert vector == pytest.approx(list(together[0]), abs=1e-5)
    assert model.encode([]) == []


def test_words_are_in_small_letters_without_accents_and_signs_by_themselves() -> None:
    assert list(words("Über-Größe\u00ad:\t日本x")) == ["uber", "-", "große", ":", "日", "本", "x"]


def test_a_file_that_holds_no_tensors_is_refused(tmp_path: Path) -> None:
    short, wrong = tmp_path / "short", tmp_path / "wrong"
    short.write_bytes(b"abc")
    wrong.write_bytes((1 << 40).to_bytes(8, "little") + b"{}")

    for file in (short, wrong):
        with pytest.raises(ValueError, match="holds no tensors"):
            tensors(file)


def test_tensors_are_read_by_name_and_shape(tmp_path: Path) -> None:
    header = json.dumps({"__metadata__": {}, "a": {"dtype": "F32", "shape": [1, 2], "data_offsets": [0, 8]}}).encode()
    file = tmp_path / "model.safetensors"
    file.write_bytes(len(header).to_bytes(8, "little") + header + b"\x00\x00\x80?\x00\x00\x00@")

    assert tensors(file)["a"].tolist() == [[1.0, 2.0]]
