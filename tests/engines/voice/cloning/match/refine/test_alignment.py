"""The sounds of a known text are found again in a recording of it."""

from __future__ import annotations

import numpy as np
import pytest

from charafy.engines.voice import Pcm
from charafy.engines.voice.cloning.match.refine.alignment import (
    Aligned,
    Unalignable,
    _whole,
    fitting,
)
from charafy.engines.voice.kokoro import stock_styles
from charafy.engines.voice.kokoro.acoustic import FRAME
from charafy.engines.voice.text import TextFrontEnd
from charafy.engines.voice.vocabulary import MAX_SYMBOLS
from tests.engines.voice.kokoro.phonemes import Phonemes
from tests.support.refining import aligner, spoken

SENTENCE = "The birch canoe slid on the smooth planks, while we walked home with the old dog."
FRAME_S = 0.025


def align(symbols: str, pcm: Pcm, voice: str, share: float = 1.0) -> Aligned:
    return aligner().align(pcm, symbols, stock_styles()[voice].row(len(symbols)), share)


def borders(found: Aligned) -> np.typing.NDArray[np.intp]:
    """Frames at which another symbol begins."""
    return np.flatnonzero(np.any(found.asr[1:] != found.asr[:-1], axis=1)) + 1


@pytest.mark.slow
@pytest.mark.parametrize(("speaker", "speed"), [("am_michael", 0.85), ("bf_emma", 1.2)])
def test_it_finds_every_symbol_where_another_voice_said_it(speaker: str, speed: float) -> None:
    said = spoken(SENTENCE, speaker, speed=speed)
    found = borders(align(said.symbols, said.pcm, "af_heart"))
    true = np.cumsum(said.lengths)[:-1]
    assert len(found) == len(true)
    # How much silence was cut off before the speech is not told, and the one behind it is shorter.
    apart = (found - true)[:-2]
    off = np.abs(apart - np.median(apart)) * FRAME_S
    assert np.median(off) <= 0.05
    assert np.percentile(off, 90) <= 0.1


@pytest.mark.slow
def test_all_that_belongs_to_a_frame_has_its_length() -> None:
    said = spoken(SENTENCE, "am_michael")
    found = align(said.symbols, said.pcm, "af_heart")
    part = found.crop(10, 20)
    for speech, frames in ((found, found.frames), (part, 20)):
        assert speech.asr.shape == (frames, 512)
        assert speech.f0.shape == speech.energy.shape == (2 * frames,)
        assert speech.harmonics.shape == (120 * frames + 1, 22)
        assert speech.pcm.shape == (FRAME * frames,)
    assert part.pcm[0] == found.pcm[10 * FRAME]


@pytest.mark.slow
def test_how_loud_it_was_recorded_makes_no_difference() -> None:
    said = spoken(SENTENCE, "am_michael")
    found, quiet = (align(said.symbols, said.pcm * gain, "af_heart") for gain in (1.0, 0.05))
    np.testing.assert_array_equal(borders(found), borders(quiet))
    np.testing.assert_allclose(quiet.pcm, found.pcm, atol=1e-3)
    np.testing.assert_allclose(quiet.energy, found.energy, atol=1e-2)


@pytest.mark.slow
def test_silence_around_is_left_out() -> None:
    said = spoken(SENTENCE, "am_michael")
    around = np.pad(said.pcm, (48_000, 36_000))
    found, bare = (align(said.symbols, pcm, "af_heart") for pcm in (around, said.pcm))
    assert abs(found.frames - bare.frames) <= 2


@pytest.mark.parametrize(
    "pcm",
    [
        np.zeros(48_000, np.float32),
        np.zeros(0, np.float32),
        np.full(48_000, np.nan, np.float32),
        np.sin(np.arange(24_000) / 10).astype(np.float32),
    ],
    ids=["silence", "nothing", "not a number", "a second for a long text"],
)
def test_what_can_not_be_that_text_is_refused(pcm: Pcm) -> None:
    with pytest.raises(Unalignable):
        align(
            "ðə bˈɜɹʧ kənˈu slˈɪd ˌɔn ðə smˈuð plˈæŋks wˌIl wi wˈɔkt hˈOm wɪð ði ˈOld dˈɔɡ. " * 3,
            pcm,
            "af_heart",
        )


@pytest.mark.parametrize("seconds", [4, 8])
def test_a_novel_for_a_few_seconds_is_refused(seconds: int) -> None:
    """Recognisers write such down of music and of silence."""
    pcm = np.sin(np.arange(seconds * 24_000) / 10).astype(np.float32)
    with pytest.raises(Unalignable, match="too little speech"):
        align("ðə bˈɜɹʧ kənˈu slˈɪd " * 16, pcm, "af_heart")


def test_a_text_that_is_too_long_is_taken_as_far_as_whole_clauses_fit() -> None:
    clauses = list(Phonemes().clauses("|".join(["həlˈO wˈɜɹld."] * 60), "en"))
    symbols, share = fitting(clauses)
    assert len(symbols) <= MAX_SYMBOLS < len(symbols) + len(" həlˈO wˈɜɹld.")
    assert symbols.endswith("wˈɜɹld.")
    assert share == pytest.approx(len(symbols) / (60 * len(" həlˈO wˈɜɹld.") - 1))


def test_a_text_that_fits_is_taken_whole() -> None:
    clauses = TextFrontEnd().clauses(SENTENCE, "en")
    symbols, share = fitting(clauses)
    assert share == 1.0
    assert symbols.endswith("dˈɔɡ.")


@pytest.mark.parametrize(
    "borders_", [[0.0, 0.1, 0.2, 6.0], [0.0, 5.9, 5.95, 6.0], [0.0, 3.0, 2.0, 6.0]]
)
def test_every_symbol_has_a_frame(borders_: list[float]) -> None:
    lengths = _whole(np.array(borders_), 6)
    assert lengths.min() >= 1
    assert lengths.sum() == 6
