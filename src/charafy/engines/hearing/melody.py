"""Whether speech sounds as if it were over: smart-turn v3 (BSD-2), a small model of its melody.

About 30 ms of CPU time, whatever the length. The model comes inside pipecat's wheel; pipecat itself
is neither imported nor asked, as the features that the model takes are Whisper's.
"""

from __future__ import annotations

import importlib.util
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from charafy.engines.hearing import SAMPLE_RATE, Samples

if TYPE_CHECKING:
    import onnxruntime as ort
    from faster_whisper.feature_extractor import FeatureExtractor

_SEEN: Final = 8 * SAMPLE_RATE
_FRAMES: Final = 800
_LEAST_VARIANCE: Final = 1e-7


class SmartTurn:
    """A `Melody`. Thread-safe; the model is loaded when it is first asked."""

    def __init__(self, model: Path) -> None:
        self._model = model
        self._lock = threading.Lock()
        self._session: ort.InferenceSession | None = None
        self._features: FeatureExtractor | None = None

    def over(self, samples: Samples) -> float:
        """See `Melody.over`; of more than 8 s the last. Raises `OSError` without a model."""
        session, features = self._ready()
        heard = samples[-_SEEN:].astype(np.float32)
        heard = np.pad(heard, (_SEEN - len(heard), 0))
        heard = (heard - heard.mean()) / np.sqrt(heard.var() + _LEAST_VARIANCE)
        mel = np.ascontiguousarray(features(heard, padding=0)[None, :, :_FRAMES], np.float32)
        [likely] = session.run(None, {"input_features": mel})
        return float(np.asarray(likely).ravel()[0])

    def _ready(self) -> tuple[ort.InferenceSession, FeatureExtractor]:
        with self._lock:
            if self._session is None or self._features is None:
                import onnxruntime as ort
                from faster_whisper.feature_extractor import FeatureExtractor

                options = ort.SessionOptions()
                options.intra_op_num_threads = 1
                options.inter_op_num_threads = 1
                self._features = FeatureExtractor()
                self._session = ort.InferenceSession(
                    self._model.read_bytes(), options, providers=["CPUExecutionProvider"]
                )
            return self._session, self._features


def bundled() -> Path | None:
    """The model that is installed here, if there is one."""
    spec = importlib.util.find_spec("pipecat")
    for place in (spec.submodule_search_locations or ()) if spec is not None else ():
        data = Path(place) / "audio" / "turn" / "smart_turn" / "data"
        for found in sorted(data.glob("smart-turn-v3*-cpu.onnx"), reverse=True):
            return found
    return None
