"""What texts mean is remembered by encoder and text, on both databases: asked for once, bounded, and the same to whoever only looks."""

from collections.abc import Sequence

import pytest
from sqlalchemy import func, select

from loopbot.domain.wordings import Vector
from loopbot.store import SqlStore, meanings, schema
from tests.support.encoding import WordEncoder


def encoder() -> WordEncoder:
    return WordEncoder(("export",), ("login",))


def test_a_text_is_encoded_once_and_comes_back_in_its_place(store: SqlStore) -> None:
    words = encoder()
    with store.write() as tx:
        first = tx.meant(["export", "login", "export"], words.version, words.encode)
    with store.write() as tx:
        second = tx.meant(["login", "export", "both export and login"], words.version, words.encode)

    assert words.asked == ["export", "login", "both export and login"]
    assert list(second[:2]) == [first[1], first[0]]
    assert first[0] == first[2]
    assert first[0] == pytest.approx(words.encode(["export"])[0], abs=0.001)


def test_another_version_of_the_encoder_is_asked_anew(store: SqlStore) -> None:
    words = encoder()
    with store.write() as tx:
        tx.meant(["export"], words.version, words.encode)
        tx.meant(["export"], "words-2", words.encode)

    assert words.asked == ["export", "export"]


def test_who_only_looks_keeps_nothing_and_sees_the_same_numbers(store: SqlStore) -> None:
    words = encoder()
    with store.read() as tx:
        looked = tx.meant(["export"], words.version, words.encode)
    with store.write() as tx:
        kept = tx.meant(["export"], words.version, words.encode)
    with store.read() as tx:
        again = tx.meant(["export"], words.version, words.encode)

    assert words.asked == ["export", "export"]
    assert list(looked) == list(kept) == list(again)


def test_only_the_latest_are_remembered(store: SqlStore) -> None:
    def numbered(texts: Sequence[str]) -> list[Vector]:
        return [(float(len(text)),) for text in texts]

    for start in range(0, 40, 10):
        with store.write() as tx:
            texts = [f"text {number}" for number in range(start, start + 10)]
            meanings.recalled(tx._work, texts, "numbers", numbered, most=15)

    with store.read() as tx:
        count = tx._work.connection.scalar(select(func.count()).select_from(schema.meaning))
    assert count == 15
