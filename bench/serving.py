"""A whole server, started as a newcomer would: start-up, memory, first audio, requests a second."""

from __future__ import annotations

import re
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from bench import http
from bench.report import table
from tests.support.server import Server, running


def run() -> dict[str, Any]:
    """Figures of a server with the real voice, and of one whose voice costs nothing."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with running(home) as server:
            key, first_start_s = server.api_key, server.start_s
        with running(home) as server:
            _until_ready(server)
            start_s, ready_s = server.start_s, _until_ready(server)
            idle_mb = _resident_mb(server)
            audio = http.first_audio(server.base_url, key)
            spoken_mb = _resident_mb(server)
    with tempfile.TemporaryDirectory() as folder, running(
        Path(folder), CHARAFY_VOICE_ENGINE="scripted"
    ) as server:
        load = http.throughput(server.base_url, server.api_key)
    figures = {
        "first_start_s": first_start_s,
        "start_s": start_s,
        "voice_ready_s": ready_s,
        "resident_idle_mb": idle_mb,
        "resident_after_speech_mb": spoken_mb,
        **audio,
        **load,
    }
    table("A whole server", figures)
    return figures


def _until_ready(server: Server, patience_s: float = 60.0) -> float:
    """Seconds from the process's start until /readyz says that the voice can speak."""
    began = time.monotonic()
    while httpx.get(f"{server.base_url}/readyz", timeout=5).status_code != 200:
        if time.monotonic() - began > patience_s:
            raise TimeoutError("the server never became ready")
        time.sleep(0.02)
    return server.start_s + time.monotonic() - began


def _resident_mb(server: Server) -> int:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found
    return int(found[1]) // 1000
