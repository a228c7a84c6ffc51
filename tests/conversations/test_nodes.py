"""A talk process listens on a network: it works for APIs of its own house, and for nobody else."""

from __future__ import annotations

from typing import Any, Final

import pytest

from charafy.conversations.nodes import FRESH_S, Nodes
from charafy.house import House
from tests.support.clock import ManualClock

BODY: Final = b'{"token": "t"}'


@pytest.fixture
def nodes(house: House, clock: ManualClock) -> Nodes:
    return Nodes(house.db, clock, b"s" * 32)


def test_a_node_knows_the_requests_of_its_apis(nodes: Nodes) -> None:
    word = nodes.word("a", "POST", BODY)
    assert nodes.is_ours(word, "a", "POST", BODY)
    assert not nodes.is_ours(word, "a", "POST", BODY + b" ")
    assert not nodes.is_ours(word, "a", "PATCH", BODY)
    assert not nodes.is_ours(word, "b", "POST", BODY)


def test_clocks_of_machines_may_differ_but_an_old_word_is_worth_nothing(
    nodes: Nodes, clock: ManualClock
) -> None:
    word = nodes.word("a", "POST", BODY)
    clock.advance(FRESH_S - 1)
    assert nodes.is_ours(word, "a", "POST", BODY)
    clock.advance(2)
    assert not nodes.is_ours(word, "a", "POST", BODY)


def test_another_house_is_a_stranger(house: House, nodes: Nodes, clock: ManualClock) -> None:
    other = Nodes(house.db, clock, b"t" * 32)
    assert not nodes.is_ours(other.word("a", "POST", BODY), "a", "POST", BODY)


@pytest.mark.parametrize("word", ["", ".", "now.00", "-1.00", "9" * 5000, "²." + "0" * 64, "\x00é"])
def test_what_strangers_make_up_is_refused(nodes: Nodes, word: Any) -> None:
    assert not nodes.is_ours(word, "a", "POST", BODY)
