"""Recordings are judged as people would judge them, and whoever sent one learns what to do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest

from charafy.engines.voice import SAMPLE_RATE, Pcm
from charafy.engines.voice.cloning.quality import MOST_S, Examiner, Quality, worth_cloning
from charafy.engines.voice.cloning.vad import best
from tests.support.listening import examiner as shared_examiner
from tests.support.listening import recorded

HIGH, LOW = "sonnet.flac", "sensibility.flac"
VOICES = (HIGH, LOW, "mahiruma.mp3")


@pytest.fixture(scope="module")
def examiner() -> Examiner:
    return shared_examiner()


def codes(quality: Quality) -> set[str]:
    return {problem.code for problem in quality.problems}


def hiss(samples: int, level_db: float) -> Pcm:
    made = np.random.default_rng(5).standard_normal(samples)
    return (made * 10 ** (level_db / 20)).astype(np.float32)


def tones(seconds: float, *hertz: float) -> Pcm:
    at = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    made = sum((0.15 * np.sin(2 * np.pi * h * at) for h in hertz), np.zeros_like(at))
    return np.array(made, np.float32)


def music(seconds: float) -> Pcm:
    """Plucked chords with overtones over a drum on every beat."""
    beat = SAMPLE_RATE // 2
    at = np.arange(beat) / SAMPLE_RATE
    chords = ((220, 277, 330), (196, 247, 294), (175, 220, 262), (196, 247, 330))
    bars = []
    for chord in chords:
        plucked = sum(
            np.sin(2 * np.pi * note * over * at) / over * np.exp(-4 * over * at)
            for note in chord
            for over in range(1, 7)
        )
        bars.append(0.15 * plucked + hiss(beat, -20) * np.exp(-40 * at))
    song: Pcm = np.tile(np.concatenate(bars), 1 + round(seconds / 2)).astype(np.float32)
    return song[: round(seconds * SAMPLE_RATE)]


def speech_level_db(pcm: Pcm) -> float:
    power = np.square(pcm[: len(pcm) // 480 * 480]).reshape(-1, 480).mean(axis=1)
    return float(10 * np.log10(power[power > power.max() * 1e-3].mean()))


def clipped_at(pcm: Pcm, share: float) -> Pcm:
    """So loud that `share` of the samples in speech are cut off, then turned down."""
    rail = np.quantile(np.abs(pcm[np.abs(pcm) > 0.003]), 1 - share)
    cut: Pcm = np.clip(pcm, -rail, rail) * (0.8 / rail)
    return cut.astype(np.float32)


# --- good recordings


@pytest.mark.parametrize("name", VOICES)
def test_somebody_speaking_is_usable(examiner: Examiner, name: str) -> None:
    quality = examiner.examine(recorded(name))
    assert quality.usable
    assert codes(quality) <= {"short"}
    assert quality.duration_s == pytest.approx(len(recorded(name)) / SAMPLE_RATE, abs=1e-3)
    assert 0.6 * quality.duration_s < quality.speech_s < quality.duration_s
    assert quality.snr_db is not None
    assert quality.snr_db > 15
    assert quality.clipped == 0.0
    assert -30 < quality.level_db < -15


@pytest.mark.parametrize("name", [HIGH, LOW])
def test_one_person_is_counted_as_one(examiner: Examiner, name: str) -> None:
    assert examiner.examine(recorded(name)).speakers == 1


def test_who_says_little_is_not_counted(examiner: Examiner) -> None:
    assert examiner.examine(recorded("mahiruma.mp3")).speakers is None


def test_stretches_of_speech_are_where_it_is_loud(examiner: Examiner) -> None:
    pcm = recorded("mahiruma.mp3")
    spoken = examiner.examine(pcm).spoken
    inside = np.zeros(len(pcm), np.bool_)
    for begin, end in spoken:
        assert 0 <= begin < end <= len(pcm) / SAMPLE_RATE
        inside[round(begin * SAMPLE_RATE) : round(end * SAMPLE_RATE)] = True
    assert all(before[1] < after[0] for before, after in pairwise(spoken))
    assert np.square(pcm[inside]).mean() > 1000 * np.square(pcm[~inside]).mean()


# --- no speech


@pytest.mark.parametrize("seconds", [0.0, 0.01, 3.0])
def test_silence_is_called_silence(examiner: Examiner, seconds: float) -> None:
    quality = examiner.examine(np.zeros(round(seconds * SAMPLE_RATE), np.float32))
    assert codes(quality) == {"no_speech"}
    assert not quality.usable
    assert quality.speech_s == 0.0
    assert quality.snr_db is None
    assert "microphone" in quality.problems[0].message


def test_the_noise_of_a_muted_microphone_is_silence(examiner: Examiner) -> None:
    assert codes(examiner.examine(hiss(5 * SAMPLE_RATE, -80))) == {"no_speech"}


@pytest.mark.parametrize(
    "sound",
    [
        hiss(6 * SAMPLE_RATE, -20),
        tones(6.0, 220.0),
        tones(6.0, 220.0, 277.2, 329.6, 440.0),
        music(10.0),
        np.repeat(np.eye(1, 2400, dtype=np.float32), 50, axis=0).ravel(),
    ],
    ids=["hiss", "tone", "chord", "music", "clicks"],
)
def test_music_and_noise_are_refused_as_such(examiner: Examiner, sound: Pcm) -> None:
    quality = examiner.examine(sound)
    assert codes(quality) == {"music_or_noise"}
    assert not quality.usable


def test_a_word_in_a_song_does_not_make_it_speech(examiner: Examiner) -> None:
    song = music(12.0)
    word = recorded("no.mp3")[round(1.4 * SAMPLE_RATE) : 2 * SAMPLE_RATE]
    song[: len(word)] += word
    assert codes(examiner.examine(song)) == {"music_or_noise"}


def test_one_word_is_too_little(examiner: Examiner) -> None:
    quality = examiner.examine(recorded("no.mp3"))
    assert codes(quality) == {"too_little_speech"}
    assert 0.2 < quality.speech_s < 1.0
    assert f"Only {quality.speech_s:.1f} seconds" in quality.problems[0].message


@pytest.mark.parametrize(("seconds", "code"), [(2.5, "too_little_speech"), (4.0, "short")])
def test_few_sentences_are_too_little_or_short(
    examiner: Examiner, seconds: float, code: str
) -> None:
    pcm = recorded(LOW)[: round(seconds * SAMPLE_RATE)]
    quality = examiner.examine(pcm)
    assert codes(quality) == {code}
    assert quality.usable == (code == "short")


# --- noise


@pytest.mark.parametrize("name", ["sonnet.flac", "mahiruma.mp3"])
@pytest.mark.parametrize("snr_db", [12.0, 8.0, 0.0])
def test_the_distance_of_noise_is_measured(examiner: Examiner, name: str, snr_db: float) -> None:
    pcm = recorded(name)
    # A third of the hiss lies above 8 kHz, where it isn't counted.
    level = speech_level_db(pcm) - snr_db + 10 * np.log10(1.5)
    quality = examiner.examine(pcm + hiss(len(pcm), level))
    assert quality.snr_db == pytest.approx(snr_db, abs=2.0)
    assert ("too_noisy" in codes(quality)) == (snr_db < 5)
    assert ("noisy" in codes(quality)) == (snr_db >= 5)
    assert quality.usable == (snr_db >= 5)


def test_music_behind_speech_counts_as_noise(examiner: Examiner) -> None:
    pcm = recorded(HIGH)
    behind = music(len(pcm) / SAMPLE_RATE)[: len(pcm)]
    gain = 10 ** ((speech_level_db(pcm) - speech_level_db(behind)) / 20)
    assert "too_noisy" in codes(examiner.examine(pcm + np.float32(gain) * behind))
    assert "noisy" in codes(examiner.examine(pcm + np.float32(gain * 0.3) * behind))


def test_without_pauses_there_is_no_distance_to_noise(examiner: Examiner) -> None:
    pcm = recorded(LOW)
    spoken = examiner.examine(pcm).spoken
    joined = np.concatenate([pcm[round(b * 24_000) : round(e * 24_000)] for b, e in spoken])
    words = joined[round(0.1 * 24_000) : round(3.6 * 24_000)]
    quality = examiner.examine(words)
    assert quality.snr_db is None
    assert "too_noisy" not in codes(quality)
    loud = hiss(len(words), speech_level_db(words))
    assert "too_noisy" in codes(examiner.examine(words + loud))


def test_a_gate_is_not_taken_for_a_quiet_room(examiner: Examiner) -> None:
    noisy = recorded(HIGH) + hiss(len(recorded(HIGH)), speech_level_db(recorded(HIGH)) - 6)
    padded = np.pad(noisy, 2 * SAMPLE_RATE)
    quality = examiner.examine(padded)
    assert quality.snr_db is not None
    assert quality.snr_db < 12


# --- loudness


@pytest.mark.parametrize("share", [0.01, 0.03, 0.15])
@pytest.mark.parametrize("gain", [1.0, 0.1])
def test_clipping_is_found_even_after_turning_down(
    examiner: Examiner, share: float, gain: float
) -> None:
    quality = examiner.examine(clipped_at(recorded(HIGH), share) * np.float32(gain))
    assert 0.7 * share < quality.clipped < 1.7 * share
    expected = "clipped" if share > 0.1 else "slightly_clipped"
    assert expected in codes(quality)
    assert quality.usable == (expected == "slightly_clipped")


def test_quiet_speech_is_understood_and_named_quiet(examiner: Examiner) -> None:
    quality = examiner.examine(recorded(HIGH) * np.float32(0.03))
    assert codes(quality) == {"quiet"}
    assert quality.speech_s == pytest.approx(examiner.examine(recorded(HIGH)).speech_s, abs=0.6)
    assert quality.level_db < -45


def test_an_offset_changes_nothing(examiner: Examiner) -> None:
    plain = examiner.examine(recorded(HIGH))
    shifted = examiner.examine(recorded(HIGH) + np.float32(0.2))
    assert shifted.level_db == pytest.approx(plain.level_db, abs=0.1)
    assert shifted.clipped == plain.clipped
    assert shifted.speech_s == plain.speech_s


# --- how high it reaches


def test_a_telephone_call_is_known_by_its_reach(examiner: Examiner) -> None:
    pcm = recorded("mahiruma.mp3")
    assert examiner.examine(pcm).bandwidth_hz > 9_000
    spectrum = np.fft.rfft(pcm)
    spectrum[np.fft.rfftfreq(len(pcm), 1 / SAMPLE_RATE) > 3800] = 0
    call = np.fft.irfft(spectrum, len(pcm)).astype(np.float32)
    quality = examiner.examine(call)
    assert 3_500 <= quality.bandwidth_hz <= 4_250
    assert "narrow_band" in codes(quality)
    assert quality.usable


def test_noise_does_not_make_a_voice_look_dull(examiner: Examiner) -> None:
    pcm = recorded(HIGH)
    quality = examiner.examine(pcm + hiss(len(pcm), speech_level_db(pcm) - 10))
    assert "narrow_band" not in codes(quality)


# --- who speaks


def test_a_second_person_is_heard(examiner: Examiner) -> None:
    quality = examiner.examine(np.concatenate([recorded(HIGH), recorded(LOW)]))
    assert quality.speakers == 2
    assert "several_speakers" in codes(quality)
    assert not quality.usable


def test_turns_of_a_conversation_are_heard_too(examiner: Examiner) -> None:
    def turns() -> Iterator[Pcm]:
        for number in range(4):
            part = slice(number * 3 * SAMPLE_RATE, (number + 1) * 3 * SAMPLE_RATE)
            yield recorded(HIGH)[part]
            yield recorded(LOW)[part]

    quality = examiner.examine(np.concatenate(list(turns())))
    assert quality.speakers != 1
    assert codes(quality) & {"several_speakers", "perhaps_several_speakers"}


def test_somebody_who_moves_away_from_the_microphone_stays_one(examiner: Examiner) -> None:
    pcm = recorded(LOW).copy()
    pcm[len(pcm) // 2 :] *= np.float32(0.25)
    quality = examiner.examine(pcm)
    assert quality.speakers == 1
    assert quality.usable


def test_a_door_does_not_become_a_second_person(examiner: Examiner) -> None:
    pcm = recorded(LOW).copy()
    pcm[6 * SAMPLE_RATE : 7 * SAMPLE_RATE] += hiss(SAMPLE_RATE, -15)
    assert examiner.examine(pcm).speakers != 2


# --- long ones, broken ones, many at once


def test_of_long_recordings_the_most_usual_half_minute_is_used(examiner: Examiner) -> None:
    shouted = np.clip(recorded(HIGH)[: 4 * SAMPLE_RATE] * 8, -1, 1)
    pcm = np.concatenate([recorded(HIGH), recorded(HIGH), shouted, recorded(HIGH)])
    quality = examiner.examine(pcm)
    assert "long" in codes(quality)
    assert quality.speech_s > MOST_S
    spoken = quality.spoken
    assert sum(end - begin for begin, end in spoken) <= MOST_S
    assert sum(end - begin for begin, end in spoken) > MOST_S - 2
    assert spoken == tuple(sorted(spoken))
    start = 2 * len(recorded(HIGH)) / SAMPLE_RATE
    assert not any(begin < start + 3.9 and end > start + 0.1 for begin, end in spoken)


def test_a_long_stretch_is_cut_between_words() -> None:
    """Forty seconds without a pause for breath: words of 0.5 to 1.2 s, 0.12 s between them."""
    lengths = np.random.default_rng(3).uniform(0.5, 1.2, 40)
    word, gap = [hiss(round(s * SAMPLE_RATE), -20) for s in lengths], hiss(2880, -60)
    pcm = np.concatenate([part for one in word for part in (one, gap)])
    gaps, at = [], 0.0
    for one in word:
        at += len(one) / SAMPLE_RATE
        gaps.append((at, at + 0.12))
        at += 0.12
    chosen = best(pcm, [(0.0, at)], MOST_S)
    assert MOST_S - 2 < sum(end - begin for begin, end in chosen) <= MOST_S
    cuts = {cut for stretch in chosen for cut in stretch} - {0.0, at}
    assert cuts
    assert all(any(begin < cut < end for begin, end in gaps) for cut in cuts)


def test_silence_before_the_speech_of_a_long_recording_is_left_out(examiner: Examiner) -> None:
    pcm = np.concatenate([hiss(35 * SAMPLE_RATE, -80), recorded(HIGH)])
    quality = examiner.examine(pcm)
    worth = worth_cloning(pcm, quality)
    assert len(worth) / SAMPLE_RATE == pytest.approx(quality.speech_s, abs=0.1)
    assert speech_level_db(worth) > -40


def test_a_recording_that_cloners_listen_to_as_a_whole_stays_as_it_is(examiner: Examiner) -> None:
    pcm = recorded(HIGH)
    assert worth_cloning(pcm, examiner.examine(pcm)) is pcm


def test_a_minute_takes_two_cpu_seconds_at_most(examiner: Examiner) -> None:
    minute = np.tile(recorded(HIGH), 5)[: 60 * SAMPLE_RATE]
    examiner.examine(recorded("no.mp3"))
    before = time.thread_time()
    examiner.examine(minute)
    assert time.thread_time() - before < 2.0


def test_what_lasts_for_hours_is_not_listened_to_for_hours(examiner: Examiner) -> None:
    hour = np.tile(recorded("mahiruma.mp3"), 550)
    before = time.thread_time()
    quality = examiner.examine(hour)
    assert time.thread_time() - before < 6.0
    assert quality.duration_s > 3500
    assert quality.speech_s < 120


def test_broken_samples_are_passed_over(examiner: Examiner) -> None:
    pcm = recorded(HIGH).copy()
    pcm[::5000] = np.nan
    pcm[1::7000] = np.inf
    pcm[2::9000] = -np.inf
    quality = examiner.examine(pcm)
    assert np.isfinite([quality.speech_s, quality.level_db, quality.clipped]).all()
    assert quality.speech_s > 8
    assert codes(examiner.examine(np.full(SAMPLE_RATE, np.nan, np.float32))) == {"no_speech"}


def test_far_too_large_samples_are_heard_all_the_same(examiner: Examiner) -> None:
    quality = examiner.examine(recorded(HIGH) * np.float32(30))
    assert quality.speech_s > 8


def test_the_recording_itself_is_left_alone(examiner: Examiner) -> None:
    pcm = recorded(HIGH)  # read-only: writing would raise
    examiner.examine(pcm)


def test_many_threads_get_the_same_answers(examiner: Examiner) -> None:
    alone = [examiner.examine(recorded(name)) for name in VOICES]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(examiner.examine, [recorded(name) for name in VOICES] * 2))
    assert together == alone * 2


# --- what is said


def test_fatal_problems_come_first_and_all_are_sentences(examiner: Examiner) -> None:
    seen = [
        np.zeros(SAMPLE_RATE, np.float32),
        hiss(SAMPLE_RATE, -20),
        recorded("no.mp3"),
        clipped_at(recorded(HIGH), 0.2)[: 5 * SAMPLE_RATE],
        np.concatenate([recorded(HIGH), recorded(LOW), recorded(HIGH)]) * np.float32(0.02),
    ]
    for pcm in seen:
        problems = examiner.examine(pcm).problems
        assert problems
        assert sorted(problems, key=lambda problem: not problem.fatal) == list(problems)
        for problem in problems:
            assert problem.message[0].isupper() or problem.message[0].isdigit()
            assert problem.message.endswith(".")
            assert len(problem.message) < 260
