"""Our modules, for pages of any origin and for programs: `/static/avatar`, `/static/client`,
`/static/conversation` and `/static/embed`, packed; `/static/livekit` is what one of them loads."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final, Literal, get_args

from fastapi import APIRouter, Request
from starlette.responses import Response

from charafy.kernel.errors import NotFound
from charafy.web import client_package
from charafy.web.pages import accepts_gzip

_TYPES = (
    (".d.ts", "text/plain; charset=utf-8"),
    (".js", "text/javascript; charset=utf-8"),
    (".css", "text/css; charset=utf-8"),
    (".txt", "text/plain; charset=utf-8"),
)
Folder = Literal["avatar", "client", "conversation", "embed", "livekit"]
_FOLDERS: Final[tuple[Folder, ...]] = get_args(Folder)
_CACHE = "public, max-age=300"


def router() -> APIRouter:
    """Module scripts from another origin need its permission, unlike images; see
    docs/decisions/browser-player.md."""
    api = APIRouter(include_in_schema=False)
    api.include_router(client_package.router())

    @cache
    def packed(folder: Folder, name: str) -> bytes:
        return gzip.compress(_module(folder, name).read_bytes(), compresslevel=9)

    def read(request: Request, folder: Folder, name: str) -> Response:
        module, content_type = _module(folder, name), _type_of(name)
        headers = {
            "cache-control": _CACHE,
            "access-control-allow-origin": "*",
            "cross-origin-resource-policy": "cross-origin",
            "vary": "accept-encoding",
        }
        if accepts_gzip(request):
            headers["content-encoding"] = "gzip"
            return Response(packed(folder, name), 200, headers, content_type)
        return Response(module.read_bytes(), 200, headers, content_type)

    def reader(folder: Folder) -> Callable[[Request, str], Response]:
        def read_module(request: Request, name: str) -> Response:
            return read(request, folder, name)

        return read_module

    for folder in _FOLDERS:
        path = f"/static/{folder}/{{name}}"
        api.add_api_route(path, reader(folder), methods=["GET", "HEAD"])

    @api.api_route("/widget.js", methods=["GET", "HEAD"])
    def read_widget(request: Request) -> Response:
        return read(request, "embed", "widget.js")

    @api.api_route("/widget.d.ts", methods=["GET", "HEAD"])
    def read_widget_types(request: Request) -> Response:
        return read(request, "embed", "widget.d.ts")

    return api


def _module(folder: Folder, name: str) -> Traversable:
    """Only names of our own folders' files: nothing of a request becomes a path."""
    for file in (resources.files("charafy.web") / "static" / folder).iterdir():
        if file.name == name and _type_of(name):
            return file
    raise NotFound("There is no such file.")


def _type_of(name: str) -> str:
    return next((kind for ending, kind in _TYPES if name.endswith(ending)), "")
