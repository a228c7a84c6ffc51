"""A character's photo, from a data URI or from a public URL."""

from __future__ import annotations

from charafy.kernel.errors import BadRequest
from charafy.kernel.fetch import Fetcher
from charafy.kernel.media.datauri import is_data_uri, parse_data_uri
from charafy.kernel.media.images import MAX_IMAGE_BYTES, Photo, PhotoReader

FETCH_TIMEOUT_S = 15.0
_ACCEPT = "image/jpeg, image/png, image/webp, image/heic, image/*;q=0.5"


class PhotoSource:
    """Gets and checks what a request names as `image`; takes up to `FETCH_TIMEOUT_S` seconds."""

    def __init__(
        self, fetcher: Fetcher, reader: PhotoReader, timeout_s: float = FETCH_TIMEOUT_S
    ) -> None:
        self._fetcher = fetcher
        self._reader = reader
        self._timeout_s = timeout_s

    def read(self, image: str | bytes) -> Photo:
        """Raises `BadRequest` about `image`; `TooManyRequests` when too busy."""
        data = image if isinstance(image, bytes) else self._bytes(image)
        return self._reader.read(data)

    def _bytes(self, image: str) -> bytes:
        if is_data_uri(image):
            return parse_data_uri(image, max_bytes=MAX_IMAGE_BYTES, param="image")
        if not image[:8].lower().startswith(("http://", "https://")):
            raise BadRequest(
                "image: must be a data URI (data:image/png;base64,…) or a public image URL.",
                code="invalid_image",
                param="image",
            )
        return self._fetcher.get(
            image,
            max_bytes=MAX_IMAGE_BYTES,
            timeout_s=self._timeout_s,
            accept=_ACCEPT,
            param="image",
        )
