"""What comes over the network is handed on as it comes."""

from __future__ import annotations

from aiortc.rtp import RtpPacket
from hypothesis import given
from hypothesis import strategies as st

from charafy.talk.transport import Prompt

_WRAPS = 1 << 16


def handed_on(*numbers: int) -> list[int]:
    """The numbers of the packets that came out, of those that came in in this order."""
    buffer, out = Prompt(capacity=16), []
    for number in numbers:
        packet = RtpPacket(sequence_number=number % _WRAPS, timestamp=number * 960 % (1 << 32))
        packet._data = str(number).encode()  # type: ignore[attr-defined]
        wants_picture, frame = buffer.add(packet)
        assert not wants_picture
        if frame is not None:
            assert frame.timestamp == packet.timestamp
            out.append(int(frame.data))
    return out


def test_every_packet_is_handed_on_at_once() -> None:
    assert handed_on(7, 8, 9) == [7, 8, 9]


def test_a_lost_one_is_not_waited_for() -> None:
    assert handed_on(7, 9, 10) == [7, 9, 10]


def test_one_that_comes_late_or_twice_is_left_out() -> None:
    assert handed_on(7, 9, 8, 9, 10) == [7, 9, 10]


def test_a_numbering_that_begins_again_is_followed() -> None:
    assert handed_on(40_000, 40_001, 300, 301) == [40_000, 40_001, 300, 301]


@given(st.integers(0, _WRAPS - 1), st.lists(st.integers(1, 50), min_size=1, max_size=50))
def test_numbers_wrap(first: int, steps: list[int]) -> None:
    numbers = [first + sum(steps[:n]) for n in range(len(steps) + 1)]
    assert handed_on(*numbers) == numbers
