"""How long a text may take to say, before it is said: what a video's hold is made of.

The rates are an upper bound, not a mean: measured over 65 texts, 33 voices and three speeds, the
hold covered 99.8 % of the speeches and was a third larger than needed at the median
(`tests/videos/test_estimate.py` repeats that). What is spoken beyond it is ours to pay.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

from charafy.engines.voice import Clause
from charafy.kernel.settings import Prices

_SYMBOL_S: Final = 0.085
"""Per phoneme, length mark and stress mark."""
_MARK_S: Final = 0.35
"""Per punctuation mark, which is heard as a pause."""
_CLAUSE_S: Final = 0.5
"""Per clause: its first and last sound last longer, and silence stands around it."""
_MODIFIERS: Final = "ːˈˌ"
_GRAIN_S: Final = 0.001
"""What a second may be passed by without another one being counted: rounding, not sound."""


def longest_s(clauses: Iterable[Clause], speed: float) -> float:
    """Seconds that the clauses rarely exceed. Raises `NothingToSay` as their front end does."""
    spoken_s, pauses_s = 0.0, 0.0
    for clause in clauses:
        phonemes = clause.phonemes
        symbols = sum(symbol.isalpha() or symbol in _MODIFIERS for symbol in phonemes)
        marks = len(phonemes) - symbols - phonemes.count(" ")
        spoken_s += _SYMBOL_S * symbols + _MARK_S * marks + _CLAUSE_S
        pauses_s += clause.pause_s
    return spoken_s / speed + pauses_s


def price(prices: Prices, seconds: float) -> int:
    """Credits for so much video: by the started second, at least one."""
    return prices.video_per_second * max(1, math.ceil(seconds - _GRAIN_S))
