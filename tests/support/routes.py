"""Every route of the app, however its routers are nested."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

API = "/api/v1"
_PARAMETER = re.compile(r"{(\w+)(?::\w+)?}")


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    path: str

    @property
    def parameters(self) -> tuple[str, ...]:
        return tuple(_PARAMETER.findall(self.path))

    @property
    def is_api(self) -> bool:
        return self.path.startswith("/api/")

    def url(self, **values: str) -> str:
        return _PARAMETER.sub(lambda match: values[match[1]], self.path)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def routes(app: FastAPI) -> Iterator[Route]:
    """Every method of every path, without mounted folders and HEAD."""
    for context in iter_route_contexts(app.routes):
        for method in sorted((context.methods or set()) - {"HEAD"}):
            yield Route(method, context.path or "")
