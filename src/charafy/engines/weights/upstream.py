"""A file from where its authors publish it, over HTTPS, capped at the size it must have."""

from __future__ import annotations

from collections.abc import Iterator

import httpx

from charafy.engines.weights.files import ModelFile
from charafy.engines.weights.wheels import FetchFailed

_TIMEOUT = httpx.Timeout(30.0, connect=10.0)


def read(file: ModelFile) -> Iterator[bytes]:
    """Bytes of `file`, block by block. Raises `FetchFailed`."""
    left = file.size
    try:
        with httpx.stream("GET", file.upstream, timeout=_TIMEOUT, follow_redirects=True) as answer:
            if answer.status_code != httpx.codes.OK:
                raise FetchFailed(f"{answer.url.host} answered {answer.status_code}.")
            for block in answer.iter_bytes():
                left -= len(block)
                if left < 0:
                    raise FetchFailed(f"{answer.url.host} sent more than {file.size} bytes.")
                yield block
    except httpx.HTTPError as error:
        raise FetchFailed(f"{httpx.URL(file.upstream).host} cannot be reached.") from error
