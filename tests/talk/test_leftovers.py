"""What a conversation leaves behind is freed soon after it, and nothing of what goes on."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from charafy.talk.leftovers import Leftovers


class Knot:
    """Holds itself, as the objects of a connection hold each other."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def nothing_frees_by_itself() -> Iterator[None]:
    gc.disable()
    yield
    gc.unfreeze()
    gc.enable()


@pytest.mark.parametrize("others", [[], ["another"]], ids=["with nobody left", "beside another"])
def test_what_an_ended_conversation_left_is_freed_at_the_second_look(others: list[str]) -> None:
    leftovers = Leftovers()
    leftovers.sweep([])
    leftovers.sweep(["one", *others])
    left = weakref.ref(Knot())
    leftovers.sweep(others)  # it lets go of the last things meanwhile
    assert left() is not None
    leftovers.sweep(others)
    assert left() is None


def test_nothing_is_looked_for_while_nothing_ends() -> None:
    leftovers = Leftovers()
    leftovers.sweep([])
    left = weakref.ref(Knot())
    for _ in range(3):
        leftovers.sweep(["one"])
    assert left() is not None


def test_what_lived_when_nobody_was_there_is_freed_when_that_is_so_again() -> None:
    leftovers = Leftovers()
    knot = Knot()
    left = weakref.ref(knot)
    leftovers.sweep([])  # it is kept out of later searches
    del knot
    leftovers.sweep(["one"])
    leftovers.sweep(["another"])
    leftovers.sweep(["another"])
    assert left() is not None
    leftovers.sweep([])
    leftovers.sweep([])
    assert left() is None
