"""What the mouth aims at for each shape, and how strongly.

Openings and widths keep the order measured on English speakers (Montgomery and Jackson 1983:
aa > E > oh > ih > ou in height, ih widest, ou narrowest) and on Japanese ones (a > e > o > i > u,
smaller throughout; u compressed rather than pursed). Strengths follow Cohen and Massaro's
dominance: a sibilant fixes the jaw and ch sh the lips, while k, h and n let the vowels around
them decide. Lips that must touch (`PP`, `FF`) are laid over all that by `mouth.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from charafy.engines.voice import Language
from charafy.engines.voice.visemes import SHAPES

AIMS: Final = ("open", "wide", "round", "upper", "lower", "tongue")
"""Columns of the tables below."""

_ENGLISH: Final[Mapping[str, tuple[float, ...]]] = {
    "sil": (0.00, 0.00, 0.00, 0.00, 0.00, 0.00),
    "PP": (0.06, 0.04, 0.00, 0.00, 0.00, 0.00),
    "FF": (0.08, 0.10, 0.00, 0.22, 0.00, 0.00),
    "TH": (0.18, 0.10, 0.00, 0.20, 0.30, 1.00),
    "DD": (0.15, 0.14, 0.00, 0.24, 0.30, 0.90),
    "kk": (0.22, 0.08, 0.00, 0.18, 0.22, 0.20),
    "CH": (0.13, -0.10, 0.55, 0.42, 0.45, 0.50),
    "SS": (0.07, 0.30, 0.00, 0.32, 0.50, 0.60),
    "nn": (0.15, 0.12, 0.00, 0.20, 0.25, 0.90),
    "RR": (0.17, -0.10, 0.45, 0.20, 0.25, 0.30),
    "aa": (0.86, 0.08, 0.00, 0.33, 0.30, 0.00),
    "E": (0.46, 0.36, 0.00, 0.34, 0.34, 0.15),
    "ih": (0.24, 0.55, 0.00, 0.30, 0.38, 0.35),
    "oh": (0.52, -0.10, 0.60, 0.15, 0.20, 0.00),
    "ou": (0.23, -0.20, 0.95, 0.10, 0.15, 0.00),
}

_JAPANESE: Final[Mapping[str, tuple[float, ...]]] = {
    "CH": (0.13, 0.05, 0.25, 0.36, 0.42, 0.50),
    "RR": (0.17, 0.05, 0.05, 0.20, 0.25, 0.70),
    "aa": (0.78, 0.10, 0.00, 0.30, 0.30, 0.00),
    "E": (0.42, 0.38, 0.00, 0.32, 0.34, 0.15),
    "ih": (0.20, 0.58, 0.00, 0.30, 0.38, 0.35),
    "oh": (0.48, -0.05, 0.50, 0.14, 0.20, 0.00),
    "ou": (0.18, -0.06, 0.52, 0.12, 0.18, 0.00),
}

_STRENGTHS: Final[Mapping[str, tuple[float, float]]] = {
    "sil": (1.2, 0.8),
    "PP": (1.4, 0.4),
    "FF": (1.4, 0.6),
    "TH": (1.3, 0.5),
    "DD": (0.9, 0.3),
    "kk": (0.5, 0.2),
    "CH": (1.3, 1.6),
    "SS": (1.8, 0.8),
    "nn": (0.9, 0.3),
    "RR": (0.8, 1.0),
    "aa": (1.3, 0.8),
    "E": (1.0, 1.0),
    "ih": (1.0, 1.1),
    "oh": (1.2, 1.6),
    "ou": (1.3, 2.2),
}


def aims(language: Language) -> NDArray[np.float64]:
    """[shapes, `AIMS`], in the order of `SHAPES`."""
    table = {**_ENGLISH, **_JAPANESE} if language == "ja" else _ENGLISH
    return np.array([table[shape] for shape in SHAPES])


def strengths() -> NDArray[np.float64]:
    """[shapes, 2]: how firmly each holds the jaw and how firmly the lips' width."""
    return np.array([_STRENGTHS[shape] for shape in SHAPES])
