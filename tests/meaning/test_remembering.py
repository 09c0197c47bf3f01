"""What the last texts mean is remembered: the same whoever asks, and no more of it than was allowed."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from loopbot.meaning.remembering import Remembering
from tests.support.encoding import WordEncoder


def test_a_text_is_read_once_and_always_means_the_same() -> None:
    model = WordEncoder(["export"], ["login"])
    encoder = Remembering(model)

    first = encoder.encode(["the export", "a login", "the export"])
    again = encoder.encode(["a login", "the export", "something else"])

    assert encoder.version == model.version
    assert model.asked == ["the export", "a login", "something else"]
    assert [list(one) for one in again[:2]] == [list(first[1]), list(first[0])]
    assert list(first[0]) == pytest.approx(model.encode(["the export"])[0])


def test_those_asked_for_last_are_remembered_and_only_so_many() -> None:
    model = WordEncoder(["export"])
    encoder = Remembering(model, most=2)
    for text in ("one", "two", "one", "three"):
        encoder.encode([text])
    model.asked.clear()

    encoder.encode(["one", "three", "two"])

    assert model.asked == ["two"]
    assert len(encoder.encode(["a", "b", "c", "d"])) == 4, "also where more are asked for at once than are remembered"


def test_many_threads_ask_and_all_are_told_the_same() -> None:
    encoder, ready = Remembering(WordEncoder(["export"]), most=3), threading.Barrier(4)

    def ask(number: int) -> list[list[float]]:
        ready.wait(10)
        return [list(encoder.encode([f"export {(number + step) % 6}"])[0]) for step in range(60)]

    with ThreadPoolExecutor(4) as pool:
        found = [vector for vectors in pool.map(ask, range(4)) for vector in vectors]

    assert all(vector == found[0] for vector in found)
