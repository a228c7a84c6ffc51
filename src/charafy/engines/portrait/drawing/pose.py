"""Steps 0 and 2 of the rig's recipe: which cels a pose asks for, and how much of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from charafy.engines.portrait import CHANNELS, Pose

_UNIT: Final[Sequence[str]] = (
    "open", "round", "upper", "lower", "press", "bite", "tongue", "smile", "speaking", "breath",
    "blink_left", "blink_right",
)  # fmt: skip


def clipped(pose: Pose) -> dict[str, float]:
    """Channels by name, within what a rig can draw."""
    values = {}
    for channel in CHANNELS:
        value = float(getattr(pose, channel))
        values[channel] = _clip(value, 0, 1) if channel in _UNIT else _clip(value, -1.5, 1.5)
    return values


@dataclass(frozen=True, slots=True)
class MouthMix:
    opacity: float
    """e: how much of the art's own mouth is covered."""
    weights: Mapping[int, float]
    """By cel; they add up to 1."""


def mouth_mix(p: Mapping[str, float], mouth: Mapping[str, Any]) -> MouthMix:
    free = 1 - p["press"]
    opening = p["open"] * free
    wide = _clip(p["wide"] - p["round"], -1, 1) * (1 - 0.5 * p["press"])
    bite = p["bite"] * free
    clench = _c01((min(p["upper"], p["lower"]) - 0.22) / 0.1) * _c01((0.3 - opening) / 0.15)
    clench *= (1 - _c01(-wide)) * (1 - bite) * free
    tongue = _c01((p["tongue"] - 0.5) / 0.5) * _c01((0.5 - opening) / 0.2)
    tongue *= (1 - bite - clench) * free
    rest = p["speaking"] if mouth["rest_is_open"] else 0.0
    strongest = max(20 * opening, 10 * abs(wide), 10 * bite, 10 * clench, 10 * tongue, rest)
    weights: dict[int, float] = {}
    plain = 1 - bite - clench - tongue
    _spread(weights, mouth, (opening, wide), plain, _c01((p["upper"] - 0.12) / 0.16))
    for name, weight in (("bite", bite), ("clench", clench), ("tongue", tongue)):
        _add(weights, mouth[name], weight)
    return MouthMix(_c01(strongest), weights)


def _spread(
    weights: dict[int, float],
    mouth: Mapping[str, Any],
    at: tuple[float, float],
    share: float,
    teeth: float,
) -> None:
    i, p = _between(mouth["openings"], at[0])
    j, q = _between(mouth["widths"], at[1])
    for row, a in ((i, 1 - p), (i + 1, p)):
        for column, b in ((j, 1 - q), (j + 1, q)):
            _add(weights, mouth["plain"][row][column], share * (1 - teeth) * a * b)
            _add(weights, mouth["teeth"][row][column], share * teeth * a * b)


def _add(weights: dict[int, float], cel: int, weight: float) -> None:
    if weight > 0:
        weights[cel] = weights.get(cel, 0.0) + weight


def _between(stops: Sequence[float], value: float) -> tuple[int, float]:
    """The stop before and how far to the next, 0..1."""
    last = len(stops) - 2
    i = max(k for k in range(last + 1) if k == 0 or stops[k] <= value)
    return i, _c01((value - stops[i]) / (stops[i + 1] - stops[i]))


def _c01(value: float) -> float:
    return _clip(value, 0, 1)


def _clip(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)
