"""Workers and talk processes tell their metrics on a port of their own."""

from __future__ import annotations

import socket
import time

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from charafy.kernel.metrics_door import DoorTaken, MetricsDoor, metrics_door
from charafy.kernel.observe import Metrics
from charafy.kernel.settings import Settings


def opened(metrics: Metrics, token: str | None = None, port: int = 0) -> MetricsDoor:
    secret = SecretStr(token) if token else None
    return MetricsDoor(
        metrics.registry, "127.0.0.1", port, token=secret, setting="CHARAFY_WORKER_METRICS_PORT"
    )


def get(
    door: MetricsDoor, path: str = "/metrics", headers: dict[str, str] | None = None
) -> httpx.Response:
    return httpx.get(f"http://127.0.0.1:{door.port}{path}", headers=headers, timeout=20)


def test_it_tells_what_was_counted_and_nothing_else() -> None:
    metrics = Metrics()
    metrics.introduce("worker", "1.2.3")
    metrics.jobs.labels("video", "completed").inc(3)
    with opened(metrics) as door:
        told = get(door)
        assert told.status_code == 200
        assert 'charafy_jobs_total{kind="video",outcome="completed"} 3.0' in told.text
        assert 'process="worker"' in told.text
        assert "process_resident_memory_bytes" in told.text
        assert get(door, "/secret").status_code == 404


def test_with_a_token_it_is_for_its_holder() -> None:
    with opened(Metrics(), token="s3cret") as door:
        assert get(door).status_code == 403
        assert get(door, headers={"authorization": "Bearer wrong"}).status_code == 403
        assert get(door, headers={"authorization": "Bearer s3cret"}).status_code == 200


def test_who_connects_and_says_nothing_keeps_nobody_waiting() -> None:
    with opened(Metrics()) as door, socket.create_connection(("127.0.0.1", door.port)):
        assert get(door).status_code == 200
        began_s = time.monotonic()
    assert time.monotonic() - began_s < 3, "nor does the end wait for it"


def test_a_port_that_is_taken_is_named_with_its_setting() -> None:
    with opened(Metrics()) as door, pytest.raises(DoorTaken) as refused:
        opened(Metrics(), port=door.port)
    assert str(refused.value) == (
        f"Port {door.port} on 127.0.0.1 can't be used for metrics (Address already in use): "
        "set CHARAFY_WORKER_METRICS_PORT to another."
    )


def test_without_a_port_there_is_no_door() -> None:
    with metrics_door(Metrics(), Settings(), "talk") as door:
        assert door is None


def test_other_machines_need_a_token() -> None:
    for host in ("0.0.0.0", "192.0.2.7", "metrics.example"):
        with pytest.raises(ValidationError, match="set CHARAFY_METRICS_TOKEN too"):
            Settings(metrics_host=host)
        Settings(metrics_host=host, metrics_token=SecretStr("s3cret"))
    for host in ("127.0.0.1", "::1", "localhost"):
        Settings(metrics_host=host)
