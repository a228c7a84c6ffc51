"""What a client sees over HTTP: time to the first audio byte, requests and debits per second.

The client is a bare asyncio protocol with ready-made requests, in a process of its own: it shares
the cores with the server, so it must cost little beside it.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import socket
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.support.server import running

SENTENCES = {"en": "Hello, how are you?", "ja": "こんにちは、元気ですか。"}
SHORTEST = "a"
TIMEOUT_S = 60.0


def measure() -> dict[str, Any]:
    """Both kinds of figures, each on a server of its own that is started for it."""
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as server:
        audio = first_audio(server.base_url, server.api_key)
    with (
        tempfile.TemporaryDirectory() as folder,
        running(Path(folder), CHARAFY_VOICE_ENGINE="scripted") as server,
    ):
        return audio | throughput(server.base_url, server.api_key)


def run(base_url: str, key: str) -> dict[str, Any]:
    """Everything against one running server (debits then include its voice's work)."""
    return first_audio(base_url, key) | throughput(base_url, key)


def first_audio(base_url: str, key: str, *, times: int = 9) -> dict[str, Any]:
    """Seconds from sending a request until the first byte of audio, warm; medians and worst.

    Also until the last byte, and the seconds of audio that were sent.
    """
    found: dict[str, Any] = {}
    for language, text in SENTENCES.items():
        body = {"character_id": _character(base_url, key, language), "text": text}
        request = post("/api/v1/tts", key, base_url, body)
        runs = [_time_one(base_url, request) for _ in range(times + 2)][2:]
        firsts = sorted(first for first, _, _ in runs)
        found[f"first_audio_{language}_s"] = round(statistics.median(firsts), 3)
        found[f"first_audio_{language}_worst_s"] = round(firsts[-1], 3)
        found[f"whole_audio_{language}_s"] = round(statistics.median(run[1] for run in runs), 3)
        found[f"audio_{language}_length_s"] = round(runs[0][2] * 8 / 96_000, 2)  # 96 kbit/s
    return found


def throughput(
    base_url: str, key: str, *, connections: int = 8, seconds: float = 5.0
) -> dict[str, Any]:
    """Requests per second with their latencies: authenticated GETs, and POSTs that charge.

    The POST speaks the shortest text; on the scripted voice that measures the ledger.
    """
    speech = {"character_id": _character(base_url, key, "en"), "text": SHORTEST, "format": "pcm"}
    asked = {
        "get_voices": get("/api/v1/voices", key, base_url),
        "get_credits": get("/api/v1/credits", key, base_url),
        "charging_post": post("/api/v1/tts", key, base_url, speech),
    }
    found: dict[str, Any] = {}
    for name, request in asked.items():
        found |= rates(name, Load(((base_url, request),) * connections, seconds))
    return found


@dataclass(frozen=True, slots=True)
class Load:
    """Connections, each to a server's address and with the request that it repeats on it."""

    asked: tuple[tuple[str, bytes], ...]
    seconds: float


def rates(name: str, load: Load) -> dict[str, Any]:
    """Answered requests per second of all connections together, and latencies.

    Raises `RuntimeError` when a request is answered with anything but 200.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as client:
        times = client.submit(_generate, load).result(timeout=load.seconds + TIMEOUT_S)
    cuts = statistics.quantiles(times, n=100)
    return {
        f"{name}_per_s": round(len(times) / load.seconds),
        f"{name}_p50_ms": round(cuts[49] * 1000, 1),
        f"{name}_p99_ms": round(cuts[98] * 1000, 1),
    }


def _generate(load: Load) -> list[float]:
    """Latencies, in seconds, of every request that was answered in the measured time."""
    return asyncio.run(_drive(load))


async def _drive(load: Load) -> list[float]:
    loop = asyncio.get_running_loop()
    clients = []
    for base_url, request in load.asked:
        url, client = urlsplit(base_url), _Client(request, loop)
        clients.append(client)
        await loop.create_connection(partial(_same, client), url.hostname or "", url.port or 80)
    await asyncio.sleep(1.0)  # warm
    for client in clients:
        client.times.clear()
    await asyncio.sleep(load.seconds)
    times = [taken for client in clients for taken in client.times]
    problems = [client.problem for client in clients if client.problem]
    for client in clients:
        client.close()
    if problems:
        raise RuntimeError(f"the server answered {problems[0]!r}")
    return times


def _same(client: _Client) -> _Client:
    return client


class _Client(asyncio.Protocol):
    """One kept-alive connection that sends its request again whenever it was answered."""

    def __init__(self, request: bytes, loop: asyncio.AbstractEventLoop) -> None:
        self.times: list[float] = []
        self.problem: bytes | None = None
        self._request = request
        self._loop = loop
        self._answer = bytearray()
        self._sent_s = 0.0
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if not _is_whole(self._answer):
            return
        if not self._answer.startswith(b"HTTP/1.1 200 "):
            self.problem = bytes(self._answer[:300])
            self.close()
            return
        self.times.append(self._loop.time() - self._sent_s)
        self._answer.clear()
        self._send()

    def close(self) -> None:
        self._transport.close()

    def _send(self) -> None:
        self._sent_s = self._loop.time()
        self._transport.write(self._request)


def _is_whole(answer: bytearray) -> bool:
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return False
    head = bytes(answer[:end]).lower()
    at = head.find(b"content-length: ")
    if at < 0:
        return answer.endswith(b"\r\n0\r\n\r\n")  # chunked: the last chunk is the empty one
    length = int(head[at + 16 :].split(b"\r\n", 1)[0])
    return len(answer) >= end + 4 + length


def _time_one(base_url: str, request: bytes) -> tuple[float, float, int]:
    """Seconds to the first and to the last byte of the body, and its bytes."""
    url = urlsplit(base_url)
    with socket.create_connection((url.hostname or "", url.port or 80), TIMEOUT_S) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        began = time.perf_counter()
        connection.sendall(request)
        answer, first_s = bytearray(), 0.0
        while not _is_whole(answer):
            data = connection.recv(65_536)
            if not data:
                raise RuntimeError(f"the answer was broken off: {bytes(answer[:300])!r}")
            answer += data
            head = answer.find(b"\r\n\r\n")
            if not first_s and 0 <= head < len(answer) - 4:
                first_s = time.perf_counter() - began
        whole_s = time.perf_counter() - began
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise RuntimeError(f"the server answered {bytes(answer[:300])!r}")
    return first_s, whole_s, len(answer) - head - 4


def _character(base_url: str, key: str, language: str) -> str:
    """One of the account's characters, of that language if there is one."""
    answer = httpx.get(
        f"{base_url}/api/v1/characters", headers={"x-api-key": key}, timeout=TIMEOUT_S
    )
    characters = answer.raise_for_status().json()["characters"]
    fitting = [one for one in characters if one["language"] == language] or characters
    return str(fitting[0]["character_id"])


def get(path: str, key: str, base_url: str) -> bytes:
    return _head("GET", path, key, base_url) + b"\r\n"


def post(path: str, key: str, base_url: str, body: dict[str, Any]) -> bytes:
    content = json.dumps(body).encode()
    about = f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    return _head("POST", path, key, base_url) + about.encode() + content


def _head(method: str, path: str, key: str, base_url: str) -> bytes:
    host = urlsplit(base_url).netloc
    return f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nx-api-key: {key}\r\n".encode()


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
