"""The OpenAPI 3.1 document: FastAPI's account of the routes, finished for people and generators.

FastAPI knows paths, parameters and bodies. Added here is what holds for the whole API: security,
the one error shape in place of its 422, headers, tags in the contract's order, operation ids that
make good method names.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import RouteContext, iter_route_contexts

from charafy import __version__
from charafy.kernel.settings import Settings
from charafy.reference.components import components, explain, mark_id
from charafy.reference.errors import by_status
from charafy.reference.names import IDEMPOTENT, name_of, position_of

Json = dict[str, Any]

API_PREFIX = "/api/v1"
METHODS = ("get", "post", "put", "patch", "delete")
DESCRIPTION = (
    "Give anyone a character that speaks. Send your API key in the `x-api-key` header; "
    "1 credit is $0.01. Every error is a JSON object with an `error` sentence and a `code`."
)


@dataclass(frozen=True, slots=True)
class Tag:
    """A chapter of the reference and the paths (behind /api/v1) that belong to it."""

    name: str
    description: str
    paths: str
    """A regular expression."""


TAGS: tuple[Tag, ...] = (
    Tag("Characters", "A face, a voice and a persona under one name.", r"/characters(?!.*/embed)"),
    Tag("Voice", "The voices a character can have.", r"/voices?(/|$)"),
    Tag("Text-to-Speech", "Text in, speech out, streamed while it is made.", r"/tts"),
    Tag("Video", "Films of a character that speaks.", r"/videos?(/|$)"),
    Tag("Conversation", "Talking with a character, live.", r"/conversations?(/|$)"),
    Tag("Credits", "What you have and what it was spent on.", r"/(credits|checkout|billing)"),
    Tag("Embed", "Who may show a character on their page, and for how long.", r".*/embed(?:/|$)"),
    Tag("OpenAI-compatible", "The same speech for OpenAI's clients.", r"/(audio/|models)"),
    Tag("Account", "Your account and its API keys.", r"/(account|keys)"),
    Tag("Webhooks", "Being told when something is done, at a URL of yours.", r"/webhooks"),
    Tag("Operator", "For the person who runs this server.", r"/"),
)


def build(app: FastAPI, settings: Settings) -> Json:
    """The document of everything under /api/v1 that `app` serves right now."""
    routes = [
        route
        for route in iter_route_contexts(app.routes)
        if (route.path or "").startswith(API_PREFIX) and not _is_internal(route)
    ]
    document = get_openapi(
        title="Charafy API",
        version=__version__,
        openapi_version="3.1.0",
        summary="Characters that speak, over HTTP.",
        description=DESCRIPTION,
        routes=routes,
        servers=[{"url": settings.base_url}],
    )
    scopes = {(m, r.path): _scope(r.dependant) for r in routes for m in _methods(r)}
    examples = _examples()
    for path, method, operation in operations(document):
        _finish(operation, method, path, scopes.get((method, path)))
        _illustrate(operation, examples.get(operation["operationId"], {}))
    document["paths"] = _in_order(document["paths"])
    document["tags"] = _used_tags(document)
    document["components"] = components(document.get("components", {}), set(_bodies(document)))
    return document


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    """Every operation as (path, method, operation)."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def tag_of(path: str) -> Tag:
    """The chapter of a path under /api/v1."""
    tail = path.removeprefix(API_PREFIX)
    return next(tag for tag in TAGS if re.match(tag.paths, tail))


def _finish(operation: Json, method: str, path: str, scope: str | None) -> None:
    name = name_of(method, path.removeprefix(API_PREFIX))
    operation["operationId"] = name or operation["operationId"]
    operation["tags"] = [tag_of(path).name]
    operation["security"] = [{"apiKey": []}, {"bearer": []}] if scope else []
    if scope:
        operation["x-scope"] = scope
    for parameter in operation.get("parameters", ()):
        parameter["schema"].pop("title", None)
        mark_id(parameter["name"], parameter["schema"])
        explain(parameter["name"], parameter)
    if name in IDEMPOTENT:
        parameters = operation.setdefault("parameters", [])
        parameters.append({"$ref": "#/components/parameters/IdempotencyKey"})
        operation["responses"].setdefault("409", {})
    _answers(operation, secured=scope is not None)


def _illustrate(operation: Json, example: Json) -> None:
    """Put the examples (the contract's own where it has them) beside the schemas."""
    places = {
        "request": operation.get("requestBody"),
        "response": operation["responses"].get("200"),
    }
    for name, place in places.items():
        if place and name in example:
            place["content"]["application/json"]["example"] = example[name]


def _answers(operation: Json, *, secured: bool) -> None:
    """Headers on success, one reference per error; what a route says of its error is kept."""
    declared: Mapping[str, Json] = operation["responses"]
    answers: Json = {}
    for status, answer in declared.items():
        if status.startswith(("2", "3")):
            headers = {name: {"$ref": f"#/components/headers/{name}"} for name in _sent(secured)}
            answers[status] = answer | {"headers": answer.get("headers", {}) | headers}
    always = {"400", "429", "500", "503"} | ({"401", "403"} if secured else set())
    for status in sorted(always | (declared.keys() - answers.keys() - {"422"})):
        if kind := by_status(int(status)):
            said = declared.get(status, {}).get("description")
            reference = {"$ref": f"#/components/responses/{kind.name}"}
            answers[status] = reference | ({"description": said} if said else {})
    operation["responses"] = answers


def _sent(secured: bool) -> tuple[str, ...]:
    return ("X-Request-Id", "RateLimit", "RateLimit-Policy") if secured else ("X-Request-Id",)


def _in_order(paths: Json) -> Json:
    """Paths in the order of their chapters, and of their names within one."""
    chapter = {tag.name: index for index, tag in enumerate(TAGS)}

    def position(item: tuple[str, Json]) -> tuple[int, int]:
        path, methods = item
        first = next(method for method in METHODS if method in methods)
        place = position_of(first, path.removeprefix(API_PREFIX))
        return chapter[tag_of(path).name], place

    return dict(sorted(paths.items(), key=position))


def _used_tags(document: Json) -> list[Json]:
    used = {tag for _, _, operation in operations(document) for tag in operation["tags"]}
    return [{"name": t.name, "description": t.description} for t in TAGS if t.name in used]


def _bodies(document: Json) -> Iterator[str]:
    """Names of the schemas that request bodies have."""
    for _, _, operation in operations(document):
        for media in operation.get("requestBody", {}).get("content", {}).values():
            yield media["schema"].get("$ref", "").rpartition("/")[2]


def _methods(route: RouteContext) -> set[str]:
    return {method.lower() for method in route.methods or ()}


def _scope(dependant: Dependant | None) -> str | None:
    """The scope that the guard asks of a key on this route; None for a route without a guard."""
    for dependency in dependant.dependencies if dependant else ():
        call = dependency.call
        if call and getattr(call, "__module__", "") == "charafy.kernel.http.guard":
            return str(inspect.getclosurevars(call).nonlocals["scope"])
        if scope := _scope(dependency):
            return scope
    return None


def _is_internal(route: RouteContext) -> bool:
    """Addresses for payment providers are no part of what a developer calls."""
    return (route.path or "").startswith(f"{API_PREFIX}/stripe/")


def _examples() -> Json:
    text = (files("charafy.reference") / "examples.json").read_text(encoding="utf-8")
    examples: Json = json.loads(text)
    return examples
