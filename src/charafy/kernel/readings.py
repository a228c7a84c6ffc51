"""Numbers of the whole house, read from the database when somebody asks for metrics.

Every process that has them tells the same: they are not to be added up.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import structlog
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from charafy.kernel.db import Database, Tx
from charafy.kernel.observe import describe

log = structlog.get_logger("charafy.metrics")

KEEP_S: Final = 5.0
"""However often metrics are read, the database is asked no more often."""
UP: Final = "charafy_database_up"

Values = Mapping[tuple[str, ...], float]
"""By the values of the labels."""


@dataclass(frozen=True, slots=True)
class Gauge:
    """A number's name, what it is, and its labels."""

    name: str
    about: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """Some numbers that one look at the database gives: of each gauge in turn."""

    gauges: Sequence[Gauge]
    read: Callable[[Tx], Sequence[Values]]


class Readings(Collector):
    """For a Prometheus registry. A database that can't be read leaves its numbers out."""

    def __init__(
        self,
        db: Database,
        readings: Sequence[Reading],
        *,
        now: Callable[[], float] = time.monotonic,
        keep_s: float = KEEP_S,
    ) -> None:
        self._db = db
        self._readings = readings
        self._now = now
        self._keep_s = keep_s
        self._lock = threading.Lock()
        self._read_s = float("-inf")
        self._told: list[Metric] = []

    def describe(self) -> Iterable[Metric]:
        """Names alone: nothing is read when the registry takes this in."""
        gauges = [gauge for reading in self._readings for gauge in reading.gauges]
        return [_up(1.0), *(_family(gauge, {}) for gauge in gauges)]

    def collect(self) -> Iterable[Metric]:
        with self._lock:
            if self._now() - self._read_s >= self._keep_s:
                self._told = self._look()
                self._read_s = self._now()
            return self._told

    def _look(self) -> list[Metric]:
        try:
            with self._db.read() as tx:
                told = [
                    _family(gauge, values)
                    for reading in self._readings
                    for gauge, values in zip(reading.gauges, reading.read(tx), strict=True)
                ]
        except Exception as error:  # noqa: BLE001 - whoever watches must hear of the rest all the same
            log.warning("readings_missed", **describe(error))
            return [_up(0.0)]
        return [_up(1.0), *told]


def _up(value: float) -> Metric:
    return _family(Gauge(UP, "1 while the database answers."), {(): value})


def _family(gauge: Gauge, values: Values) -> GaugeMetricFamily:
    family = GaugeMetricFamily(gauge.name, gauge.about, labels=gauge.labels)
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family
