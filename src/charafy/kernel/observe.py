"""Logs and metrics. Neither ever holds a secret, a text to speak, a prompt or a transcript."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

LATENCY_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """What an operator watches; one registry per server, so tests can run many."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "charafy_http_requests_total",
            "HTTP requests by route and status.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.request_seconds = Histogram(
            "charafy_http_request_seconds",
            "Time until the response began, by route.",
            ("method", "route"),
            buckets=LATENCY_BUCKETS_S,
            registry=self.registry,
        )
        self.first_audio_seconds = Histogram(
            "charafy_speech_first_audio_seconds",
            "Time from request to the first audio byte.",
            buckets=LATENCY_BUCKETS_S,
            registry=self.registry,
        )
        self.speech_seconds = Counter(
            "charafy_speech_audio_seconds_total",
            "Seconds of audio synthesised.",
            ("language",),
            registry=self.registry,
        )
        self.speech_active = Gauge(
            "charafy_speech_active", "Syntheses under way.", registry=self.registry
        )
        self.credits = Counter(
            "charafy_credits_total",
            "Credits captured or granted, by kind.",
            ("kind",),
            registry=self.registry,
        )
        self.webhook_attempts = Counter(
            "charafy_webhook_attempts_total",
            "Attempts to tell an endpoint of an event, by outcome.",
            ("outcome",),
            registry=self.registry,
        )


def configure_logs(level: str, form: str) -> None:
    """Set up structured logs on standard error for the whole process."""
    as_json = form == "json" or (form == "auto" and not sys.stderr.isatty())
    renderer: Any = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    # Libraries log through the standard module; their access lines repeat ours.
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, force=True)
    logging.getLogger("uvicorn.access").disabled = True


def describe(error: BaseException) -> dict[str, Any]:
    """What may be logged of an unexpected error: its type and where, not its words.

    An exception's message may quote what a user sent. Of the one that it was raised from, where
    there is one, the same.
    """
    told = {"error_type": type(error).__name__, "at": _places(error)}
    if error.__cause__ is not None:
        told |= {"cause_type": type(error.__cause__).__name__, "cause_at": _places(error.__cause__)}
    return told


def _places(error: BaseException) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in frames]
