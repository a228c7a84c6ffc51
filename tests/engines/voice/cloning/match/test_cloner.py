"""A recording becomes a voice that is heard as more alike than any stock voice, and understood."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from charafy.engines.voice import SAMPLE_RATE, Language, Pcm
from charafy.engines.voice.cloning import Clone, CloningFailed, Progress, Reference, Unclonable
from charafy.engines.voice.cloning.clonefile import BadClone, unpack
from charafy.engines.voice.cloning.match import Ears, MatchCloner, Workshop
from charafy.engines.voice.cloning.match.campplus import CamPlus
from charafy.engines.voice.cloning.match.jury import Jury, Say, Verdict
from charafy.engines.voice.cloning.match.pitch import median_hz
from charafy.engines.voice.cloning.match.refine import Unalignable
from charafy.engines.voice.kokoro import stock_styles
from charafy.engines.voice.kokoro.clones import Manner, Match, match_of
from charafy.engines.voice.text import TextFrontEnd
from charafy.kernel.observe import describe
from tests.support.listening import encoder, recorded
from tests.support.matching import campplus, kokoro, matcher, space

TEXTS: dict[Language, str] = {
    "en": "I would rather have the blue jacket, if it is not too much trouble. "
    "Seven children played beside the frozen lake until it was dark.",
    "ja": "夏休みに家族みんなで北海道へ旅行する予定です。"
    "このお店の料理は、どれもおいしくて値段も安いです。",
}
RECORDINGS: tuple[tuple[str, Language], ...] = (("sensibility.flac", "en"), ("mahiruma.mp3", "ja"))


def silent(_done: float) -> None:
    """Nobody watches."""


@cache
def cloned(name: str, language: Language) -> Clone:
    return matcher().clone(Reference(recorded(name), language), "Me", silent)


def match(name: str, language: Language) -> Match:
    return match_of(unpack(cloned(name, language).data)[1])


def said(found: Match, language: Language) -> Pcm:
    style = found.style(stock_styles())
    return np.concatenate(
        [chunk.pcm for chunk in kokoro().speak_as(TEXTS[language], style, language)]
    )


def spoken(stock: str, language: Language) -> Pcm:
    return np.concatenate([c.pcm for c in kokoro().speak(TEXTS[language], stock, language)])


@pytest.mark.slow
@pytest.mark.parametrize(("name", "language"), RECORDINGS)
def test_who_searched_hears_it_as_more_alike_than_the_stock_voice_behind_it(
    name: str, language: Language
) -> None:
    found = match(name, language)
    wanted = campplus().embed(recorded(name))
    stock = spoken(found.manners[language].stock, language)
    assert (
        campplus().embed(said(found, language)) @ wanted > campplus().embed(stock) @ wanted + 0.04
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "language", "default"),
    [("sensibility.flac", "en", "af_heart"), ("mahiruma.mp3", "ja", "jf_alpha")],
)
def test_who_took_no_part_hears_it_as_more_alike_than_the_default_voice(
    name: str, language: Language, default: str
) -> None:
    wanted = encoder().embed(recorded(name))
    clone = encoder().embed(said(match(name, language), language)) @ wanted
    assert clone > encoder().embed(spoken(default, language)) @ wanted + 0.01


@pytest.mark.slow
@pytest.mark.parametrize(("name", "language"), RECORDINGS)
def test_it_speaks_at_the_pitch_of_the_recording_in_both_languages(
    name: str, language: Language
) -> None:
    found, wanted = match(name, language), median_hz(recorded(name))
    assert wanted is not None
    for spoken in TEXTS:
        assert median_hz(said(found, spoken)) == pytest.approx(wanted, rel=0.2)


@pytest.mark.slow
def test_what_it_says_of_itself_is_told_by_an_ear_that_took_no_part() -> None:
    clone = cloned("sensibility.flac", "en")
    assert clone.method == "matching"
    assert clone.similarity is not None
    assert 0.6 < clone.similarity < 0.95
    assert len(clone.data) < 4096


@pytest.mark.slow
def test_the_same_recording_gives_the_same_voice_and_progress_runs_to_one() -> None:
    shares: list[float] = []
    reference = Reference(recorded("mahiruma.mp3"), "ja")
    assert matcher().clone(reference, "Me", shares.append).data == cloned("mahiruma.mp3", "ja").data
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)


def test_whoever_watches_may_stop_it() -> None:
    class Stopped(Exception):
        pass

    def stop(done: float) -> None:
        if done > 0.0:
            raise Stopped

    with pytest.raises(Stopped):
        matcher().clone(Reference(recorded("sonnet.flac"), "en"), "Me", stop)


def test_a_model_that_is_another_than_expected_is_told_from_one_that_is_missing(
    tmp_path: Path,
) -> None:
    other = tmp_path / "campplus.bin"
    other.write_bytes(b"no checkpoint")
    for path, words in ((other, "not as expected"), (tmp_path / "nothing", "missing")):
        ears = Ears(CamPlus(path), encoder())
        with pytest.raises(CloningFailed, match=words):
            MatchCloner(kokoro(), stock_styles(), space(), ears).clone(
                Reference(recorded("sonnet.flac"), "en"), "Me", silent
            )


def test_a_whisper_has_no_pitch_to_match() -> None:
    hiss = np.random.default_rng(0).normal(0.0, 0.05, 6 * SAMPLE_RATE).astype(np.float32)
    with pytest.raises(Unclonable, match="whisper"):
        matcher().clone(Reference(hiss, "en"), "Me", silent)


class Bench:
    """What the descent comes back with, and a jury that says what it is told to."""

    def __init__(self, timbre: NDArray[np.float32], likeness: tuple[float, ...]) -> None:
        self.timbre = timbre
        self.likeness = list(likeness)
        self.asked: list[tuple[Language, str]] = []

    def improve(
        self,
        reference: Pcm,
        language: Language,
        timbre: NDArray[np.floating],
        base: str,
        progress: Progress,
        /,
    ) -> NDArray[np.float32]:
        self.asked.append((language, base))
        progress(1.0)
        return self.timbre

    def hear(self, reference: Pcm, language: Language, say: Say) -> Verdict:
        return Verdict(self.likeness.pop(0), {"en": 0.0, "ja": 0.0})


def refining(bench: Bench) -> MatchCloner:
    jury = Jury(encoder(), lambda _pcm, _language: "", TextFrontEnd())
    jury.hear = bench.hear  # type: ignore[method-assign]
    ears = Ears(campplus(), encoder())
    return MatchCloner(kokoro(), stock_styles(), space(), ears, Workshop(bench.improve, jury))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("whole", "half", "kept"),
    [(0.9, 0.8, 1.0), (0.6, 0.8, 0.5), (0.8, 0.9, 0.5), (0.6, 0.701, None)],
)
def test_of_a_refinement_as_much_is_kept_as_the_jury_hears_as_better(
    whole: float, half: float, kept: float | None
) -> None:
    before = cloned("sensibility.flac", "en")
    found = match("sensibility.flac", "en")
    bench = Bench(found.timbre + np.float32(0.01), (0.7, whole, half))
    reference = Reference(recorded("sensibility.flac"), "en")
    shares: list[float] = []
    better = refining(bench).refine(reference, before, shares.append)
    assert bench.asked == [("en", found.manners["en"].stock)]
    assert shares[-1] == 1.0
    if kept is None:
        assert better is None
        return
    assert better is not None
    assert better.refined
    assert better.similarity is not None
    timbre = match_of(unpack(better.data)[1]).timbre
    assert timbre == pytest.approx(found.timbre + 0.01 * kept, abs=1e-4)


def test_a_recording_that_nobody_understands_stays_as_it_was_matched() -> None:
    class Deaf(Bench):
        def improve(self, *_arguments: object) -> NDArray[np.float32]:
            raise Unalignable("Nothing was understood.")

    bench = Deaf(np.zeros(1, np.float32), (0.0, 0.0))
    clone = Clone(a_file(), "matching", 0.7)
    reference = Reference(recorded("no.mp3"), "en")
    assert refining(bench).refine(reference, clone, silent) is None


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (FileNotFoundError(2, "no such file"), "missing"),
        (ValueError("the model's decoder is another"), "not as expected"),
        (BadClone("not JSON"), "no voice"),
    ],
)
def test_what_a_refinement_failed_of_is_told_apart(error: Exception, words: str) -> None:
    class Broken(Bench):
        def improve(self, *_arguments: object) -> NDArray[np.float32]:
            raise error

    bench = Broken(np.zeros(1, np.float32), (0.0, 0.0))
    clone = Clone(a_file(), "matching", 0.7)
    with pytest.raises(CloningFailed, match=words) as raised:
        refining(bench).refine(Reference(recorded("no.mp3"), "en"), clone, silent)
    assert describe(raised.value)["cause_type"] == type(error).__name__


def test_a_matcher_without_a_workshop_refines_nothing() -> None:
    assert not matcher().refines
    assert refining(Bench(np.zeros(1, np.float32), (0.0, 0.0))).refines
    clone = Clone(a_file(), "matching", 0.7)
    assert matcher().refine(Reference(recorded("no.mp3"), "en"), clone, silent) is None


def a_file() -> bytes:
    voice = space().stock[0]
    return Match(
        stock_styles()[voice.name].row(40)[0, :128],
        {"en": Manner(voice.name, 1.0)},
        "en",
        200.0,
        np.array([0.0, 12000.0]),
        np.zeros(2),
    ).pack()
