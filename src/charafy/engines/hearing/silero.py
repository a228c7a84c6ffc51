"""Silero VAD (MIT): about 2 ms of CPU time per second of sound."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from charafy.engines.hearing import SAMPLE_RATE, Samples

if TYPE_CHECKING:
    import onnxruntime as ort

FRAME: Final = 512
"""Samples (32 ms): the only size that the model takes at 16 kHz."""

_CONTEXT: Final = 64
"""Samples before a frame that the model wants to see again."""


class Silero:
    """A `Vad`. The model is loaded when somebody first listens."""

    def __init__(self, model: Path) -> None:
        """`model` is the file of the weights store's "silero-vad"."""
        self._model = model
        self._lock = threading.Lock()
        self._session: ort.InferenceSession | None = None

    @property
    def frame(self) -> int:
        return FRAME

    def listen(self) -> SileroStream:
        return SileroStream(self._ready())

    def _ready(self) -> ort.InferenceSession:
        with self._lock:
            if self._session is None:
                import onnxruntime as ort

                options = ort.SessionOptions()
                options.intra_op_num_threads = 1
                options.inter_op_num_threads = 1
                self._session = ort.InferenceSession(
                    self._model.read_bytes(), options, providers=["CPUExecutionProvider"]
                )
            return self._session


class SileroStream:
    """The model's memory of one sound; the session itself keeps none and may be shared."""

    def __init__(self, session: ort.InferenceSession) -> None:
        self._session = session
        self._state = np.zeros((2, 1, 128), np.float32)
        self._heard = np.zeros(_CONTEXT, np.float32)
        """The context of the next frame and what there is of it."""

    def feed(self, samples: Samples) -> NDArray[np.float32]:
        heard = np.concatenate((self._heard, samples.astype(np.float32, copy=False)))
        count = (len(heard) - _CONTEXT) // FRAME
        likely = np.empty(count, np.float32)
        rate = np.array(SAMPLE_RATE, np.int64)
        for number in range(count):
            begin = number * FRAME
            frame = heard[None, begin : begin + _CONTEXT + FRAME]
            output, self._state = self._session.run(
                ["output", "stateN"], {"input": frame, "state": self._state, "sr": rate}
            )
            likely[number] = output[0, 0]
        self._heard = heard[count * FRAME :].copy()
        return likely
