"""The shipped space holds every stock voice where it is."""

from __future__ import annotations

import numpy as np
import pytest

from charafy.engines.voice.cloning.match.space import REGISTER, TIMBRE
from charafy.engines.voice.kokoro import language_of, stock_names, stock_styles
from tests.support.matching import space


def test_it_knows_the_stock_voices() -> None:
    assert tuple(voice.name for voice in space().stock) == stock_names()
    assert all(voice.language == language_of(voice.name) for voice in space().stock)
    assert all(60.0 < voice.pitch_hz < 400.0 for voice in space().stock)


def test_timbres_come_back_from_their_coordinates() -> None:
    timbre = stock_styles()["jf_alpha"].row(40)[0, :TIMBRE]
    z = space().coordinates(timbre)
    assert space().timbre(z) == pytest.approx(timbre, abs=1e-4)


def test_each_stock_voice_is_nearest_to_itself() -> None:
    for voice in space().stock:
        (found,) = space().nearest(voice.embedding, voice.pitch_hz, voice.language)
        assert found.name == voice.name


def test_voices_of_another_register_are_left_out() -> None:
    deep = next(voice for voice in space().stock if voice.name == "am_onyx")
    near = space().nearest(deep.embedding, 210.0, "en", 3)
    assert len(near) == 3
    assert all(abs(np.log(voice.pitch_hz / 210.0)) <= REGISTER for voice in near)


def test_a_pitch_that_no_voice_has_gets_the_nearest_there_is() -> None:
    (found,) = space().nearest(space().stock[0].embedding, 600.0, "en")
    highest = max(
        (voice for voice in space().stock if voice.language == "en"),
        key=lambda voice: voice.pitch_hz,
    )
    assert found == highest
