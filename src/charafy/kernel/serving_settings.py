"""The settings of a process that starts or stops beside others; part of `settings.Settings`."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings


class ServingSettings(BaseSettings):
    """How long whoever is started waits, and whoever is stopped goes on."""

    drain_s: float = Field(
        0.0,
        ge=0,
        le=600,
        description="Seconds for which an API that is stopped (SIGTERM) still takes requests while "
        "/readyz says 503, so that a balancer in front of several sends it no more.",
    )
    start_wait_s: float = Field(
        0.0,
        ge=0,
        le=600,
        description="Seconds for which a process that starts waits for a database or a Redis that "
        "is away; 0: it says so and ends, for something else to start it again.",
    )
