"""FAKES, not the services: stand-ins on this machine for those that clone voices and speak.

`fake_openai` answers as vLLM-Omni and Chatterbox servers do, `fake_elevenlabs` as ElevenLabs. Both
check keys and forms, remember what they were asked, speak with a voice of this house (tones unless
a test gives another), and misbehave on demand in every way that `Trouble` names.
"""

from __future__ import annotations

import base64
import io
import json
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import numpy as np
import python_multipart

from charafy.engines.voice import SAMPLE_RATE, Language, Mark, Pcm, Voice
from charafy.engines.voice.scripted import ScriptedVoice
from charafy.kernel.media.audio import encode, to_int16, wav_header

KEY = "sk-fake-4f1c9a"
Trouble = Literal[
    "silent server",
    "drip",
    "endless",
    "huge",
    "cut off",
    "cut off before an answer",
    "short wav",
    "web page",
    "packed",
    "no sound",
    "garbage",
]


@dataclass
class Request:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    query: dict[str, str]
    fields: dict[str, Any]
    """Of JSON or of the form."""
    files: dict[str, tuple[str, bytes]]
    """Field -> (file name, bytes)."""


@dataclass
class FakeService:
    """What was asked of it, and how it shall behave."""

    voice: Voice
    url: str = ""
    asked: list[Request] = field(default_factory=list)
    voices: dict[str, bytes] = field(default_factory=dict)
    """Recordings that it keeps, by voice."""
    statuses: list[int] = field(default_factory=list)
    """To answer the next requests with, before all else; 200 is none."""
    error: dict[str, Any] = field(default_factory=dict)
    """Body of such an answer."""
    headers: dict[str, str] = field(default_factory=dict)
    """To add to such an answer."""
    trouble: Trouble | None = None
    """With answers that hold speech."""
    sound_type: Literal["wav", "pcm", "streamed wav", "flac", "mislabelled pcm"] = "wav"
    timed: Literal["yes", "by piece", "no", "other letters"] = "yes"
    """Whether letters have times, counted from the start of the speech or of the piece."""
    verifies: bool = False
    """Whether a person has to verify every new voice."""
    on_keeping: Literal["told", "none", "broken gateway"] = "told"
    """How it answers when it has kept a recording."""
    released: threading.Event = field(default_factory=threading.Event)
    """Ends what hangs."""

    @property
    def spoken(self) -> list[str]:
        """The texts it was asked to say."""
        texts = (r.fields.get("input") or r.fields.get("text") for r in self.asked)
        return [text for text in texts if text]

    def say(self, text: str, language: Language) -> tuple[Pcm, tuple[Mark, ...]]:
        chunks = list(self.voice.speak(text, self.voice.voices[0], language))
        pcm = np.concatenate([chunk.pcm for chunk in chunks])
        return pcm, tuple(mark for chunk in chunks for mark in chunk.marks)


class _Handler(BaseHTTPRequestHandler):
    """What both have in common."""

    fake: FakeService
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.handle_one()

    def do_DELETE(self) -> None:
        self.handle_one()

    def handle_one(self) -> None:
        request = self.read()
        self.fake.asked.append(request)
        status = self.fake.statuses.pop(0) if self.fake.statuses else 200
        if status != 200:
            self.json(status, self.fake.error, self.fake.headers)
        elif not self.may(request):
            self.json(401, {"detail": {"status": "invalid_api_key", "message": f"Not {KEY}!"}})
        else:
            self.respond(request)

    def may(self, request: Request) -> bool:
        raise NotImplementedError

    def respond(self, request: Request) -> None:
        raise NotImplementedError

    def read(self) -> Request:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        address = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        request = Request(self.command, address.path, headers, query, {}, {})
        kind = headers.get("content-type", "")
        if kind.startswith("application/json"):
            request.fields.update(json.loads(body))
        elif kind.startswith("multipart/form-data"):
            _read_form(request, kind, body)
        return request

    def json(
        self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None
    ) -> None:
        self.whole(status, "application/json", json.dumps(body).encode(), headers)

    def whole(
        self, status: int, kind: str, body: bytes, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(OSError):  # the other side may have heard enough
            self.wfile.write(body)

    def pieces(self, kind: str, pieces: Iterator[bytes], *, ends: bool = True) -> None:
        """Chunked; without the last chunk if it is to look cut off."""
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        with suppress(OSError):
            for piece in pieces:
                self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
                self.wfile.flush()
            if ends:
                self.wfile.write(b"0\r\n\r\n")
        self.close_connection = not ends or self.close_connection

    def troubled(self, kind: str, body: bytes) -> bool:
        """Whether the answer was given, in the way that is asked for."""
        match self.fake.trouble:
            case None | "no sound":
                return False
            case "silent server":
                self.fake.released.wait(10)
            case "drip":
                self.pieces(kind, self.drops(body))
            case "endless":
                self.pieces(kind, iter(lambda: body, None))
            case "cut off":
                self.pieces(kind, iter([body[: len(body) // 2]]), ends=False)
            case "cut off before an answer":
                self.close_connection = True
            case trouble:
                self.wrong(trouble, kind, body)
        return True

    def wrong(self, trouble: Trouble, kind: str, body: bytes) -> None:
        """A whole answer, of the wrong thing."""
        match trouble:
            case "huge":
                self.whole(200, kind, body + b"\1\2" * 30_000_000)
            case "short wav":
                self.whole(200, kind, body[: len(body) // 2])
            case "web page":
                self.whole(200, "text/html", b"<html>Secrets of the upstream</html>")
            case "packed":
                self.whole(200, kind, body, {"Content-Encoding": "gzip"})
            case _:
                self.whole(200, kind, bytes(range(256)) * 20)

    def drops(self, body: bytes) -> Iterator[bytes]:
        yield body[:100]
        while not self.fake.released.wait(0.02):
            yield b"\0\0"

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


class _OpenAI(_Handler):
    def may(self, request: Request) -> bool:
        return request.headers.get("authorization") == f"Bearer {KEY}"

    def respond(self, request: Request) -> None:
        match request.method, request.path.rsplit("/", 1):
            case "POST", ["/v1/audio", "speech"]:
                self.speech(request)
            case "POST", ["/v1/audio", "voices"]:
                self.keep(request, "name", "audio_sample", needs=("consent",))
            case "POST", ["/v1", "voices"]:
                self.keep(request, "voice_name", "voice_file", needs=("language",))
            case "DELETE", ["/v1/audio/voices" | "/v1/voices", name]:
                gone = self.fake.voices.pop(name, None) is not None
                self.json(200 if gone else 404, {"success": gone})
            case _:
                self.json(404, {"detail": "Not Found"})

    def keep(self, request: Request, name: str, audio: str, needs: tuple[str, ...]) -> None:
        if not request.fields.get(name) or any(not request.fields.get(n) for n in needs):
            return self.json(422, {"detail": "field required"})
        self.fake.voices[request.fields[name]] = request.files[audio][1]
        if self.fake.on_keeping == "none":
            self.fake.released.wait(10)
            return None
        if self.fake.on_keeping == "broken gateway":
            return self.json(504, {})
        return self.json(201, {"voice": {"name": request.fields[name]}})

    def speech(self, request: Request) -> None:
        fields = request.fields
        if "voice" in fields and fields["voice"] not in self.fake.voices:
            return self.json(400, {"error": {"message": f"Invalid voice '{fields['voice']}'"}})
        if fields.get("speed", 1.0) != 1.0 and fields.get("stream_format"):
            return self.json(400, {"error": {"message": "no speed while streaming"}})
        language: Language = "ja" if fields.get("language") == "Japanese" else "en"
        pcm, _ = self.fake.say(fields["input"], language)
        kind, body = _sound(pcm * (self.fake.trouble != "no sound"), self.fake.sound_type)
        if not self.troubled(kind, body):
            self.pieces(kind, (body[at : at + 9_999] for at in range(0, len(body), 9_999)))
        return None


class _ElevenLabs(_Handler):
    def may(self, request: Request) -> bool:
        return request.headers.get("xi-api-key") == KEY

    def respond(self, request: Request) -> None:
        match [request.method, *request.path.strip("/").split("/")]:
            case ["POST", "v1", "voices", "add"]:
                voice_id = f"el{len(self.fake.asked):04}"
                self.fake.voices[voice_id] = request.files["files"][1]
                told = {"voice_id": voice_id, "requires_verification": self.fake.verifies}
                self.json(200, told)
            case ["DELETE", "v1", "voices", voice_id]:
                gone = self.fake.voices.pop(voice_id, None) is not None
                missing = {"detail": {"status": "voice_does_not_exist", "message": voice_id}}
                self.json(200 if gone else 400, {"status": "ok"} if gone else missing)
            case ["POST", "v1", "text-to-speech", voice_id, "stream", *more]:
                self.speech(request, voice_id, timed=more == ["with-timestamps"])
            case _:
                self.json(404, {"detail": "Not Found"})

    def speech(self, request: Request, voice_id: str, *, timed: bool) -> None:
        if voice_id not in self.fake.voices:
            return self.json(404, {"detail": {"status": "voice_not_found", "message": voice_id}})
        if timed and self.fake.timed == "no":
            return self.json(404, {"detail": "Not Found"})
        text = request.fields["text"]
        pcm, marks = self.fake.say(text, "ja" if any(c > "\u3000" for c in text) else "en")
        raw = _raw(pcm * (self.fake.trouble != "no sound"))
        if not timed:
            if not self.troubled("audio/mpeg", raw):
                self.whole(200, "audio/mpeg", raw)
            return None
        rows = list(_rows(text, raw, marks, self.fake.timed))
        if not self.troubled("application/json", b"".join(rows)):
            self.pieces("application/json", iter(rows))
        return None


def _rows(text: str, raw: bytes, marks: tuple[Mark, ...], timed: str) -> Iterator[bytes]:
    """Speech in three pieces of JSON, each with the letters that begin in it."""
    whole_s = len(raw) / 2 / SAMPLE_RATE
    letters = [(c, begin) for c, begin in zip(text, _begins(text, marks), strict=True)]
    if timed == "other letters":
        letters = [("x", begin) for _, begin in letters]
    size = len(raw) // 6 * 2 + 1  # odd: samples may be cut in two
    for at in range(0, len(raw), size):
        begin, end = at / 2 / SAMPLE_RATE, min((at + size) / 2 / SAMPLE_RATE, whole_s + 1)
        own = [(c, s) for c, s in letters if begin <= s < end]
        origin = begin if timed == "by piece" else 0.0
        alignment = {
            "characters": [c for c, _ in own],
            "character_start_times_seconds": [s - origin for _, s in own],
            "character_end_times_seconds": [s - origin for _, s in own],
        }
        piece = {"audio_base64": base64.b64encode(raw[at : at + size]).decode()}
        yield json.dumps(piece | {"alignment": alignment if own else None}).encode() + b"\n\n"


def _begins(text: str, marks: tuple[Mark, ...]) -> list[float]:
    """Seconds at which each letter begins: exact for the first of a word."""
    begins: list[float] = []
    at = 0
    for mark in (mark for mark in marks if mark.kind == "word" and mark.text):
        place = text.index(mark.text, at)
        begins += [begins[-1] if begins else 0.0] * (place - at)
        begins += [mark.start_s + 0.001 * n for n in range(len(mark.text))]
        at = place + len(mark.text)
    return begins + [begins[-1] if begins else 0.0] * (len(text) - at)


def _raw(pcm: Pcm) -> bytes:
    return to_int16(pcm).astype("<i2").tobytes()


def _sound(pcm: Pcm, sound_type: str) -> tuple[str, bytes]:
    match sound_type:
        case "pcm":
            half = pcm[::2]  # 12 kHz: the type has to be read
            return "audio/pcm;rate=12000", _raw(half)
        case "streamed wav":
            return "audio/wav", wav_header(None) + _raw(pcm)
        case "flac":
            return "audio/flac", encode("flac", pcm)
        case "mislabelled pcm":
            return "application/octet-stream", b"\xff\xff" + _raw(pcm)
        case _:
            return "audio/wav", encode("wav", pcm)


def _read_form(request: Request, kind: str, body: bytes) -> None:
    def on_field(found: Any) -> None:
        request.fields[found.field_name.decode()] = (found.value or b"").decode()

    def on_file(found: Any) -> None:
        found.file_object.seek(0)
        name = (found.file_name or b"").decode()
        request.files[found.field_name.decode()] = (name, found.file_object.read())
        found.close()

    headers = {"Content-Type": kind.encode(), "Content-Length": str(len(body)).encode()}
    python_multipart.parse_form(headers, io.BytesIO(body), on_field, on_file)


@contextmanager
def _serving(kind: type[_Handler], voice: Voice | None) -> Iterator[FakeService]:
    fake = FakeService(voice or ScriptedVoice(["tones"]))
    handler = type("Handler", (kind,), {"fake": fake})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield fake
    finally:
        fake.released.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def fake_openai(voice: Voice | None = None) -> AbstractContextManager[FakeService]:
    """A context of a `FakeService`; its speech lies below `url` + "/v1"."""
    return _serving(_OpenAI, voice)


def fake_elevenlabs(voice: Voice | None = None) -> AbstractContextManager[FakeService]:
    """A context of a `FakeService`."""
    return _serving(_ElevenLabs, voice)
