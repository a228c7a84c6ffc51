"""A real worker's spans belong to the request that ordered the video; its metrics are told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import httpx
import pytest
from fastapi.testclient import TestClient

from charafy.app import build_app
from charafy.house import build_house
from charafy.kernel.migrate import migrate
from charafy.kernel.settings import Settings
from tests.support.otlp import Collector
from tests.support.videos import API, customer, look, ordered

pytestmark = pytest.mark.slow

PATIENCE_S: Final = 120.0


def told_port(log: Path) -> int:
    """Where the worker says that it tells its metrics."""
    until = time.monotonic() + PATIENCE_S
    while '"metrics_told"' not in (text := log.read_text("utf-8")):
        assert time.monotonic() < until, text
        time.sleep(0.05)
    line = next(line for line in text.splitlines() if '"metrics_told"' in line)
    return int(line.partition('"port": ')[2].split(",")[0].rstrip("}"))


def test_a_video_is_one_trace_over_both_processes(tmp_path: Path) -> None:
    home, log = tmp_path / "home", tmp_path / "log"
    with Collector() as collector:
        settings = Settings(home=home, voice_engine="scripted", otlp_url=collector.url, demo=False)
        house = build_house(settings)
        migrate(house.db)
        env = {
            **os.environ,
            "CHARAFY_HOME": str(home),
            "CHARAFY_VOICE_ENGINE": "scripted",
            "CHARAFY_PORTRAIT_ENGINE": "still",
            "CHARAFY_OTLP_URL": collector.url,
            "CHARAFY_WORKER_METRICS_PORT": "0",
        }
        with log.open("w") as lines:
            worker = subprocess.Popen(
                [sys.executable, "-m", "charafy", "worker"], env=env, stderr=lines
            )
        try:
            who, client = customer(house), TestClient(build_app(house))
            video_id = ordered(client, who, "Hello from far away.")
            port = told_port(log)
            (settled,) = collector.waits(
                lambda spans: [span for span in spans if span.name == "video.settle"], PATIENCE_S
            )
            job, order = collector.one("video"), collector.one(f"POST {API}/video")
            assert settled.service == job.service == "charafy-worker"
            assert order.service == "charafy-api"
            assert settled.parent_id == job.span_id
            assert job.parent_id == order.span_id
            steps = {span.name for span in collector.spans if span.parent_id == job.span_id}
            assert {f"video.{step}" for step in ("speak", "film", "store", "settle")} <= steps
            assert look(client, who, video_id)["status"] == "completed"
            told = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=30).text
            assert 'charafy_jobs_total{kind="video",outcome="completed"} 1.0' in told
            assert 'charafy_job_step_seconds_count{kind="video",step="film"} 1.0' in told

            worker.send_signal(signal.SIGTERM)
            assert worker.wait(30) == 0
        finally:
            worker.kill()
            worker.wait(10)
            house.close()
    assert "Hello from far away" not in log.read_text("utf-8")
    assert all(b"Hello from far away" not in body for body in collector.bodies)
