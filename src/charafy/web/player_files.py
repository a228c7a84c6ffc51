"""`/static/avatar`: the player's modules, for pages of any origin, packed for the way."""

from __future__ import annotations

import gzip
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

from fastapi import APIRouter, Request
from starlette.responses import Response

from charafy.kernel.errors import NotFound
from charafy.web.pages import accepts_gzip

_TYPES = (
    (".d.ts", "text/plain; charset=utf-8"),
    (".js", "text/javascript; charset=utf-8"),
)
_CACHE = "public, max-age=300"


def router() -> APIRouter:
    """Module scripts from another origin need its permission, unlike images; see
    docs/decisions/browser-player.md."""
    api = APIRouter(include_in_schema=False)

    @cache
    def packed(name: str) -> bytes:
        return gzip.compress(_module(name).read_bytes(), compresslevel=9)

    @api.api_route("/static/avatar/{name}", methods=["GET", "HEAD"])
    def read_module(request: Request, name: str) -> Response:
        module, content_type = _module(name), _type_of(name)
        headers = {
            "cache-control": _CACHE,
            "access-control-allow-origin": "*",
            "cross-origin-resource-policy": "cross-origin",
            "vary": "accept-encoding",
        }
        if accepts_gzip(request):
            headers["content-encoding"] = "gzip"
            return Response(packed(name), 200, headers, content_type)
        return Response(module.read_bytes(), 200, headers, content_type)

    return api


def _module(name: str) -> Traversable:
    """Only names of our own folder's files: nothing of a request becomes a path."""
    for file in (resources.files("charafy.web") / "static" / "avatar").iterdir():
        if file.name == name and _type_of(name):
            return file
    raise NotFound("There is no such file.")


def _type_of(name: str) -> str:
    return next((kind for ending, kind in _TYPES if name.endswith(ending)), "")
