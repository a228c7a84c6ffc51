"""Bodies that bring files: `multipart/form-data`, as `curl -F` and forms on pages send them."""

from __future__ import annotations

from fastapi import Request

from charafy.kernel.errors import BadRequest


def multipart(request: Request) -> None:
    """A dependency to stand behind the guard. Raises `BadRequest` for a body of another kind.

    Without it the answer to JSON would be that its first field is missing.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise BadRequest(
            "The body must be multipart/form-data, as curl -F sends it, not JSON: it holds a file."
        )
