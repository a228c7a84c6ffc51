"""What is sealed is opened by nobody but whom it was sealed for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charafy.kernel.seal import CannotOpen, Seal

SEAL = Seal(b"s" * 32, "key")


@given(st.text(max_size=600).filter(lambda text: text.encode("utf-8", "ignore").decode() == text))
def test_what_is_closed_can_be_opened_and_is_ascii(text: str) -> None:
    closed = SEAL.close("mio", text)
    assert closed.isascii()
    assert SEAL.open("mio", closed) == text


def test_nothing_of_it_can_be_seen_and_it_looks_different_every_time() -> None:
    first, second = SEAL.close("mio", "secret"), SEAL.close("mio", "secret")
    assert first != second
    assert "secret" not in first


@pytest.mark.parametrize(
    ("seal", "owner"),
    [
        (SEAL, "rin"),
        (Seal(b"s" * 32, "another purpose"), "mio"),
        (Seal(b"t" * 32, "key"), "mio"),
    ],
)
def test_anyone_else_cannot_open_it(seal: Seal, owner: str) -> None:
    with pytest.raises(CannotOpen):
        seal.open(owner, SEAL.close("mio", "secret"))


@given(st.text(max_size=100))
def test_what_is_no_seal_opens_nothing(text: str) -> None:
    with pytest.raises(CannotOpen):
        SEAL.open("mio", text)


def test_a_changed_seal_opens_nothing() -> None:
    closed = SEAL.close("mio", "secret")
    head, *rest = closed.split(".")
    for number, part in enumerate(rest):
        changed = ("B" if part[:1] != "B" else "C") + part[1:]
        with pytest.raises(CannotOpen):
            SEAL.open("mio", ".".join([head, *rest[:number], changed, *rest[number + 1 :]]))
