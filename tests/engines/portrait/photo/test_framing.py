"""Where the frame goes on a picture."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from charafy.engines.portrait import Framing
from charafy.engines.portrait.photo.framing import place

sides = st.integers(64, 1280)
shares = st.floats(0.1, 0.9)


@given(st.tuples(sides, sides), st.tuples(sides, sides), shares, shares, st.floats(0.1, 0.5))
def test_people_never_end_above_the_lower_edge_of_the_frame(
    picture: tuple[int, int], frame: tuple[int, int], across: float, down: float, tall: float
) -> None:
    width, height = picture
    forehead = np.array([across * width, down * height * (1 - tall)])
    chin = forehead + np.array([0.0, tall * height])
    crop = place(forehead, chin, width, height, Framing(*frame))
    assert crop.y + frame[1] / crop.scale <= height + 1e-6


def test_a_square_picture_fills_a_tall_frame_and_is_not_stretched_below() -> None:
    crop = place(np.array([512, 250]), np.array([512, 650]), 1024, 1024, Framing(720, 1280))
    top, bottom = crop.to_frame(np.array([[512.0, 0.0], [512.0, 1024.0]]))[:, 1]
    assert abs(bottom - 1280) < 2
    assert top < 120


def test_what_fits_is_framed_with_head_and_shoulders() -> None:
    crop = place(np.array([1000, 800]), np.array([1000, 1100]), 2000, 2000, Framing(512, 512))
    _, top, _, bottom = crop.to_frame(np.array([[1000.0, 800.0], [1000.0, 1100.0]])).ravel()
    assert 0.35 < (bottom - top) / 512 < 0.45
    assert crop.x >= 0 and crop.y >= 0
