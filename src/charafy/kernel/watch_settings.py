"""The settings for whoever watches the processes; part of `settings.Settings`."""

from __future__ import annotations

import ipaddress
from typing import Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings


class WatchSettings(BaseSettings):
    """Where each process tells its metrics, and to whom."""

    metrics_token: SecretStr | None = Field(
        None, description="Bearer token for /metrics; without it only this machine may read them."
    )
    metrics_host: str = Field(
        "127.0.0.1",
        description="Address at which workers and talk processes tell their metrics; one that "
        "other machines reach needs CHARAFY_METRICS_TOKEN.",
    )
    worker_metrics_port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description="Port of a worker's /metrics, another for each on one machine; 0 takes a free "
        "one, without it there is none.",
    )
    talk_metrics_port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description="Port of a talk process's /metrics, another for each on one machine; 0 takes a "
        "free one, without it there is none.",
    )

    @model_validator(mode="after")
    def _tells_nobody_else(self) -> Self:
        try:
            alone = ipaddress.ip_address(self.metrics_host).is_loopback
        except ValueError:
            alone = self.metrics_host == "localhost"
        if alone or self.metrics_token is not None:
            return self
        raise ValueError(
            "CHARAFY_METRICS_HOST is an address that other machines reach: set "
            "CHARAFY_METRICS_TOKEN too, or leave it at 127.0.0.1."
        )
