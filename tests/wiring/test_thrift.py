"""Libraries are kept from importing what nobody here uses, and from nothing else."""

import sys
from types import ModuleType

import pytest

from loopbot.thrift import instead, without

NAME = "loopbot_thrift_nobody"


def test_what_is_left_out_is_not_there_inside_and_is_no_obstacle_afterwards() -> None:
    with without("xml.dom.pulldom"), pytest.raises(ModuleNotFoundError):
        __import__("xml.dom.pulldom")
    assert __import__("xml.dom.pulldom")


def test_what_is_imported_already_stays() -> None:
    with without("json"):
        assert __import__("json") is sys.modules["json"]
    assert "json" in sys.modules


def test_a_module_stands_in_only_inside_and_never_for_one_that_is_there() -> None:
    other = ModuleType(NAME)
    with instead(other):
        assert __import__(NAME) is other
    assert NAME not in sys.modules
    json = __import__("json")
    with instead(ModuleType("json")):
        assert __import__("json") is json
    assert sys.modules["json"] is json


def test_what_was_imported_for_real_inside_is_kept() -> None:
    real = ModuleType(NAME)
    with without(NAME):
        sys.modules[NAME] = real
    try:
        assert sys.modules[NAME] is real
    finally:
        del sys.modules[NAME]
