"""What is wrong with a recording, in sentences.

How the limits were found: docs/decisions/judging-recordings.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from charafy.engines.voice.cloning.crowd import Split
from charafy.engines.voice.cloning.measures import Measures

LEAST_S: Final = 3.0
"""Seconds of speech without which nothing can be cloned."""
ENOUGH_S: Final = 5.0
MOST_S: Final = 30.0
"""Seconds of speech that are used."""

_SILENT_DB: Final = -60.0
_TOO_NOISY_DB: Final = 5.0
_NOISY_DB: Final = 15.0
_CLIPPED: Final = 0.10
_SLIGHTLY_CLIPPED: Final = 0.003
_QUIET_DB: Final = -42.0
_NARROW_HZ: Final = 5500
_CLEAR_DB: Final = 20.0
"""Louder noise hides the upper end of a voice."""
_STEADY_DB: Final = 18.0
"""Louder noise that comes and goes makes one person sound like two."""
_TWO: Final = 0.72
_PERHAPS_TWO: Final = 0.80
"""Below these cosines the two groups of the speech are two people, surely or perhaps."""
_ONE: Final = 0.83
"""From here on they are one."""
_TWO_WINDOWS: Final = 5


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with a recording."""

    code: str
    """Fatal: `no_speech`, `too_little_speech`, `music_or_noise`, `too_noisy`, `clipped`,
    `several_speakers`. Warnings: `short`, `long`, `noisy`, `slightly_clipped`, `quiet`,
    `narrow_band`, `perhaps_several_speakers`."""
    fatal: bool
    """Whether the recording can't be used."""
    message: str
    """A sentence or two for whoever sent it: what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Findings:
    """All that is known of a recording before it is judged."""

    duration_s: float
    speech_s: float
    measures: Measures
    clipped: float
    split: Split | None

    @property
    def speakers(self) -> int | None:
        """1, 2 (or more), None where it can't be told."""
        if self.split is None:
            return None
        steady = (self.measures.worst_db or 0.0) >= _STEADY_DB
        if self.split.alike < _TWO and self.split.smaller >= _TWO_WINDOWS and steady:
            return 2
        return 1 if self.split.alike >= _ONE else None


def problems(found: Findings) -> tuple[Problem, ...]:
    """Fatal ones first."""
    if found.speech_s < LEAST_S:
        return (_without_speech(found),)
    listed = [*_noise(found), *_clipping(found), *_crowd(found), *_small_things(found)]
    return tuple(sorted(listed, key=lambda problem: not problem.fatal))


def _without_speech(found: Findings) -> Problem:
    spoken, sound = found.speech_s, found.measures
    if spoken == 0.0 and sound.level_db < _SILENT_DB:
        says = (
            "The recording is silent. Check that the right microphone was chosen and not muted,"
            " and record again."
        )
        return Problem("no_speech", True, says)
    if spoken == 0.0 or sound.loud_s > max(2.0 * spoken, LEAST_S):
        heard = f"only {spoken:.1f} seconds of speech" if spoken else "no speech"
        says = (
            f"There is sound, but {heard} in it: music, noise, singing and whispering can't be"
            " cloned. Send 5 to 30 seconds of one person speaking, with nothing in the background."
        )
        return Problem("music_or_noise", True, says)
    says = (
        f"Only {spoken:.1f} seconds of speech were found; at least {LEAST_S:.0f} are needed, and 10"
        " to 30 give the best voice. Record a few more sentences."
    )
    return Problem("too_little_speech", True, says)


def _noise(found: Findings) -> Iterator[Problem]:
    snr = found.measures.clear_db
    if snr is None:
        return
    if snr < _TOO_NOISY_DB:
        says = (
            f"The background is nearly as loud as the voice ({snr:.0f} dB between them; at least"
            f" {_TOO_NOISY_DB:.0f} are needed). Record in a quiet room, close to the microphone and"
            " without music."
        )
        yield Problem("too_noisy", True, says)
    elif snr < _NOISY_DB:
        says = (
            f"Background noise is only {snr:.0f} dB below the voice and will be heard as part of"
            f" it. Above {_NOISY_DB:.0f} dB, in a quiet room, the voice comes out more alike."
        )
        yield Problem("noisy", False, says)


def _clipping(found: Findings) -> Iterator[Problem]:
    if found.clipped > _CLIPPED:
        says = (
            f"The recording is distorted: about {100 * found.clipped:.0f} % of the speech is cut"
            " off at the loudest level. Turn the microphone down or move away from it, and record"
            " again."
        )
        yield Problem("clipped", True, says)
    elif found.clipped > _SLIGHTLY_CLIPPED:
        says = (
            f"The loudest moments are cut off (about {100 * found.clipped:.1f} % of the speech),"
            " which makes a voice harsh. Turning the microphone down helps."
        )
        yield Problem("slightly_clipped", False, says)


def _crowd(found: Findings) -> Iterator[Problem]:
    if found.speakers == 2:
        says = (
            "More than one person speaks in the recording. Send one in which only the person to be"
            " cloned is heard, or cut the others out."
        )
        yield Problem("several_speakers", True, says)
    elif found.split is not None and found.split.alike < _PERHAPS_TWO:
        says = (
            "Parts of the recording sound like different people, or like different microphones."
            " If others speak in it, cut them out: the voice would be a mixture."
        )
        yield Problem("perhaps_several_speakers", False, says)


def _small_things(found: Findings) -> Iterator[Problem]:
    sound = found.measures
    if found.speech_s < ENOUGH_S:
        says = (
            f"{found.speech_s:.1f} seconds of speech are little to go by; 10 to 30 give a voice"
            " that is more alike."
        )
        yield Problem("short", False, says)
    if found.speech_s > MOST_S:
        says = (
            f"{found.speech_s:.0f} seconds of speech were found; the best {MOST_S:.0f} of them are"
            " used."
        )
        yield Problem("long", False, says)
    if sound.level_db < _QUIET_DB:
        says = (
            f"The voice is very quiet ({sound.level_db:.0f} dB of full scale; -30 to -15 is good)."
            " Turn the microphone up or move closer to it."
        )
        yield Problem("quiet", False, says)
    if sound.bandwidth_hz < _NARROW_HZ and (sound.clear_db or 0.0) >= _CLEAR_DB:
        says = (
            f"The recording holds nothing above {sound.bandwidth_hz / 1000:.1f} kHz, like a"
            " telephone call, so the voice may come out dull. A recording made with a microphone"
            " or a phone's own recorder sounds better."
        )
        yield Problem("narrow_band", False, says)
