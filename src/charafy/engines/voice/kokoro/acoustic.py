"""The two derived graphs: a clause in, features out; a window of features in, audio out."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from charafy.engines.voice import SAMPLE_RATE, Pcm
from charafy.engines.voice.kokoro.moments import Foretold, Moments, summary
from charafy.engines.voice.vocabulary import SYMBOLS

if TYPE_CHECKING:
    import onnxruntime as ort

FRAME: Final = 600
"""Samples per acoustic frame (25 ms)."""

FRAMES_PER_S: Final = SAMPLE_RATE / FRAME
_FEATURES_PER_FRAME: Final = 2
_PAD: Final = 0
_AUDIBLE: Final = -2.0
_LEAD: Final = 2
_TAIL: Final = 3


@dataclass(frozen=True, slots=True)
class Utterance:
    """A clause as the vocoder takes it, with the exact length of every symbol."""

    durations: NDArray[np.int64]
    """Frames of the opening pad, of every symbol and of the closing pad."""
    energy: NDArray[np.float32]
    """[frames]: the model's own forecast of loudness; speech is about 8, silence about -9."""
    features: NDArray[np.float32]
    """[1, 512, 2 * frames]"""
    source: NDArray[np.float32]
    """[1, FRAME * frames]: excitation at the predicted pitch."""
    style: NDArray[np.float32]
    """[1, 256]: timbre and manner."""
    moments: Foretold

    @property
    def frames(self) -> int:
        return int(self.durations.sum())

    @property
    def sounding(self) -> tuple[int, int]:
        """First frame and end of what is heard, with a little silence around it.

        Told by the forecast, so that silence is not even decoded; it met the sound's true onset
        and end within a frame nearly always. All frames if nothing is loud enough.
        """
        loud = np.flatnonzero(self.energy > _AUDIBLE)
        if not len(loud):
            return 0, self.frames
        return max(0, int(loud[0]) - _LEAD), min(self.frames, int(loud[-1]) + 1 + _TAIL)


class Acoustics:
    """Kokoro's sessions. Safe from many threads, of which `concurrency` compute at once."""

    def __init__(
        self, model_path: Path, cache_dir: Path, threads: int = 2, concurrency: int = 2
    ) -> None:
        """Load the graphs, deriving them into `cache_dir` first where that was not done yet.

        `threads` is how many cores one run may use.
        """
        from charafy.engines.voice.kokoro.derive import derive

        acoustic, vocoder = derive(model_path, cache_dir)
        self._acoustic = _session(acoustic, threads)
        self._vocoder = _session(vocoder, threads)
        self._moments = Moments()
        self._turns = threading.BoundedSemaphore(concurrency)

    def plan(
        self, symbols: str, style: NDArray[np.float32], speed: float, pitch: float
    ) -> Utterance:
        """Prosody and features of one clause. `style` is [1, 256]; `pitch` scales the F0."""
        inputs = {
            "tokens": np.array([[_PAD, *(SYMBOLS[s] for s in symbols), _PAD]], np.int64),
            "style": style,
            "speed": np.array([speed], np.float32),
            "pitch": np.array([pitch], np.float32),
        }
        with self._turns:
            durations, energy, features, source = self._acoustic.run(
                ["durations", "energy", "features", "source"], inputs
            )
        lengths = durations.ravel().astype(np.int64)
        moments = self._moments.foretell(summary(symbols, lengths, source, style))
        loudness = energy.reshape(-1, _FEATURES_PER_FRAME).max(axis=1)
        return Utterance(lengths, loudness, features, source, style, moments)

    def decode(self, utterance: Utterance, start: int, stop: int) -> Pcm:
        """Audio of the frames `start`..`stop`, computed without looking beyond them."""
        inputs = {
            "features": utterance.features[
                :, :, start * _FEATURES_PER_FRAME : stop * _FEATURES_PER_FRAME
            ],
            "source": utterance.source[:, start * FRAME : stop * FRAME],
            "style": utterance.style,
            "means": utterance.moments.means,
            "variances": utterance.moments.variances,
        }
        with self._turns:
            (audio,) = self._vocoder.run(["audio"], inputs)
        return np.asarray(audio, np.float32).ravel()


def _session(path: Path, threads: int) -> ort.InferenceSession:
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Signed activations are meant where `derive` chose them: do not turn them back.
    options.add_session_config_entry("session.qdqisint8allowed", "1")
    # Idle threads that spin would take the cores from recognition and rendering beside them.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
