"""`GET /portraits/<key>`: a small portrait to whoever holds the link that a page gave out."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from charafy.characters.portraits import Portraits
from charafy.kernel.http.files import CACHE_S, file_response
from charafy.kernel.storage import Storage


def router(storage: Storage) -> APIRouter:
    api, portraits = APIRouter(include_in_schema=False), Portraits(storage)

    @api.api_route("/portraits/{key:path}", methods=["GET", "HEAD"])
    def portrait(request: Request, key: str, sig: Annotated[str, Query()] = "") -> Response:
        storage.require_signature(key, None, sig)
        portraits.require(key)
        return file_response(storage, key, request, cache_control=f"private, max-age={CACHE_S}")

    return api
