"""`/docs`, and the OpenAPI document beside it and under the API's own path."""

import json
from functools import cache

from fastapi import APIRouter, FastAPI, Request
from starlette.responses import Response

from charafy.kernel.settings import Settings
from charafy.reference.openapi import API_PREFIX, Json, build
from charafy.reference.page import Reference
from charafy.web.pages import Pages, language_of

_HEADERS = (("Cache-Control", "public, max-age=300"), ("Access-Control-Allow-Origin", "*"))
"""Anyone's tools may read the document, also those that run in a browser."""


def router(app: FastAPI, pages: Pages, settings: Settings) -> APIRouter:
    """The pages describe whatever `app` serves when they are first asked for."""
    api = APIRouter(include_in_schema=False)

    @cache
    def document() -> Json:
        return build(app, settings)

    @cache
    def document_json() -> bytes:
        return json.dumps(document(), ensure_ascii=False).encode()

    reference = Reference(document, settings)

    @api.api_route("/openapi.json", methods=["GET", "HEAD"])
    @api.api_route(f"{API_PREFIX}/openapi.json", methods=["GET", "HEAD"])
    def openapi_json() -> Response:
        return Response(document_json(), 200, dict(_HEADERS), "application/json")

    @api.api_route("/docs", methods=["GET", "HEAD"])
    def docs(request: Request) -> Response:
        language = language_of(request)
        body = reference.body(language, pages.translate(language))
        return pages.render(request, "reference/index.html", body=body)

    return api
