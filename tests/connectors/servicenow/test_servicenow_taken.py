"""What the instance holds after a write, against what was written: its own form of a value is none of a loss."""

import dataclasses
from typing import Any

import pytest

from connectors.servicenow.taken import held_otherwise
from loopbot.domain.receipts import Receipt


@pytest.mark.parametrize(
    ("was", "wanted", "there", "lost"),
    [
        ("", "yes", "", True),
        ("hardware", "yes", "hardware", True),
        ("hardware", "yes", "", True),
        ("", "Checkout is slow", "Checkout i", True),
        ("", "1", "true", False),
        ("", "2026-03-02", "2026-03-02 00:00:00", False),
        ("hardware", "", "none", False),
    ],
)
def test_what_is_held_otherwise_is_said_and_called_a_loss_only_where_it_is_one(
    was: str, wanted: str, there: str, lost: bool
) -> None:
    said, called = held_otherwise({"u_x": wanted}, {"u_x": was}, {"u_x": there})
    assert said == f"u_x holds {there!r} and not {wanted!r}"
    assert called == lost


@pytest.mark.parametrize(("wanted", "there"), [("yes", "yes"), ("10.50", "10.5"), ("yes ", "yes"), ("yes", None)])
def test_what_is_held_as_it_was_wanted_or_is_not_shown_is_not_spoken_of(wanted: str, there: str | None) -> None:
    assert held_otherwise({"u_x": wanted}, {"u_x": ""}, {} if there is None else {"u_x": there}) == ("", False)


def test_a_new_ticket_whose_field_did_not_take_its_value_is_there_and_says_so(stage: Any, connected: Any) -> None:
    stage.twin.add_field("incident", "u_weight", "integer")
    delivery = stage.delivery("open", "Checkout is slow")
    effect = dataclasses.replace(delivery.effect, fields=(("u_weight", "heavy"),))
    (receipt,) = connected().sink().apply([dataclasses.replace(delivery, effect=effect)])
    assert isinstance(receipt, Receipt)
    assert "u_weight holds '' and not 'heavy'" in receipt.note
    assert len(stage.ledger.entries(action="create")) == 1
