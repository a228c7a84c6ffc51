"""`GET /files/<key>`: a stored file to whoever holds a signed link; parts of it for players.

`GET /files/~<signature>/<key>` is for a folder whose files name each other.

Where files lie in S3, a link is answered by sending the reader on to a link that S3 signed, and
big files never pass here. Not so for our own pages, whose browsers let them load from this server
alone, for folders, whose links are relative, and for HEAD, which S3 would want signed apart.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, StreamingResponse
from starlette.responses import Response

from charafy.kernel.errors import CharafyError, NotFound
from charafy.kernel.storage import Storage, Stored

CACHE_S = 86_400
"""A day: a file that was deleted is out of every browser by then."""

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    # Stored files are shown, never run, whatever a browser makes of their bytes.
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Access-Control-Allow-Origin": "*",
    "Accept-Ranges": "bytes",
    # A page of ours gets the file where others are sent on.
    "Vary": "Sec-Fetch-Site, Referer",
}


class RangeNotSatisfiable(CharafyError):
    status, code = 416, "range_not_satisfiable"


def router(storage: Storage) -> APIRouter:
    api = APIRouter(include_in_schema=False)

    @api.api_route("/files/~{signature}/{key:path}", methods=["GET", "HEAD"])
    def read_file_of_folder(request: Request, signature: str, key: str) -> Response:
        folder, slash, _ = key.rpartition("/")
        storage.require_signature(folder + slash, None, signature)
        return file_response(storage, key, request, cache_control=f"private, max-age={CACHE_S}")

    @api.api_route("/files/{key:path}", methods=["GET", "HEAD"])
    def read_file(
        request: Request,
        key: str,
        exp: Annotated[str | None, Query()] = None,
        sig: Annotated[str, Query()] = "",
    ) -> Response:
        left_s = storage.require_signature(key, _expiry(exp), sig)
        if request.method == "GET" and not _is_for_our_page(request):
            sent_on = storage.sent_on(key, left_s)
            if sent_on is not None:
                return _see_there(*sent_on)
        cache_s = CACHE_S if left_s is None else min(CACHE_S, left_s)
        return file_response(storage, key, request, cache_control=f"private, max-age={cache_s}")

    return api


def _is_for_our_page(request: Request) -> bool:
    """Browsers say so by one header, over plain HTTP by another; who isn't one never does."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    try:
        return urlsplit(request.headers.get("referer", "")[:2_000]).netloc == request.url.netloc
    except ValueError:
        return False


def _see_there(url: str, works_s: int) -> Response:
    """What a reader remembers of it leads to a link that works half its time at least."""
    names = ("Cross-Origin-Resource-Policy", "Access-Control-Allow-Origin", "Vary")
    headers = {name: _HEADERS[name] for name in names}
    headers["Cache-Control"] = f"private, max-age={works_s // 2}"
    return RedirectResponse(url, 307, headers)


def file_response(storage: Storage, key: str, request: Request, *, cache_control: str) -> Response:
    """Answer with the file, the part of it that was asked for, or 304; `NotFound` without it."""
    stored = storage.stat(key)
    headers = _HEADERS | {
        "ETag": stored.etag,
        "Cache-Control": cache_control,
        "Content-Disposition": f'inline; filename="{key.rpartition("/")[2]}"',
    }
    if _matches(request.headers.get("if-none-match"), stored.etag):
        return Response(status_code=304, headers=headers)
    part = _part(request.headers, stored)
    start, end = part or (0, stored.size)
    if part:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{stored.size}"
    headers["Content-Length"] = str(end - start)
    body = () if request.method == "HEAD" or start == end else storage.stream(key, start, end)
    return StreamingResponse(
        iter(body), 206 if part else 200, headers, media_type=stored.content_type
    )


def _expiry(text: str | None) -> int | None:
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,12}", text):
        raise NotFound("There is no such file.")
    return int(text)


def _matches(given: str | None, etag: str) -> bool:
    """RFC 9110, 13.1.2: `*`, or any of the listed tags by weak comparison."""
    if given is None:
        return False
    tags = {tag.strip().removeprefix("W/") for tag in given.split(",")}
    return "*" in tags or etag.removeprefix("W/") in tags


def _part(headers: Mapping[str, str], stored: Stored) -> tuple[int, int] | None:
    """Start and end (exclusive) of the one range that was asked for; None for the whole file.

    RFC 9110, 14.2: what we don't understand (several ranges, other units) is ignored.
    """
    match = _RANGE.fullmatch(headers.get("range", ""))
    if match is None or match[0] == "bytes=-":
        return None
    if headers.get("if-range", stored.etag) != stored.etag:
        return None
    first, last = match[1], match[2]
    if not first:
        start, end = max(0, stored.size - int(last)), stored.size
    else:
        start, end = int(first), min(stored.size, int(last or stored.size) + 1)
    if first and last and int(last) < int(first):
        return None
    if start >= end:
        raise RangeNotSatisfiable(
            f"The file has {stored.size:,} bytes; the range starts behind its end.",
            headers={"Content-Range": f"bytes */{stored.size}"},
        )
    return start, end
