"""A server as a newcomer starts it: how soon it answers, how soon it speaks, what it takes."""

from __future__ import annotations

import re
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx

from bench import http
from tests.support.server import Server, running

PATIENCE_S = 60.0


def run() -> dict[str, Any]:
    """Seconds from the process's start, and resident memory in MB, on an existing house."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        with running(home) as first:
            key, first_start_s = first.api_key, first.start_s
        with running(home) as server:
            ready_s = _until_ready(server)
            idle_mb = _resident_mb(server)
            http.first_audio(server.base_url, key, times=3)
            return {
                "first_start_s": round(first_start_s, 2),
                "start_s": round(server.start_s, 2),
                "voice_ready_s": round(ready_s, 2),
                "resident_idle_mb": idle_mb,
                "resident_after_speech_mb": _resident_mb(server),
            }


def _until_ready(server: Server) -> float:
    """Seconds from the process's start until /readyz says that the voice can speak."""
    began = time.monotonic()
    while httpx.get(f"{server.base_url}/readyz", timeout=5).status_code != 200:
        if time.monotonic() - began > PATIENCE_S:
            raise TimeoutError("the server never became ready")
        time.sleep(0.02)
    return server.start_s + time.monotonic() - began


def _resident_mb(server: Server) -> int:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    if found is None:
        raise RuntimeError("this system does not tell resident memory")
    return int(found[1]) // 1000
