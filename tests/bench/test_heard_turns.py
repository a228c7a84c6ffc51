"""What the bench takes for a gap: silence that the voice did not mean, and nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bench.heard_turns import Times, gaps, silences


def heard(*spans: tuple[float, float]) -> Times:
    return np.concatenate([np.arange(begin, end, 0.01) for begin, end in spans])


def reply(*words: tuple[float, float]) -> list[dict[str, Any]]:
    shapes = [["aa", begin, end, 1.0] for begin, end in words]
    return [{"visemes": [["sil", 0.0, words[0][0], 1.0], *shapes]}]


def test_a_pause_that_was_meant_is_none() -> None:
    said = reply((0.1, 1.0), (1.6, 2.5))
    assert gaps(heard((10.0, 10.9), (11.55, 12.4)), said) == ()


def test_a_pause_that_took_longer_is_as_long_as_it_was_late() -> None:
    said = reply((0.1, 1.0), (1.6, 2.5))
    assert list(gaps(heard((10.0, 10.9), (12.0, 12.9)), said)) == pytest.approx([0.5], abs=0.02)


def test_silence_in_the_middle_of_a_word_is_one() -> None:
    said = reply((0.1, 2.5))
    assert list(gaps(heard((10.0, 10.9), (11.2, 12.7)), said)) == pytest.approx([0.3], abs=0.02)


def test_what_follows_a_gap_is_expected_that_much_later() -> None:
    said = reply((0.0, 1.0), (2.0, 3.0), (4.0, 5.0))
    late = heard((10.0, 11.0), (13.0, 14.0), (15.0, 16.0))
    assert list(gaps(late, said)) == pytest.approx([1.0], abs=0.02)


def test_short_silences_are_within_words() -> None:
    assert silences(heard((0.0, 1.0), (1.2, 2.0))) == []


def test_a_reply_that_was_not_heard_has_none() -> None:
    assert gaps(np.zeros(0), reply((0.1, 1.0))) == ()
