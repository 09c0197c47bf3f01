"""Fields of a mirrored incident: written in canonical words, and only over what was known to stand there."""

import dataclasses
from typing import Any

import pytest

from loopbot.domain.errors import Rejected
from loopbot.domain.receipts import Delivery, Receipt


def align(stage: Any, field: str, value: str, was: str) -> Delivery:
    delivery: Delivery = stage.delivery("align", "")
    effect = dataclasses.replace(delivery.effect, field=field, value=value, was=was)  # type: ignore[call-arg]
    return dataclasses.replace(delivery, effect=effect)


def row_of(stage: Any, delivery: Delivery) -> Any:
    return stage.twin.row("incident", delivery.effect.mentions[0].key)


@pytest.mark.parametrize(
    ("field", "value", "was", "written"),
    [
        ("title", "Checkout stands still", "Checkout is slow", {"short_description": "Checkout stands still"}),
        ("state", "resolved", "new", {"state": "6", "close_code": "Solution provided"}),
        ("priority", "1", "3", {"impact": "1", "urgency": "1", "priority": "1"}),
    ],
)
def test_each_field_is_written_and_the_answer_is_the_incident_as_it_is(
    stage: Any, connected: Any, field: str, value: str, was: str, written: dict[str, str]
) -> None:
    delivery = align(stage, field, value, was)
    (receipt,) = connected().sink().apply([delivery])
    assert isinstance(receipt, Receipt), receipt
    assert str(getattr(receipt.after, field)) == value
    row = row_of(stage, delivery)
    assert {name: row[name] for name in written} == written


@pytest.mark.parametrize(
    ("field", "value", "was", "meanwhile"),
    [
        ("title", "Checkout stands still", "Checkout is slow", {"short_description": "Checkout is slow at noon"}),
        ("state", "resolved", "new", {"state": "3"}),
    ],
)
def test_what_somebody_changed_meanwhile_is_left_alone(
    stage: Any, connected: Any, field: str, value: str, was: str, meanwhile: dict[str, str]
) -> None:
    delivery = align(stage, field, value, was)
    stage.twin.update("incident", delivery.effect.mentions[0].key, meanwhile, actor="grace")
    (outcome,) = connected().sink().apply([delivery])
    assert isinstance(outcome, Rejected), outcome
    assert "changed meanwhile" in outcome.why
    row = row_of(stage, delivery)
    assert {name: row[name] for name in meanwhile} == meanwhile
    assert stage.ledger.entries() == []


def test_what_is_so_already_is_not_written_again(stage: Any, connected: Any) -> None:
    (receipt,) = connected().sink().apply([align(stage, "title", "Checkout is slow", "something else")])
    assert isinstance(receipt, Receipt)
    assert stage.ledger.entries() == []
