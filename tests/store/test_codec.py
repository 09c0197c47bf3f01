import types
from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any, Literal, get_args, get_origin, get_type_hints

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopbot.domain.effects import EFFECT_TYPES, Effect
from loopbot.domain.receipts import Receipt
from loopbot.domain.records import RECORD_TYPES, Incident, Link, Record, Ref
from loopbot.ports import Cycle
from loopbot.store.codec import (
    decode_cycle,
    decode_effect,
    decode_receipt,
    decode_record,
    encode_cycle,
    encode_effect,
    encode_receipt,
    encode_record,
)
from tests.support.made import comment, incident

SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
    int: st.integers(-(2**53), 2**53),
    float: st.floats(0, 1),
    bool: st.booleans(),
    type(None): st.none(),
    datetime: st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
}


def any_of(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a type as our dataclasses annotate it, defaults not spared."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is types.UnionType:
        return st.one_of(*map(any_of, arguments))
    if origin is frozenset:
        return st.frozensets(any_of(arguments[0]), max_size=4)
    if origin is tuple and arguments[1:] == (...,):
        return st.lists(any_of(arguments[0]), max_size=3).map(tuple)
    if origin is tuple:
        return st.tuples(*map(any_of, arguments))
    if origin is Mapping:
        return st.dictionaries(*map(any_of, arguments), max_size=3)
    return SCALARS[hint] if hint in SCALARS else one(hint)


def one(of: type[Any], **given: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    hints = get_type_hints(of)
    return st.builds(
        of, **{each.name: given[each.name] if each.name in given else any_of(hints[each.name]) for each in fields(of)}
    )


def through(record: Record) -> Record:
    body = encode_record(record).decode()
    return decode_record(record.kind, record.ref, record.updated_at, record.version, body)


@pytest.mark.parametrize("kind", RECORD_TYPES)
def test_every_record_comes_back_equal_and_of_its_type(kind: str) -> None:
    @settings(max_examples=40, deadline=None)
    @given(one(RECORD_TYPES[kind]))
    def holds(record: Record) -> None:
        again = through(record)
        assert again == record
        assert type(again) is type(record)
        assert dict(again.extra) == dict(record.extra)
        assert encode_record(again) == encode_record(record)
        assert "ref" not in orjson.loads(encode_record(record))

    holds()


@pytest.mark.parametrize("verb", EFFECT_TYPES)
def test_every_effect_comes_back_equal_with_its_key(verb: type[Effect]) -> None:
    @settings(max_examples=40, deadline=None)
    @given(one(verb))
    def holds(effect: Effect) -> None:
        again = decode_effect(encode_effect(effect))
        assert again == effect
        assert (again.key, again.lane, again.needs) == (effect.key, effect.lane, effect.needs)

    holds()


@settings(deadline=None)
@given(one(Receipt, after=st.none(), overruled=st.just(())), one(Cycle))
def test_receipts_and_cycles_come_back_equal(receipt: Receipt, cycle: Cycle) -> None:
    assert decode_receipt(encode_receipt(receipt)) == receipt
    assert decode_cycle(encode_cycle(cycle)) == cycle


def test_the_record_that_came_with_a_receipt_is_not_kept_in_it() -> None:
    receipt = Receipt("key", incident().ref, after=incident())
    assert decode_receipt(encode_receipt(receipt)) == replace(receipt, after=None)


def test_unknown_keys_are_passed_over() -> None:
    body = orjson.dumps({**orjson.loads(encode_record(incident())), "added_later": {"a": [1]}}).decode()
    assert decode_record("incident", incident().ref, incident().updated_at, None, body) == incident()
    effect = orjson.dumps({**orjson.loads(encode_effect(comment())), "added_later": 1}).decode()
    assert decode_effect(effect) == comment()


def test_a_field_at_its_default_is_not_written_so_adding_one_changes_no_digest() -> None:
    assert set(orjson.loads(encode_record(incident()))) == {"ident", "title", "state"}


def test_the_order_of_sets_and_mappings_does_not_matter() -> None:
    one = incident(labels=frozenset("abcdef"), extra={"a": "1", "b": "2"})
    other = incident(labels=frozenset("fedcba"), extra={"b": "2", "a": "1"})
    assert encode_record(one) == encode_record(other)


def test_half_a_surrogate_pair_is_replaced_wherever_it_stands() -> None:
    bad = "a\ud800b"
    broken = Incident(
        ref=incident().ref,
        ident=bad,
        title=bad,
        state="new",
        updated_at=incident().updated_at,
        labels=frozenset({bad}),
        extra={bad: bad},
        links=(Link(incident().ref, "fixes", Ref("a", "b", "c"), because=bad),),
        people=(),
    )
    again = through(broken)
    assert (again.ident, again.labels, dict(again.extra), again.links[0].because) == (
        "a\ufffdb",
        {"a\ufffdb"},
        {"a\ufffdb": "a\ufffdb"},
        "a\ufffdb",
    )
