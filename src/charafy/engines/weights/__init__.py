"""Weights: model files on disk, each with a known hash, licence and origin.

>>> path = Store(folder).ensure("kokoro")  # doctest: +SKIP
"""

from charafy.engines.weights.files import Model, ModelFile, Part, Wheel
from charafy.engines.weights.manifest import MANIFEST
from charafy.engines.weights.store import Progress, Status, Store, WeightsUnavailable

__all__ = [
    "MANIFEST",
    "Model",
    "ModelFile",
    "Part",
    "Progress",
    "Status",
    "Store",
    "WeightsUnavailable",
    "Wheel",
]
