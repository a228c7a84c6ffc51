"""What an operator watches, as Prometheus counts it. Every name is told in `docs/metrics.md`.

Labels are bounded: routes by template, kinds, codes and names out of settings; never an id, an
address or a word of a user.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final, Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.process_collector import ProcessCollector

LATENCY_BUCKETS_S: Final = (
    0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
)  # fmt: skip
STAGE_BUCKETS_S: Final = (
    0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0,
)  # fmt: skip
JOB_BUCKETS_S: Final = (1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0)
LAG_BUCKETS_S: Final = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)

Process = Literal["api", "worker", "talk"]


class Metrics:
    """One registry per process, so tests can run many. Thread-safe."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._make_http()
        self._make_speech()
        self._make_work()
        self._make_talk()
        self._make_process()

    def introduce(self, process: Process, version: str) -> None:
        """Say which process of which version this registry is of."""
        python = ".".join(str(part) for part in sys.version_info[:3])
        self.process_info.labels(process, version, python).set(1)

    def loading(self, model: str) -> AbstractContextManager[object]:
        """Around the loading of a model, named as in the manifest."""
        return self.model_load_seconds.labels(model).time()

    def watch_connections(self, used: Callable[[], float], most: float) -> None:
        """`used`: how many of the `most` connections to the database are at work now."""
        self.db_connections_used.set_function(used)
        self.db_connections_limit.set(most)

    def _counter(self, name: str, about: str, *labels: str) -> Counter:
        return Counter(name, about, labels, registry=self.registry)

    def _gauge(self, name: str, about: str, *labels: str) -> Gauge:
        return Gauge(name, about, labels, registry=self.registry)

    def _histogram(
        self, name: str, about: str, *labels: str, buckets: tuple[float, ...] = LATENCY_BUCKETS_S
    ) -> Histogram:
        return Histogram(name, about, labels, buckets=buckets, registry=self.registry)

    def _make_http(self) -> None:
        self.requests = self._counter(
            "charafy_http_requests_total",
            "HTTP requests by route and status.",
            "method",
            "route",
            "status",
        )
        self.request_seconds = self._histogram(
            "charafy_http_request_seconds",
            "Time until the response began, by route.",
            "method",
            "route",
        )
        self.errors = self._counter(
            "charafy_http_errors_total", "Requests that were refused or failed, by code.", "code"
        )

    def _make_speech(self) -> None:
        self.first_audio_seconds = self._histogram(
            "charafy_speech_first_audio_seconds", "Time from request to the first audio byte."
        )
        self.speech_seconds = self._counter(
            "charafy_speech_audio_seconds_total", "Seconds of audio synthesised.", "language"
        )
        self.speech_active = self._gauge("charafy_speech_active", "Syntheses under way.")

    def _make_work(self) -> None:
        self.credits = self._counter(
            "charafy_credits_total", "Credits that entries of the ledger moved, by kind.", "kind"
        )
        self.holds = self._counter(
            "charafy_credit_holds_total",
            "Credits that holds set aside, took and gave back.",
            "outcome",
        )
        self.webhook_attempts = self._counter(
            "charafy_webhook_attempts_total",
            "Attempts to tell an endpoint of an event, by outcome.",
            "outcome",
        )
        self.jobs = self._counter(
            "charafy_jobs_total", "Jobs that ended, by kind and outcome.", "kind", "outcome"
        )
        self.job_seconds = self._histogram(
            "charafy_job_seconds",
            "Time at work on a job in one go, by kind.",
            "kind",
            buckets=JOB_BUCKETS_S,
        )
        self.job_step_seconds = self._histogram(
            "charafy_job_step_seconds",
            "Time of one step of a job.",
            "kind",
            "step",
            buckets=JOB_BUCKETS_S,
        )

    def _make_talk(self) -> None:
        self.conversations = self._counter(
            "charafy_conversations_total", "Conversations that ended, by reason.", "reason"
        )
        self.turn_stage_seconds = self._histogram(
            "charafy_turn_stage_seconds",
            "Time from the end of what a user said to each stage of the answer.",
            "stage",
            buckets=STAGE_BUCKETS_S,
        )
        self.engine_first_seconds = self._histogram(
            "charafy_engine_first_seconds",
            "Time from asking an engine to its first piece: a token, a sound.",
            "engine",
            buckets=STAGE_BUCKETS_S,
        )
        self.engine_seconds = self._histogram(
            "charafy_engine_seconds",
            "Time of a whole call of an engine.",
            "engine",
            buckets=STAGE_BUCKETS_S,
        )
        self.engine_failures = self._counter(
            "charafy_engine_failures_total", "Calls of an engine that failed.", "engine"
        )

    def _make_process(self) -> None:
        self.process_info = self._gauge(
            "charafy_process_info",
            "1, for the process that answers.",
            "process",
            "version",
            "python",
        )
        self.model_load_seconds = self._histogram(
            "charafy_model_load_seconds", "Time to load a model.", "model", buckets=JOB_BUCKETS_S
        )
        self.loop_lag_seconds = self._histogram(
            "charafy_event_loop_lag_seconds",
            "How much later than asked for the event loop came round.",
            buckets=LAG_BUCKETS_S,
        )
        self.db_write_seconds = self._histogram(
            "charafy_db_write_seconds", "Time of a unit of work that writes, its wait included."
        )
        self.db_connections_used = self._gauge(
            "charafy_db_connections_used", "Connections to the database at work."
        )
        self.db_connections_limit = self._gauge(
            "charafy_db_connections_limit", "Connections to the database that there may be."
        )
        self.redis_up = self._gauge("charafy_redis_up", "0 while a Redis that is set is away.")
        self.redis_up.set(1)
        self.redis_outages = self._counter("charafy_redis_outages_total", "Times it went away.")
