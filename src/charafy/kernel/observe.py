"""Logs and metrics. Neither ever holds a secret, a text to speak, a prompt or a transcript."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import Any

import structlog

from charafy.kernel.metrics import Metrics

__all__ = ["Metrics", "configure_logs", "describe"]


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
