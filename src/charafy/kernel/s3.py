"""Files in a bucket of an S3-compatible server.

Type, disposition and caching are kept with each object, so that a link that the server itself
answers says the same as our own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit
from uuid import uuid4

import structlog
from obstore import sign
from obstore.exceptions import BaseError, GenericError
from obstore.store import S3Store

from charafy.kernel.storage_settings import Bucket, StorageAway, StorageRefused
from charafy.kernel.stores import CHUNK_BYTES, PART_BYTES, Meta, StorageUnavailable

if TYPE_CHECKING:  # obstore has these in its stubs alone
    from obstore import Attributes, GetOptions
    from obstore.store import ClientConfig, RetryConfig, S3Config, S3Credential

log = structlog.get_logger("charafy.storage")

CACHE_CONTROL: Final = "private, max-age=86400"
MARK: Final = "house/mark.json"
_CONNECT_S: Final = 5.0
_WHOLE: Final = 4
"""How many times the wait for one piece a whole answer may take."""
_ON_ITS_WAY: Final = timedelta(hours=1)
"""How long a file may be on its way through us to a client, who may be slow."""
_RETRIES: Final = 3
_PARTS_AT_ONCE: Final = 4
_CODE = re.compile(r"<Code>(\w{1,60})</Code>")
_STATUS = re.compile(r"\bstatus(?: code)?:? (\d{3})")

_NO_SUCH_KEY: Final = ("NoSuchKey", "404", "FileNotFoundError")
"""Others find no bucket, or no such user."""
_AWAY: Final = ("timeout", "unreachable", "SlowDown", "ServiceUnavailable", "502", "503", "504")
_SAYS: Final = {
    "timeout": "{server} doesn't answer in time",
    "unreachable": "{server} can't be reached",
    "NoSuchBucket": "there is no bucket of that name on {server}",
    "InvalidAccessKeyId": "{server} doesn't know CHARAFY_STORAGE_ACCESS_KEY",
    "XAdminUserNotFound": "{server} doesn't know CHARAFY_STORAGE_ACCESS_KEY",  # Versity says so
    "SignatureDoesNotMatch": "{server} finds that CHARAFY_STORAGE_SECRET_KEY is wrong",
    "AccessDenied": "{server} lets this key not list, write, read and delete there",
    "AuthorizationHeaderMalformed": "{server} has it in another region: set CHARAFY_STORAGE_REGION",
    "PermanentRedirect": "{server} has it in another region: set CHARAFY_STORAGE_REGION",
}


class BucketStore:
    """One prefix of one bucket. Waits are bounded by `Bucket.timeout_s`, see the settings."""

    def __init__(self, bucket: Bucket) -> None:
        """Asks nobody yet."""
        self._bucket = bucket
        whole = timedelta(seconds=_WHOLE * bucket.timeout_s)
        self._store = _opened(bucket, bucket.endpoint, whole)
        self._reader = _opened(bucket, bucket.endpoint, _ON_ITS_WAY)
        # The name of the server is part of what is signed.
        self._signer = _opened(bucket, bucket.public_endpoint or bucket.endpoint, whole)

    def put(self, key: str, data: bytes | Path, content_type: str) -> None:
        about: Attributes = {
            "Content-Type": content_type,
            "Content-Disposition": f'inline; filename="{key.rpartition("/")[2]}"',
            "Cache-Control": CACHE_CONTROL,
        }
        with _reported("put"):
            self._store.put(
                key,
                data,
                attributes=about,
                chunk_size=PART_BYTES,
                max_concurrency=_PARTS_AT_ONCE,
            )

    def get(self, key: str) -> bytes:
        with _reported("get", may_miss=True):
            return bytes(self._store.get(key).bytes())

    def head(self, key: str) -> Meta:
        with _reported("head", may_miss=True):
            meta = self._store.head(key)
        return Meta(meta["size"], meta["e_tag"])

    def stream(self, key: str, start: int, end: int) -> Iterator[bytes]:
        options: GetOptions = {"range": (start, end)}
        with _reported("get", may_miss=True):
            found = self._reader.get(key, options=options)

        def pieces() -> Iterator[bytes]:
            with _reported("stream"):
                for piece in found.stream(CHUNK_BYTES):
                    yield bytes(piece)

        return pieces()

    def keys(self, prefix: str, older_than: datetime | None) -> list[str]:
        with _reported("list"):
            return [
                item["path"]
                for page in self._store.list(prefix)
                for item in page
                if older_than is None or item["last_modified"] < older_than
            ]

    def delete(self, key: str) -> None:
        # S3 answers the same for what is gone already; what it doesn't find is the bucket.
        with _reported("delete"):
            self._store.delete(key)

    def signed_url(self, key: str, ttl_s: int) -> str:
        """Asks nobody."""
        return sign(self._signer, "GET", key, timedelta(seconds=ttl_s))

    def check(self) -> None:
        key = f"probe/{uuid4().hex}.json"
        written = datetime.now(UTC).isoformat().encode()
        try:
            self._store.put(key, written)
            try:
                found = bytes(self._store.get(key).bytes())
                listed = any(
                    item["path"] == key for page in self._store.list("probe/") for item in page
                )
            finally:
                self._store.delete(key)
        except (BaseError, OSError) as error:
            raise self._refused(_why(error)) from None
        if found != written or not listed:
            raise self._refused("what was written there isn't found again")

    def claim(self, mark: str) -> None:
        written = mark.encode()
        try:
            found = self.get(MARK)
        except FileNotFoundError:
            self.put(MARK, written, "application/json")
            return
        if found != written:
            raise StorageRefused(
                f"{self._bucket} holds the media of another Charafy, with another secret: name "
                "another prefix in CHARAFY_STORAGE_URL, or bring the file secret of that one's "
                "data folder into this one's."
            )

    def _refused(self, why: str) -> StorageRefused:
        server = urlsplit(self._bucket.endpoint or "").netloc or f"S3 in {self._bucket.region}"
        says = _SAYS.get(why, why if " " in why else f"{{server}} answers {why}")
        kind = StorageAway if why in _AWAY else StorageRefused
        return kind(f"Media can't be kept in {self._bucket}: {says.format(server=server)}.")


def _opened(bucket: Bucket, endpoint: str | None, timeout: timedelta) -> S3Store:
    # All that obstore would otherwise take from AWS_* variables is named here: two machines of
    # one service must not use two buckets because somebody's shell differs.
    config: S3Config = {
        "region": bucket.region,
        "virtual_hosted_style_request": bucket.by_host,
        "skip_signature": False,
        # One by one works with every S3-compatible server.
        "disable_bulk_delete": True,
    }
    if endpoint is not None:
        address = _with_bucket(endpoint, bucket.name) if bucket.by_host else endpoint
        config["endpoint"] = config["aws_endpoint_url_s3"] = address
    options: ClientConfig = {
        "allow_http": endpoint is not None and endpoint.startswith("http:"),
        "connect_timeout": timedelta(seconds=min(_CONNECT_S, bucket.timeout_s)),
        "read_timeout": timedelta(seconds=bucket.timeout_s),
        "timeout": timeout,
    }
    retries: RetryConfig = {
        "max_retries": _RETRIES,
        "retry_timeout": timedelta(seconds=bucket.timeout_s),
        "backoff": {
            "init_backoff": timedelta(milliseconds=100),
            "max_backoff": timedelta(seconds=1),
            "base": 2,
        },
    }
    return S3Store(
        bucket.name,
        prefix=bucket.prefix or None,
        config=config,
        client_options=options,
        retry_config=retries,
        credential_provider=lambda: _credential(bucket),
    )


def _credential(bucket: Bucket) -> S3Credential:
    return {
        "access_key_id": bucket.access_key,
        "secret_access_key": bucket.secret_key,
        "token": None,
        "expires_at": None,
    }


def _with_bucket(endpoint: str, name: str) -> str:
    parts = urlsplit(endpoint)
    return parts._replace(netloc=f"{name}.{parts.netloc}").geturl()


@contextmanager
def _reported(operation: str, *, may_miss: bool = False) -> Iterator[None]:
    """What fails becomes one of ours; the server's words, which name keys, go nowhere."""
    try:
        yield
    except (BaseError, OSError) as error:
        why = _why(error)
        if may_miss and isinstance(error, FileNotFoundError) and why in _NO_SUCH_KEY:
            raise FileNotFoundError from None
        log.warning("storage_failed", operation=operation, why=why)
        raise StorageUnavailable from None


def _why(error: Exception) -> str:
    """In one word where the server has one."""
    words = str(error)
    if "kind: Timeout" in words:
        return "timeout"
    if code := _CODE.search(words):
        return code[1]
    if status := _STATUS.search(words):
        return status[1]
    return "unreachable" if isinstance(error, GenericError) else type(error).__name__
