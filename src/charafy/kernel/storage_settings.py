"""Where media are kept, a folder or an S3 bucket; part of `settings.Settings`."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings

from charafy.kernel.refused import StartRefused

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"(?:[A-Za-z0-9_][A-Za-z0-9._-]{0,99}/){0,5}")
_USUAL_REGION: Final = "us-east-1"
_FORM: Final = "write s3://bucket/prefix or an absolute path"


class StorageRefused(StartRefused):
    """The storage can't be used as it is; the message is one sentence and holds no secret."""


class StorageAway(StorageRefused):
    """Nothing answers there now; it may be as it should be."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A place in an S3-compatible server, and how it is reached."""

    name: str
    prefix: str
    """What all keys begin with there: "" or words that end in a slash."""
    region: str
    access_key: str
    secret_key: str = field(repr=False)
    endpoint: str | None = None
    """None: Amazon's, by the region."""
    public_endpoint: str | None = None
    """Where clients reach the same server, if that is elsewhere."""
    by_host: bool = False
    """Whether the bucket stands in the server's name instead of the path."""
    timeout_s: float = 10.0

    def __str__(self) -> str:
        return f"s3://{self.name}/{self.prefix}"


class StorageSettings(BaseSettings):
    """Half of them is none: what makes no whole stops the start."""

    storage_url: str | None = Field(
        None,
        description="Where media are kept: s3://bucket/prefix, which many machines may share, or "
        "an absolute path; default: media in the data folder.",
    )
    storage_endpoint: str | None = Field(
        None,
        description="Address of the S3-compatible server, as https://s3.example.com:9000; default: "
        "Amazon's for the region.",
    )
    storage_public_endpoint: str | None = Field(
        None,
        description="Address at which clients reach that server, if it is another than the one "
        "that this machine uses; signed links name it.",
    )
    storage_region: str | None = Field(
        None, description="Region of the bucket; default with an endpoint: us-east-1."
    )
    storage_access_key: str | None = Field(None, description="Access key ID for the bucket.")
    storage_secret_key: SecretStr | None = Field(None, description="Its secret access key.")
    storage_addressing: Literal["path", "host"] = Field(
        "path",
        description="Where an endpoint expects the bucket: in the path, or before the host's name. "
        "Amazon's own are always asked by host.",
    )
    storage_links: Literal["redirect", "proxy"] = Field(
        "redirect",
        description="How clients get files out of S3: sent on to the S3 server by a link that it "
        "signed, or through this server, for where they can't reach S3.",
    )
    storage_link_s: int = Field(
        3_600, ge=60, le=604_800, description="Seconds for which a link that S3 signed works."
    )
    storage_timeout_s: float = Field(
        10.0,
        gt=0,
        le=300,
        description="Seconds to wait for the next piece of S3's answer; a whole answer may take "
        "four times as long, a file on its way to a client an hour.",
    )

    @model_validator(mode="after")
    def _has_storage(self) -> Self:
        try:
            if self.bucket is None:
                _ = self.media_folder
                self._require_nothing_of_s3()
        except StorageRefused as error:
            raise ValueError(str(error)) from None
        return self

    @property
    def bucket(self) -> Bucket | None:
        """None where media are kept in a folder. Raises `StorageRefused`."""
        parts = _split(self.storage_url or "", "CHARAFY_STORAGE_URL", _FORM)
        if parts.scheme != "s3":
            return None
        if self.storage_access_key is None or self.storage_secret_key is None:
            missing = "ACCESS" if self.storage_access_key is None else "SECRET"
            raise StorageRefused(
                f"CHARAFY_STORAGE_URL names a bucket: set CHARAFY_STORAGE_{missing}_KEY."
            )
        if self.storage_region is None and self.storage_endpoint is None:
            raise StorageRefused(
                "CHARAFY_STORAGE_URL names a bucket, but nothing says on which server: set "
                "CHARAFY_STORAGE_REGION for Amazon's, or CHARAFY_STORAGE_ENDPOINT."
            )
        if self.storage_public_endpoint and not self.storage_endpoint:
            raise StorageRefused(
                "CHARAFY_STORAGE_PUBLIC_ENDPOINT is another address of CHARAFY_STORAGE_ENDPOINT: "
                "set that as well."
            )
        return Bucket(
            *_place(parts),
            region=self.storage_region or _USUAL_REGION,
            access_key=self.storage_access_key,
            secret_key=self.storage_secret_key.get_secret_value(),
            endpoint=_endpoint(self.storage_endpoint, "CHARAFY_STORAGE_ENDPOINT"),
            public_endpoint=_endpoint(
                self.storage_public_endpoint, "CHARAFY_STORAGE_PUBLIC_ENDPOINT"
            ),
            by_host=self.storage_endpoint is None or self.storage_addressing == "host",
            timeout_s=self.storage_timeout_s,
        )

    @property
    def media_folder(self) -> Path | None:
        """The folder that `storage_url` names, if it does. Raises `StorageRefused`."""
        if self.storage_url is None:
            return None
        parts = _split(self.storage_url, "CHARAFY_STORAGE_URL", _FORM)
        if parts.scheme == "s3":
            return None
        if parts.scheme not in ("", "file") or parts.netloc:
            raise StorageRefused(f"CHARAFY_STORAGE_URL is no place for media: {_FORM}.")
        # As it was given: a path may hold what means something in an address.
        path = Path(self.storage_url.removeprefix("file://"))
        if not path.is_absolute():
            raise StorageRefused(f"CHARAFY_STORAGE_URL is no place for media: {_FORM}.")
        return path

    def _require_nothing_of_s3(self) -> None:
        for name in ("endpoint", "public_endpoint", "region", "access_key", "secret_key"):
            if getattr(self, f"storage_{name}") is not None:
                raise StorageRefused(
                    f"CHARAFY_STORAGE_{name.upper()} is set, but CHARAFY_STORAGE_URL names no "
                    "bucket: write s3://bucket/prefix there."
                )


def _place(parts: SplitResult) -> tuple[str, str]:
    """The bucket and the prefix of an s3:// address."""
    prefix = parts.path.strip("/")
    prefix = f"{prefix}/" if prefix else ""
    extra = parts.query or parts.fragment
    if extra or not _BUCKET.fullmatch(parts.netloc) or not _PREFIX.fullmatch(prefix):
        raise StorageRefused(
            "CHARAFY_STORAGE_URL names no bucket that can be: write s3://bucket/prefix, the keys "
            "in CHARAFY_STORAGE_ACCESS_KEY and CHARAFY_STORAGE_SECRET_KEY."
        )
    return parts.netloc, prefix


def _endpoint(url: str | None, setting: str) -> str | None:
    if url is None:
        return None
    form = "write https://host:port"
    parts = _split(url, setting, form)
    extra = parts.query or parts.fragment or "@" in parts.netloc
    if parts.scheme not in ("http", "https") or not parts.hostname or extra:
        raise StorageRefused(f"{setting} is no address of a server: {form}.")
    return url.strip().rstrip("/")


def _split(url: str, setting: str, form: str) -> SplitResult:
    try:
        parts = urlsplit(url.strip())
        _ = parts.port  # read here for what it raises
    except ValueError:
        # Without its cause: that may quote what was given.
        raise StorageRefused(f"{setting} is no address: {form}.") from None
    return parts
