"""The JavaScript client as a package: `npm install {server}/charafy-client.tgz`."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from functools import cache
from importlib import resources

from fastapi import APIRouter
from starlette.responses import Response

import charafy

_NAME = "charafy-client"


def router() -> APIRouter:
    api = APIRouter(include_in_schema=False)

    @api.api_route("/charafy-client.tgz", methods=["GET", "HEAD"])
    def read_client_package() -> Response:
        headers = {"cache-control": "public, max-age=300"}
        return Response(client_package(), 200, headers, "application/gzip")

    return api


@cache
def client_package() -> bytes:
    """The same bytes each time: lock files hold their digest."""
    folder = resources.files("charafy.web") / "static" / "client"
    files = {file.name: file.read_bytes() for file in folder.iterdir() if _belongs(file.name)}
    files["package.json"] = _manifest()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, content in sorted(files.items()):
            about = tarfile.TarInfo(f"package/{name}")
            about.size = len(content)
            tar.addfile(about, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), compresslevel=9, mtime=0)


def _belongs(name: str) -> bool:
    return name.endswith((".js", ".d.ts"))


def _manifest() -> bytes:
    entry = {"types": f"./{_NAME}.d.ts", "default": f"./{_NAME}.js"}
    about = {
        "name": _NAME,
        "version": charafy.__version__,
        "description": "Client of the Charafy API",
        "license": "Apache-2.0",
        "type": "module",
        "exports": {".": entry},
        "types": entry["types"],
        "sideEffects": False,
        "engines": {"node": ">=18"},
    }
    return json.dumps(about, indent=2).encode()
