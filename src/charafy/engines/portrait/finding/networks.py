"""The four networks, run by LiteRT on one thread each.

All come from MediaPipe 0.10.21 (Apache-2.0): a short-range face detector, the face mesh of 468
points, the iris model and the selfie segmentation.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

DETECTOR: Final = "face_detection_short_range"
MESH: Final = "face_landmark"
IRIS: Final = "iris_landmark"
SELFIE: Final = "selfie_segmentation"


class Network:
    """One model file, loaded when it is first asked. Thread-safe: one question at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._interpreter: Any = None

    def run(self, pixels: Floats) -> list[Floats]:
        """Outputs without their batch dimension, the largest first; `pixels` is [h, w, 3].

        Raises `OSError` when the file is missing.
        """
        with self._lock:
            interpreter = self._ready()
            interpreter.set_tensor(self._input, pixels[None].astype(np.float32, copy=False))
            interpreter.invoke()
            outputs = [np.array(interpreter.get_tensor(index)[0]) for index in self._outputs]
        return sorted(outputs, key=lambda output: -output.size)

    def _ready(self) -> Any:
        if self._interpreter is None:
            from ai_edge_litert.interpreter import Interpreter

            interpreter = Interpreter(model_content=self._path.read_bytes(), num_threads=1)
            interpreter.allocate_tensors()
            self._input = interpreter.get_input_details()[0]["index"]
            self._outputs = [output["index"] for output in interpreter.get_output_details()]
            self._interpreter = interpreter
        return self._interpreter


class Networks:
    """Those of one folder."""

    def __init__(self, folder: Path) -> None:
        self.detector = Network(folder / f"{DETECTOR}.tflite")
        self.mesh = Network(folder / f"{MESH}.tflite")
        self.iris = Network(folder / f"{IRIS}.tflite")
        self.selfie = Network(folder / f"{SELFIE}.tflite")
