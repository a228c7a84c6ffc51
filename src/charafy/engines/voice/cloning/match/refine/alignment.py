"""A recording as the vocoder would have been told to speak it: which sounds, where, pitch, level.

A stock voice says the same, and dynamic time warping finds its sounds again in the recording.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from charafy.engines.voice import SAMPLE_RATE, Clause, Pcm
from charafy.engines.voice.cloning.match.refine.mel import HOP, cepstra, energy, mel
from charafy.engines.voice.cloning.match.refine.warping import warp
from charafy.engines.voice.cloning.match.refine.weights import SOURCE_PER_FRAME
from charafy.engines.voice.kokoro.acoustic import FRAME, Acoustics
from charafy.engines.voice.kokoro.timeline import script
from charafy.engines.voice.kokoro.windows import CONTEXT
from charafy.engines.voice.vocabulary import MAX_SYMBOLS, SYMBOLS

if TYPE_CHECKING:
    import onnxruntime as ort
    from onnx import ModelProto

Floats = NDArray[np.float32]
Track = Callable[[Pcm], NDArray[np.floating[Any]]]
"""[len(pcm) // 300]: F0 in Hz, 0 where nothing is voiced (`match.pitch.track`)."""

LONGEST_S: Final = 30.0
_ROWS: Final = 2
"""Of pitch and energy per frame."""
_PAD: Final = 0
_DEPTH: Final = 9.0
"""Rows that much quieter than the loudest (natural logarithm) at either end are cut off ..."""
_BEFORE, _AFTER = 5, 8
"""... but for so many."""
_PEAK: Final = 0.5
_SPEEDS: Final = (0.6, 1.6)
_WINDOW: Final = 200
"""Frames that are decoded at once."""
_EXPANDED: Final = "/encoder/MatMul_1_output_0"
_DURATIONS: Final = "/encoder/Clip_output_0"
_F0: Final = "/encoder/Reshape_output_0"
_ENERGY: Final = "/encoder/Reshape_1_output_0"
_HARMONICS: Final = "/decoder/decoder/generator/Concat_3_output_0"


class Aligned(NamedTuple):
    """A stretch of speech, in the terms of `decoder.decode`, and how it was recorded."""

    asr: Floats
    """[frames, 512]: the sound that is spoken."""
    f0: Floats
    """[2 * frames]: Hz, 0 where unvoiced."""
    energy: Floats
    """[2 * frames]"""
    harmonics: Floats
    """[120 * frames + 1, 22]"""
    pcm: Pcm
    """[600 * frames]"""

    @property
    def frames(self) -> int:
        return len(self.asr)

    def crop(self, first: int, count: int) -> Aligned:
        last = first + count
        return Aligned(
            self.asr[first:last],
            self.f0[_ROWS * first : _ROWS * last],
            self.energy[_ROWS * first : _ROWS * last],
            self.harmonics[SOURCE_PER_FRAME * first : SOURCE_PER_FRAME * last + 1],
            self.pcm[FRAME * first : FRAME * last],
        )


class Unalignable(ValueError):
    """The recording and its transcript don't go together, or there is nothing in one of them."""


def fitting(clauses: Iterable[Clause]) -> tuple[str, float]:
    """Symbols of as many clauses as the model takes at once, and their share of all symbols."""
    texts = [symbols for clause in clauses if (symbols := script(clause).symbols)]
    taken = ""
    for text in texts:
        longer = f"{taken} {text}" if taken else text
        if len(longer) > MAX_SYMBOLS:
            break
        taken = longer
    whole = len(" ".join(texts))
    return taken, len(taken) / whole if whole else 0.0


class SpeechAligner:
    """Safe to call from many threads."""

    def __init__(self, model: ModelProto, acoustics: Acoustics, track: Track) -> None:
        """`model`: Kokoro's export. Raises `ValueError` when it is not the one expected."""
        from charafy.engines.voice.kokoro.graph import Graph, extract

        expanding = Graph(model.graph).maker(_EXPANDED, "MatMul")
        if expanding is None:
            raise ValueError("the model's encoder is not the one of Kokoro v1.0")
        self._sounds = expanding.input[0]
        encoder = extract(model, ["tokens", "style", "speed"], [self._sounds, _DURATIONS, _ENERGY])
        self._encoder = _session(encoder)
        self._source = _session(extract(model, [_F0], [_HARMONICS]))
        self._acoustics = acoustics
        self._track = track

    def align(self, pcm: Pcm, symbols: str, style: Floats, share: float = 1.0) -> Aligned:
        """`symbols` are what is said in the first `share` of `pcm`; `style` [1, 256] says them.

        Raises `Unalignable`.
        """
        speech = self._cut(pcm, share)
        frames = len(speech) // FRAME
        # A frame for each and for the pads: of silence and music recognisers write down novels.
        if not symbols or frames < max(len(symbols) + 2, len(symbols) // 4 + 8):
            raise Unalignable("There is too little speech for what was understood.")
        speech = speech[: frames * FRAME]
        sounds, loudness, speed = self._said(symbols, style, frames)
        lengths = self._lengths(speech, symbols, style, speed)
        f0 = _padded(self._track(speech), _ROWS * frames)
        told = energy(mel(speech))[: _ROWS * frames]
        # As loud as the stock voice: a recording's level says nothing of its speaker.
        louder = (loudness - float(told.mean())) / 2.0
        return Aligned(
            np.repeat(sounds, lengths, axis=0),
            f0,
            (told + 2.0 * louder).astype(np.float32),
            self._harmonics(f0),
            (speech * np.exp(louder)).astype(np.float32),
        )

    def _cut(self, pcm: Pcm, share: float) -> Pcm:
        """What is spoken, without the silence around, brought to one level."""
        pcm = np.nan_to_num(np.asarray(pcm, np.float32))[: round(LONGEST_S * SAMPLE_RATE)]
        peak = float(np.abs(pcm).max(initial=0.0))
        if peak < 1e-4 or len(pcm) < 4 * FRAME:
            raise Unalignable("There is nothing to hear in the recording.")
        pcm = pcm * (_PEAK / peak)
        level = energy(mel(pcm))
        loud = np.flatnonzero(level > level.max() - _DEPTH)
        begin, end = max(0, int(loud[0]) - _BEFORE), int(loud[-1]) + _AFTER
        end = begin + round((end - begin) * min(share, 1.0))
        return pcm[begin * HOP : end * HOP]

    def _said(self, symbols: str, style: Floats, frames: int) -> tuple[Floats, float, float]:
        """Sounds [symbols + 2, 512], mean energy, and the speed at which they fill `frames`."""
        inputs = {
            "tokens": np.array([[_PAD, *(SYMBOLS[s] for s in symbols), _PAD]], np.int64),
            "style": style,
            "speed": np.ones(1, np.float32),
        }
        names = [self._sounds, _DURATIONS, _ENERGY]
        sounds, durations, loudness = self._encoder.run(names, inputs)
        speed = float(np.clip(durations.sum() / frames, *_SPEEDS))
        return sounds[0].T, float(loudness.mean()), speed

    def _lengths(self, speech: Pcm, symbols: str, style: Floats, speed: float) -> NDArray[np.intp]:
        """Frames of each symbol and of the pads in `speech`, at least one each."""
        utterance = self._acoustics.plan(symbols, style, speed, 1.0)
        spoken: list[Pcm] = []
        for begin in range(0, utterance.frames, _WINDOW):
            first, end = max(0, begin - CONTEXT), min(utterance.frames, begin + _WINDOW)
            audio = self._acoustics.decode(utterance, first, min(utterance.frames, end + CONTEXT))
            spoken.append(audio[(begin - first) * FRAME :][: (end - begin) * FRAME])
        path = warp(cepstra(mel(np.concatenate(spoken))), cepstra(mel(speech)))
        borders = np.concatenate([[0], np.cumsum(utterance.durations)]) * _ROWS
        found = np.interp(borders, *path) / _ROWS
        return _whole(found, len(speech) // FRAME)

    def _harmonics(self, f0: Floats) -> Floats:
        (harmonics,) = self._source.run([_HARMONICS], {_F0: f0[np.newaxis]})
        return np.ascontiguousarray(harmonics[0].T)


def _whole(borders: NDArray[np.floating[Any]], frames: int) -> NDArray[np.intp]:
    """Lengths in whole frames, none of them 0, that come nearest to `borders` and fill `frames`."""
    number = np.arange(len(borders))
    ends = np.round(borders).astype(np.intp)
    ends[0], ends[-1] = 0, frames
    # Each border at least one frame behind the last, and with one left for all that follow.
    ends = np.maximum.accumulate(ends - number) + number
    ends = np.minimum(ends, frames - number[::-1])
    return np.diff(ends)


def _padded(track: NDArray[np.floating[Any]], rows: int) -> Floats:
    padded = np.zeros(rows, np.float32)
    padded[: min(rows, len(track))] = track[:rows]
    return padded


def _session(model: ModelProto) -> ort.InferenceSession:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
