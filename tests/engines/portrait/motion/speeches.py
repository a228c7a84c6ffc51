"""Cues to speak: random ones for properties, and a long talk."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import strategies as st

from charafy.engines.portrait import CHANNELS
from charafy.engines.portrait.motion import Cue
from charafy.engines.voice.visemes import SHAPES

AT = {name: index for index, name in enumerate(CHANNELS)}
MOUTH = [AT[name] for name in CHANNELS[: CHANNELS.index("smile")]]


def in_a_row(*pieces: tuple[str, float], start_s: float = 0.0, weight: float = 1.0) -> list[Cue]:
    """Cues from (shape, seconds), one after the other."""
    ends = list(itertools.accumulate((seconds for _, seconds in pieces), initial=start_s))
    return [
        Cue(shape, begin, end, weight)
        for (shape, _), begin, end in zip(pieces, ends[:-1], ends[1:], strict=True)
    ]


def talk(duration_s: float, seed: int = 1) -> list[Cue]:
    """Somebody talking: syllables of 60 to 250 ms, phrases with pauses between them."""
    chance = np.random.default_rng(seed)
    cues: list[Cue] = []
    at = 0.3
    while at < duration_s - 1.0:
        for _ in range(chance.integers(5, 30)):
            length = float(chance.uniform(0.03, 0.25))
            shape = SHAPES[chance.integers(1, len(SHAPES))]
            cues.append(Cue(shape, at, at + length, float(chance.uniform(0.55, 1.15))))
            at += length
        at += float(chance.uniform(0.15, 1.5))
    return [cue for cue in cues if cue.end_s < duration_s]


LENGTHS = st.floats(0.015, 0.5)
SPEECHES = st.lists(st.tuples(st.sampled_from(SHAPES), LENGTHS), max_size=25).map(
    lambda pieces: in_a_row(*pieces, start_s=0.2)
)
WILD = st.lists(
    st.builds(
        lambda shape, start, length, weight: Cue(shape, start, start + length, weight),
        st.sampled_from(SHAPES),
        st.floats(-1.0, 5.0),
        st.floats(-0.1, 1.0),
        st.floats(-1.0, 3.0),
    ),
    max_size=25,
)
"""Out of order, overlapping, backwards."""
