"""Recordings and pictures that come with an order, from a data URI or a public URL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from charafy.kernel.errors import BadRequest, TooManyRequests
from charafy.kernel.fetch import Fetcher
from charafy.kernel.media.audio import Pcm
from charafy.kernel.media.datauri import is_data_uri, parse_data_uri
from charafy.kernel.media.images import MAX_IMAGE_BYTES, Photo, PhotoReader
from charafy.kernel.media.recordings import MAX_RECORDING_BYTES, read_recording

FETCH_TIMEOUT_S = 15.0
MAX_AT_ONCE = 2
"""Recordings being decoded: ten minutes of sound need up to 500 MB of memory."""
WAIT_S = 20.0
_SOUNDS = "audio/*, video/mp4;q=0.8, video/webm;q=0.8, */*;q=0.1"
_PICTURES = "image/jpeg, image/png, image/webp, image/heic, image/*;q=0.5"


def is_picture(background: str) -> bool:
    """Whether this background names a picture rather than a treatment or a colour."""
    return is_data_uri(background) or _is_url(background)


class Inputs:
    """Gets and decodes what requests name; each call takes up to some seconds. Thread-safe."""

    def __init__(self, fetcher: Fetcher, reader: PhotoReader, *, wait_s: float = WAIT_S) -> None:
        """`wait_s`: how long a recording waits for others that are being decoded."""
        self._fetcher = fetcher
        self._reader = reader
        self._wait_s = wait_s
        self._places = threading.BoundedSemaphore(MAX_AT_ONCE)

    def recording(self, audio: str) -> Pcm:
        """Raises `BadRequest` about `audio`; `TooManyRequests` when too busy."""
        kinds = ("audio/", "video/", "application/octet-stream", "application/ogg")
        data = self._bytes(audio, "audio", MAX_RECORDING_BYTES, kinds, _SOUNDS)
        with self._place():
            return read_recording(data)

    def picture(self, background: str) -> Photo:
        """Raises `BadRequest` about `background`; `TooManyRequests` when too busy."""
        data = self._bytes(background, "background", MAX_IMAGE_BYTES, ("image/",), _PICTURES)
        try:
            return self._reader.read(data)
        except BadRequest as error:
            raise BadRequest(error.message, code=error.code, param="background") from None

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._places.acquire(timeout=self._wait_s):
            raise TooManyRequests(
                "Other recordings are being read: try again in a few seconds.",
                retry_after_s=5,
                code="recordings_busy",
            )
        try:
            yield
        finally:
            self._places.release()

    def _bytes(
        self, named: str, param: str, max_bytes: int, kinds: tuple[str, ...], accept: str
    ) -> bytes:
        if is_data_uri(named):
            return parse_data_uri(named, max_bytes=max_bytes, param=param, kinds=kinds)
        if not _is_url(named):
            raise BadRequest(
                f"{param}: must be a data URI (data:{kinds[0]}…;base64,…) or a public URL.",
                code=f"invalid_{param}",
                param=param,
            )
        return self._fetcher.get(
            named, max_bytes=max_bytes, timeout_s=FETCH_TIMEOUT_S, accept=accept, param=param
        )


def _is_url(text: str) -> bool:
    return text[:8].lower().startswith(("http://", "https://"))
