"""A refinement is kept only when it is heard as more alike and understood as well as before."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from charafy.engines.voice import SAMPLE_RATE, Language, Pcm
from charafy.engines.voice.cloning.match.jury import Jury, Verdict, distance
from charafy.engines.voice.cloning.match.said import PROVED
from charafy.engines.voice.text import TextFrontEnd


class Ear:
    """Hears the first sample as an angle."""

    def embed(self, pcm: Pcm) -> NDArray[np.float32]:
        return np.array([np.cos(pcm[0]), np.sin(pcm[0])], np.float32)


def jury(heard: dict[str, str]) -> tuple[Jury, list[tuple[str, Language]]]:
    """One whose recogniser understands the text itself but for those in `heard`."""
    said: list[tuple[str, Language]] = []

    def recognise(_pcm: Pcm, _language: Language) -> str:
        text = said[-1][0]
        return heard.get(text, text)

    return Jury(Ear(), recognise, TextFrontEnd()), said


def verdict(heard: dict[str, str], angle: float = 0.5) -> Verdict:
    one, said = jury(heard)

    def say(text: str, language: Language) -> Pcm:
        said.append((text, language))
        return np.full(SAMPLE_RATE, angle, np.float32)

    return one.hear(np.zeros(SAMPLE_RATE, np.float32), "en", say)


def test_it_hears_both_languages_and_judges_likeness_in_that_of_the_recording() -> None:
    found = verdict({})
    assert found.misheard == {"en": 0.0, "ja": 0.0}
    assert found.likeness == pytest.approx(np.cos(0.5))


def test_how_a_word_is_written_does_not_matter_and_what_is_missing_does() -> None:
    first, second = PROVED["en"]
    assert verdict({first: first.upper().replace("quarter past nine", "quarter past 9")}).misheard[
        "en"
    ] == pytest.approx(0.0, abs=0.05)
    assert verdict({second: ""}).misheard["en"] > 0.3


@pytest.mark.parametrize(
    ("likeness", "english", "japanese", "kept"),
    [
        (0.80, 0.05, 0.05, True),
        (0.80, 0.06, 0.06, True),
        (0.752, 0.05, 0.05, False),
        (0.70, 0.0, 0.0, False),
        (0.90, 0.09, 0.05, False),
        (0.90, 0.05, 0.09, False),
    ],
)
def test_more_alike_and_understood_as_well_is_better(
    likeness: float, english: float, japanese: float, kept: bool
) -> None:
    before = Verdict(0.75, {"en": 0.05, "ja": 0.05})
    assert Verdict(likeness, {"en": english, "ja": japanese}).improves_on(before) is kept


@pytest.mark.parametrize(
    ("wanted", "found", "errors"),
    [("", "", 0), ("abc", "abc", 0), ("abc", "axc", 1), ("abc", "", 3)],
)
def test_distance_counts_sounds(wanted: str, found: str, errors: int) -> None:
    assert distance(wanted, found) == errors
