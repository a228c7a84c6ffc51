"""Kokoro on the real model: exact timing, no seams, nothing done that nobody asked for."""

from __future__ import annotations

import itertools
import threading
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from charafy.engines.voice import SAMPLE_RATE, Mark, NothingToSay, Pcm, SpeechChunk
from charafy.engines.voice.kokoro import KokoroVoice
from charafy.engines.voice.kokoro.acoustic import FRAME, Acoustics, Utterance
from charafy.engines.voice.kokoro.equaliser import minimum_phase
from charafy.engines.voice.kokoro.styles import stock_styles
from charafy.engines.voice.text import TextFrontEnd
from tests.engines.voice.kokoro.phonemes import HELLO, KONNICHIWA, LONG

FRAME_S = FRAME / SAMPLE_RATE


def joined(chunks: Sequence[SpeechChunk]) -> Pcm:
    return np.concatenate([chunk.pcm for chunk in chunks])


def marks(chunks: Sequence[SpeechChunk], kind: str) -> list[Mark]:
    return [mark for chunk in chunks for mark in chunk.marks if mark.kind == kind]


def log_spectrum(pcm: Pcm) -> np.ndarray:
    frames = np.lib.stride_tricks.sliding_window_view(pcm, 512)[::256] * np.hanning(512)
    return np.log(np.abs(np.fft.rfft(frames)) + 1e-3)


@pytest.fixture(scope="module")
def long_utterance(acoustics: Acoustics) -> Utterance:
    row = stock_styles()["af_heart"].row(len(LONG))
    return acoustics.plan(LONG, row, 1.0, 1.0)


def test_every_frame_of_duration_is_600_samples_of_audio(
    acoustics: Acoustics, long_utterance: Utterance
) -> None:
    audio = acoustics.decode(long_utterance, 0, long_utterance.frames)
    assert len(audio) == int(long_utterance.durations.sum()) * FRAME
    assert len(long_utterance.durations) == len(LONG) + 2


def test_the_forecast_finds_where_sound_begins_and_ends(
    acoustics: Acoustics, long_utterance: Utterance
) -> None:
    audio = acoustics.decode(long_utterance, 0, long_utterance.frames)
    levels = np.sqrt(np.square(audio.reshape(-1, FRAME)).mean(axis=1))
    heard = np.flatnonzero(levels > levels.max() / 100)
    first, last = long_utterance.sounding
    assert 0 <= heard[0] - first <= 6
    assert 0 <= last - heard[-1] <= 8


def test_a_window_sounds_as_the_same_stretch_of_the_whole(
    acoustics: Acoustics, long_utterance: Utterance
) -> None:
    whole = acoustics.decode(long_utterance, 0, long_utterance.frames)
    start, stop, context = 60, 90, 4
    part = acoustics.decode(long_utterance, start - context, stop + context)
    window = part[context * FRAME : -context * FRAME]
    stretch = whole[start * FRAME : stop * FRAME]
    # int8 levels are chosen per run, which alone makes about 0.2.
    assert np.abs(log_spectrum(window) - log_spectrum(stretch)).mean() < 0.35
    assert np.sqrt(np.square(window).mean() / np.square(stretch).mean()) == pytest.approx(
        1, abs=0.1
    )


@pytest.mark.parametrize(("text", "name"), [(LONG, "af_heart"), (KONNICHIWA, "jm_kumo")])
def test_no_click_where_windows_join(voice: KokoroVoice, text: str, name: str) -> None:
    chunks = list(voice.speak(text, name, "en"))
    assert len(chunks) > 2, "the text must be long enough for seams"
    steps = np.abs(np.diff(joined(chunks)))
    seams = np.cumsum([len(chunk.pcm) for chunk in chunks])[:-1]
    for seam in seams:
        around = steps[max(0, seam - 4800) : seam + 4800]
        assert steps[seam - 20 : seam + 260].max() <= around.max()
        assert steps[seam - 1] <= np.percentile(around, 99.9)


def test_marks_cover_the_audio_in_order(voice: KokoroVoice) -> None:
    chunks = list(voice.speak(LONG, "af_heart", "en"))
    duration = len(joined(chunks)) / SAMPLE_RATE
    phonemes = marks(chunks, "phoneme")
    assert "".join(mark.text for mark in phonemes) == LONG
    assert phonemes[0].start_s <= 0.15
    assert phonemes[-1].end_s == pytest.approx(duration, abs=0.1)
    for before, after in itertools.pairwise(phonemes):
        assert before.end_s == pytest.approx(after.start_s)
    assert [mark.text for mark in marks(chunks, "word")] == LONG.replace(",", "").strip(".").split()


@pytest.mark.parametrize("name", ["af_heart", "am_michael", "jf_alpha"])
def test_vowels_are_marked_where_the_sound_is_loud(voice: KokoroVoice, name: str) -> None:
    chunks = list(voice.speak(LONG, name, "en"))
    pcm = joined(chunks)
    steps = len(pcm) // 120
    loudness = np.log(np.square(pcm[: steps * 120]).reshape(steps, 120).mean(axis=1) + 1e-5)
    expected = np.zeros(steps)
    for mark in marks(chunks, "phoneme"):
        if mark.text in "aeiouɑɔɪʊæɛəʌɐIAOWY":
            expected[round(mark.start_s * 200) : round(mark.end_s * 200)] = 1.0
    lags = range(-30, 31)
    fit = [np.corrcoef(np.roll(expected, lag), loudness)[0, 1] for lag in lags]
    assert max(fit) > 0.3
    assert abs(lags[int(np.argmax(fit))]) * 5 <= 20, "milliseconds"


def test_marks_stand_in_the_chunk_in_which_they_start(voice: KokoroVoice) -> None:
    at = 0.0
    for chunk in voice.speak(LONG, "af_heart", "en"):
        end = at + len(chunk.pcm) / SAMPLE_RATE
        assert all(at - 1e-9 <= mark.start_s <= end + 1e-9 for mark in chunk.marks)
        at = end


def test_characters_done_grow_to_the_whole_text(voice: KokoroVoice) -> None:
    done = [chunk.chars_done for chunk in voice.speak(f"{HELLO}|{HELLO}", "af_heart", "en")]
    assert done == sorted(done)
    assert done[0] < len(HELLO)
    assert done[-1] == len(HELLO) * 2 + 1


def test_a_word_counts_as_done_only_when_it_is_over(voice: KokoroVoice) -> None:
    at = 0.0
    spoken: dict[int, float] = {}
    chunks = list(voice.speak(LONG, "af_heart", "en"))
    ends = {m.end_s: m.text for m in marks(chunks, "word")}
    for chunk in chunks[:-1]:
        at += len(chunk.pcm) / SAMPLE_RATE
        spoken[chunk.chars_done] = at
    for chars, second in spoken.items():
        said = LONG[:chars].replace(",", "").split()
        over = [text for end, text in ends.items() if end <= second + 1e-9]
        assert said == over


def test_a_pause_is_silence_of_that_length(voice: KokoroVoice) -> None:
    plain = joined(list(voice.speak(HELLO, "af_heart", "en")))
    paused = joined(list(voice.speak(f"{HELLO}<0.75>", "af_heart", "en")))
    assert len(paused) - len(plain) == 0.75 * SAMPLE_RATE
    assert not paused[-int(0.75 * SAMPLE_RATE) :].any()


def test_speed_shortens_and_lengthens(voice: KokoroVoice) -> None:
    seconds = {
        speed: len(joined(list(voice.speak(LONG, "af_heart", "en", speed)))) / SAMPLE_RATE
        for speed in (0.5, 1.0, 2.0)
    }
    assert seconds[0.5] / seconds[1.0] == pytest.approx(2, rel=0.2)
    assert seconds[2.0] / seconds[1.0] == pytest.approx(0.5, rel=0.3)


@pytest.mark.parametrize("speed", [0.49, 2.01, float("nan")])
def test_a_speed_out_of_range_is_refused(voice: KokoroVoice, speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        voice.speak(HELLO, "af_heart", "en", speed)


def test_an_unknown_voice_is_a_key_error(voice: KokoroVoice) -> None:
    with pytest.raises(KeyError):
        voice.speak(HELLO, "nobody", "en")


def test_nothing_to_say_is_raised_by_the_first_next(voice: KokoroVoice) -> None:
    speech = voice.speak("  ", "af_heart", "en")
    with pytest.raises(NothingToSay):
        next(speech)


def test_closing_stops_the_work(
    voice: KokoroVoice, acoustics: Acoustics, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[int] = []
    decode = Acoustics.decode

    def counted(self: Acoustics, utterance: Utterance, start: int, stop: int) -> Pcm:
        runs.append(stop - start)
        return decode(self, utterance, start, stop)

    monkeypatch.setattr(Acoustics, "decode", counted)
    speech = voice.speak(LONG, "af_heart", "en")
    next(speech)
    assert len(runs) == 1, "lazy: one window for one chunk"
    speech.close()  # type: ignore[attr-defined]
    assert len(runs) == 1
    assert next(speech, None) is None


@pytest.mark.slow
def test_threads_at_once_hear_what_each_would_hear_alone(voice: KokoroVoice) -> None:
    wishes = [(HELLO, "af_heart"), (KONNICHIWA, "jf_alpha"), (LONG, "am_michael")] * 2
    alone = [list(voice.speak(text, name, "en")) for text, name in wishes[:3]] * 2
    gate = threading.Barrier(len(wishes))

    def speak(text: str, name: str) -> list[SpeechChunk]:
        gate.wait(30)
        return list(voice.speak(text, name, "en"))

    with ThreadPoolExecutor(len(wishes)) as pool:
        together = list(pool.map(speak, *zip(*wishes, strict=True)))
    for one, many in zip(alone, together, strict=True):
        assert len(joined(one)) == len(joined(many))
        assert marks(one, "phoneme") == marks(many, "phoneme")
        # Windows may be cut elsewhere under load; what is heard is the same.
        difference = np.abs(log_spectrum(joined(one)) - log_spectrum(joined(many))).mean()
        assert difference < 0.35


def test_audio_is_finite_and_never_clips(voice: KokoroVoice) -> None:
    for name in ("am_santa", "bf_emma", "jf_gongitsune"):
        pcm = joined(list(voice.speak(HELLO, name, "en")))
        assert pcm.dtype == np.float32
        assert np.isfinite(pcm).all()
        assert 0.05 < np.abs(pcm).max() < 0.99


def test_every_stock_voice_is_there(voice: KokoroVoice) -> None:
    assert len(voice.voices) == 33
    assert {name[:2] for name in voice.voices} == {"af", "am", "bf", "bm", "jf", "jm"}


def test_unknown_symbols_are_left_out(voice: KokoroVoice) -> None:
    said = "".join(m.text for m in marks(list(voice.speak("h1ˈI☃", "af_heart", "en")), "phoneme"))
    assert said == "hˈI"


def test_a_clause_that_is_too_long_is_refused(voice: KokoroVoice) -> None:
    with pytest.raises(ValueError, match="511 symbols"):
        next(voice.speak("a" * 511, "af_heart", "en"))


def test_british_voices_pronounce_as_the_british_do(model_path: Path, cache_dir: Path) -> None:
    voice = KokoroVoice(
        model_path,
        stock_styles(),
        TextFrontEnd(),
        cache_dir,
        threads=1,
        british=TextFrontEnd(english="british"),
    )

    def said(name: str) -> str:
        return "".join(
            mark.text for mark in marks(list(voice.speak("Bath.", name, "en")), "phoneme")
        )

    assert "æ" in said("af_heart")
    assert "ɑ" in said("bf_emma")
    assert "æ" not in said("bm_george")


def test_a_model_that_overflows_is_heard_within_bounds(
    voice: KokoroVoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Timbres far from any voice make it do so, and filters would make worse of it."""

    def overflown(_self: Acoustics, _utterance: Utterance, start: int, stop: int) -> Pcm:
        wild = np.array([np.inf, -np.inf, np.nan, 3e38, -3e38], np.float32)
        return np.random.default_rng(start).choice(wild, (stop - start) * FRAME)

    monkeypatch.setattr(Acoustics, "decode", overflown)
    gains = minimum_phase(np.array([0.0, 12_000.0]), np.array([6.0, -6.0]))
    style = replace(stock_styles()["af_heart"], equaliser=gains)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        said = joined(list(voice.speak_as(LONG, style, "en")))
    assert np.abs(said).max() <= 0.98
