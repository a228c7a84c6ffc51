"""Files that the house keeps for its users: photos, voice samples, later videos.

Keys look like `characters/<id>/photo-<hash>.jpg`: lower-case words, and an ending that names the
type. A key's bytes never change (its name carries a hash or an id), so readers may cache them.
Nobody lists or guesses files over HTTP: a link works only with our signature on it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog

from charafy.kernel.clock import Clock
from charafy.kernel.errors import Forbidden, NotFound
from charafy.kernel.late_store import LateStore
from charafy.kernel.storage_settings import StorageAway
from charafy.kernel.stores import StorageUnavailable, Store

log = structlog.get_logger("charafy.storage")

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
_SIGNATURE_BYTES = 16


@dataclass(frozen=True, slots=True)
class Stored:
    """What is known of a file without reading it."""

    size: int
    etag: str
    """Quoted, as it stands in the HTTP header."""
    content_type: str


class Storage:
    """Files by key, wherever they lie, and the signed links to them. Thread-safe.

    Everything that touches a file may raise `StorageUnavailable`, but `forget` and `url`.
    """

    def __init__(
        self,
        store: Store,
        secret: bytes,
        base_url: str,
        clock: Clock,
        *,
        sent_on_s: int | None = None,
    ) -> None:
        """`sent_on_s`: how long links work that the store signs itself; None: it signs none."""
        self._store: Store = store
        self._late: LateStore | None = None
        # A key of its own: a signature made here can never pass for a session or an API key.
        self._signing_key = hmac.digest(secret, b"charafy file links", "sha256")
        self._base_url = base_url
        self._clock = clock
        self._sent_on_s = sent_on_s

    def put(self, key: str, data: bytes, content_type: str) -> None:
        """Write the file whole or not at all, for good; `ValueError` if the ending belies the type.

        A row that names the file may be committed as soon as this returns: it survives a power cut.
        """
        self._put(key, data, content_type)

    def put_file(self, key: str, path: Path, content_type: str) -> None:
        """As `put`, of a file that may be larger than memory; it stays where it is."""
        self._put(key, path, content_type)

    def _put(self, key: str, data: bytes | Path, content_type: str) -> None:
        if content_type_of(key) != content_type:
            raise ValueError(f"a key of {content_type} must end accordingly: {key}")
        self._store.put(key, data, content_type)

    def get(self, key: str) -> tuple[bytes, str]:
        """The bytes and their content type; `NotFound` when there is no such file."""
        content_type = content_type_of(key)
        try:
            return self._store.get(key), content_type
        except FileNotFoundError:
            raise _missing() from None

    def stat(self, key: str) -> Stored:
        """Raises `NotFound`."""
        content_type = content_type_of(key)
        try:
            meta = self._store.head(key)
        except FileNotFoundError:
            raise _missing() from None
        return Stored(meta.size, meta.etag or _weak_etag(key), content_type)

    def stream(self, key: str, start: int, end: int) -> Iterator[bytes]:
        """The bytes `start`..`end` (exclusive) in pieces; opened before it returns, `NotFound`."""
        content_type_of(key)
        try:
            return self._store.stream(key, start, end)
        except FileNotFoundError:
            raise _missing() from None

    def exists(self, key: str) -> bool:
        try:
            self.stat(key)
        except NotFound:
            return False
        return True

    def keys(self, prefix: str, *, older_than: datetime | None = None) -> list[str]:
        """Every key under a folder such as `characters/<id>/`, sorted."""
        _check_prefix(prefix)
        return sorted(self._store.keys(prefix, older_than))

    def delete(self, key: str) -> None:
        """Remove the file; nothing happens when it is gone already."""
        content_type_of(key)
        self._store.delete(key)

    def delete_prefix(self, prefix: str) -> None:
        """Remove every file under a folder such as `characters/<id>/`."""
        for key in self.keys(prefix):
            self.delete(key)

    def forget(self, key: str) -> None:
        """Remove a file that no row names any more, now or with the orphans.

        For what is decided already: whoever asked for it is not told that files are left.
        """
        try:
            self.delete(key)
        except StorageUnavailable:
            log.warning("files_left", folder=key.partition("/")[0])

    def forget_prefix(self, prefix: str, *, but: Collection[str | None] = ()) -> None:
        """As `forget`, of every file under a folder but these keys."""
        try:
            for key in self.keys(prefix):
                if key not in but:
                    self.delete(key)
        except StorageUnavailable:
            log.warning("files_left", folder=prefix.partition("/")[0])

    def check(self, *, may_be_away: bool = False) -> None:
        """See that files can be written, read and deleted, and are ours. Raises `StorageRefused`.

        Two houses in one place would each sweep the other's files as orphans: where it may be
        away, nothing is done there before this is known.
        """
        store = self._store

        def prove() -> None:
            store.check()
            try:
                store.claim(json.dumps({"house": self._sign("house", None)}))
            except StorageUnavailable:
                raise StorageAway("The storage of media went away while it was tried.") from None

        try:
            prove()
        except StorageAway as error:
            if not may_be_away:
                raise
            log.error("storage_away", why=str(error))
            self._store = self._late = LateStore(store, prove)

    def problem(self) -> str | None:
        """One sentence while it was never found since the start; tries, at most now and then."""
        return self._late.problem() if self._late is not None else None

    def sent_on(self, key: str, left_s: int | None) -> tuple[str, int] | None:
        """Where the store itself hands the file out, and for how many seconds.

        `left_s`: how long the link still works that leads here. None: we hand it out ourselves.
        Whether the file is there is not asked: that is the store's to say.
        """
        content_type_of(key)
        if self._sent_on_s is None:
            return None
        ttl_s = self._sent_on_s if left_s is None else min(self._sent_on_s, left_s)
        url = self._store.signed_url(key, ttl_s)
        return (url, ttl_s) if url else None

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

    def signature(self, key: str) -> str:
        """What `require_signature` takes for this key, without an end; for links of other paths."""
        content_type_of(key)
        return self._sign(key, None)

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


def _check_prefix(prefix: str) -> None:
    if not _PREFIX.fullmatch(prefix):
        raise ValueError(f"not a folder of keys: {prefix!r}")


def _weak_etag(key: str) -> str:
    return f'W/"{hashlib.sha256(key.encode()).hexdigest()[:32]}"'


def _missing() -> NotFound:
    return NotFound("There is no such file.")
