"""Files that the house keeps for its users: photos, voice samples, later videos.

Keys look like `characters/<id>/photo-<hash>.jpg`: lower-case words, and an ending that names the
type. A key's bytes never change (its name carries a hash or an id), so readers may cache them.
Nobody lists or guesses files over HTTP: a link works only with our signature on it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from obstore.store import LocalStore

from charafy.kernel.clock import Clock
from charafy.kernel.errors import Forbidden, NotFound

if TYPE_CHECKING:  # obstore has these in its stubs alone
    from obstore import GetOptions

CONTENT_TYPES: Final = {
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "opus": "audio/ogg",
    "flac": "audio/flac",
    "aac": "audio/aac",
    "pcm": "audio/pcm",
    "mp4": "video/mp4",
    "webm": "video/webm",
    "srt": "application/x-subrip",
    "vtt": "text/vtt",
    "json": "application/json",
}
"""The types that are kept, by the ending of the key; nothing a browser would run."""

_WORD = r"[a-z0-9][a-z0-9_-]{0,99}"
_KEY = re.compile(rf"(?:{_WORD}/){{1,6}}{_WORD}\.(?P<ending>{'|'.join(CONTENT_TYPES)})")
_PREFIX = re.compile(rf"(?:{_WORD}/){{1,6}}")
_CHUNK_BYTES = 256 * 1024
_PART_BYTES = 5 * 1024 * 1024
_SIGNATURE_BYTES = 16


@dataclass(frozen=True, slots=True)
class Stored:
    """What is known of a file without reading it."""

    size: int
    etag: str
    """Quoted, as it stands in the HTTP header."""
    content_type: str


class Storage:
    """A folder of files (an S3 bucket later) and the signed links to them. Thread-safe."""

    def __init__(self, root: Path, secret: bytes, base_url: str, clock: Clock) -> None:
        self._root = root
        self._store = LocalStore(root, mkdir=True, automatic_cleanup=True)
        # A key of its own: a signature made here can never pass for a session or an API key.
        self._signing_key = hmac.digest(secret, b"charafy file links", "sha256")
        self._base_url = base_url
        self._clock = clock

    def put(self, key: str, data: bytes, content_type: str) -> None:
        """Write the file whole or not at all, for good; `ValueError` if the ending belies the type.

        A row that names the file may be committed as soon as this returns: it survives a power cut.
        """
        if content_type_of(key) != content_type:
            raise ValueError(f"a key of {content_type} must end accordingly: {key}")
        self._store.put(key, data)
        _sync(self._root / key)

    def put_file(self, key: str, path: Path, content_type: str) -> None:
        """As `put`, of a file that may be larger than memory; it stays where it is."""
        if content_type_of(key) != content_type:
            raise ValueError(f"a key of {content_type} must end accordingly: {key}")
        self._store.put(key, path, use_multipart=True, chunk_size=_PART_BYTES)
        _sync(self._root / key)

    def get(self, key: str) -> tuple[bytes, str]:
        """The bytes and their content type; `NotFound` when there is no such file."""
        content_type = content_type_of(key)
        try:
            return bytes(self._store.get(key).bytes()), content_type
        except FileNotFoundError:
            raise _missing() from None

    def stat(self, key: str) -> Stored:
        """Raises `NotFound`."""
        content_type = content_type_of(key)
        try:
            meta = self._store.head(key)
        except FileNotFoundError:
            raise _missing() from None
        return Stored(meta["size"], meta["e_tag"] or _weak_etag(key), content_type)

    def stream(self, key: str, start: int, end: int) -> Iterator[bytes]:
        """The bytes `start`..`end` (exclusive) in pieces; opened before it returns, `NotFound`."""
        content_type_of(key)
        options: GetOptions = {"range": (start, end)}
        try:
            found = self._store.get(key, options=options)
        except FileNotFoundError:
            raise _missing() from None
        return (bytes(piece) for piece in found.stream(_CHUNK_BYTES))

    def exists(self, key: str) -> bool:
        try:
            self.stat(key)
        except NotFound:
            return False
        return True

    def keys(self, prefix: str, *, older_than: datetime | None = None) -> list[str]:
        """Every key under a folder such as `characters/<id>/`, sorted."""
        _check_prefix(prefix)
        found = [item for page in self._store.list(prefix) for item in page]
        return sorted(
            item["path"]
            for item in found
            if older_than is None or item["last_modified"] < older_than
        )

    def delete(self, key: str) -> None:
        """Remove the file; nothing happens when it is gone already."""
        content_type_of(key)
        try:
            self._store.delete(key)
        except FileNotFoundError:
            return

    def delete_prefix(self, prefix: str) -> None:
        """Remove every file under a folder such as `characters/<id>/`."""
        for key in self.keys(prefix):
            self.delete(key)

    def url(self, key: str, ttl_s: int | None = None) -> str:
        """A link that anyone may open, for `ttl_s` seconds or for as long as the file is there."""
        content_type_of(key)
        if ttl_s is None:
            return f"{self._base_url}/files/{key}?sig={self._sign(key, None)}"
        expires = int(self._clock.now().timestamp()) + ttl_s
        return f"{self._base_url}/files/{key}?exp={expires}&sig={self._sign(key, expires)}"

    def folder_url(self, prefix: str) -> str:
        """The start of links to the files right in a folder, for as long as they are there.

        Append a file's name: the signature stands in the path, so files that name each other
        relatively (a rig and its textures) find each other as on any web server.
        """
        _check_prefix(prefix)
        return f"{self._base_url}/files/~{self._sign(prefix, None)}/{prefix}"

    def require_signature(self, signed: str, expires: int | None, signature: str) -> int | None:
        """Raise `Forbidden` unless this link is ours; else the seconds it still has (or None).

        `signed` is a key, or for a link into a folder the folder with its slash.
        """
        if not hmac.compare_digest(self._sign(signed, expires).encode(), signature.encode()):
            raise Forbidden("This link is not valid: its signature is wrong.", code="link_invalid")
        if expires is None:
            return None
        left = expires - int(self._clock.now().timestamp())
        if left <= 0:
            raise Forbidden("This link has expired: ask for a new one.", code="link_expired")
        return left

    def _sign(self, signed: str, expires: int | None) -> str:
        message = f"{signed}\n{'' if expires is None else expires}".encode()
        digest = hmac.digest(self._signing_key, message, "sha256")[:_SIGNATURE_BYTES]
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def content_type_of(key: str) -> str:
    """The type that the key's ending names; `NotFound` for what can't be a key at all."""
    match = _KEY.fullmatch(key)
    if match is None:
        raise _missing()
    return CONTENT_TYPES[match["ending"]]


def _sync(path: Path) -> None:
    """Push a file and its name to the disk: the store renames it into place without doing so."""
    for target in (path, path.parent):
        try:
            handle = os.open(target, os.O_RDONLY)
        except FileNotFoundError:  # deleted again already, with the folder it was alone in
            return
        except PermissionError:  # Windows opens no folders
            return
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _check_prefix(prefix: str) -> None:
    if not _PREFIX.fullmatch(prefix):
        raise ValueError(f"not a folder of keys: {prefix!r}")


def _weak_etag(key: str) -> str:
    return f'W/"{hashlib.sha256(key.encode()).hexdigest()[:32]}"'


def _missing() -> NotFound:
    return NotFound("There is no such file.")
