"""The OpenAPI document is complete, consistent, and true to what the routes do."""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.openapi.models import OpenAPI
from fastapi.testclient import TestClient

from charafy.kernel.http.caller import ALL_SCOPES
from charafy.kernel.settings import Settings
from charafy.reference.errors import ERRORS
from charafy.reference.guides import SCOPES, text
from charafy.reference.names import IDEMPOTENT, OPERATIONS
from charafy.reference.openapi import API_PREFIX, TAGS, operations
from charafy.reference.schemas import Schemas
from charafy.web.pages import PAGE_LANGUAGES
from tests.support.routes import routes

Json = dict[str, Any]
NOT_DOCUMENTED = {f"{API_PREFIX}/openapi.json", f"{API_PREFIX}/stripe/webhook"}


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            if name == "$ref":
                yield item
            else:
                yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)


def test_it_is_a_valid_document_of_version_3_1(document: Json) -> None:
    assert OpenAPI.model_validate(document).openapi == "3.1.0"


@pytest.mark.parametrize("path", ["/openapi.json", "/api/v1/openapi.json"])
def test_it_is_served_to_anyone(browser: TestClient, document: Json, path: str) -> None:
    answer = browser.get(path)

    assert answer.json() == document
    assert answer.headers["access-control-allow-origin"] == "*"
    assert browser.head(path).status_code == 200


def test_it_names_the_server_s_own_address(document: Json) -> None:
    assert document["servers"] == [{"url": "https://talk.example.com"}]


def test_every_route_of_the_api_is_in_it(app: FastAPI, document: Json) -> None:
    served = {(r.path, r.method.lower()) for r in routes(app) if r.is_api}
    documented = {(path, method) for path, method, _ in operations(document)}

    shown = {(p, m) for p, m in served if p not in NOT_DOCUMENTED and m != "options"}
    assert shown == documented


def test_every_operation_has_the_name_that_is_promised_to_clients(document: Json) -> None:
    names = {
        (method, path.removeprefix(API_PREFIX), operation["operationId"])
        for path, method, operation in operations(document)
    }

    assert names == set(OPERATIONS)
    plain = [name for _, _, name in OPERATIONS]
    assert len(set(plain)) == len(plain)
    assert all(name.isidentifier() and not keyword.iskeyword(name) for name in plain)


def test_every_reference_points_to_something(document: Json) -> None:
    found = set(references(document))
    assert len(found) > 30
    for reference in found:
        target: Any = document
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]


def test_operations_are_explained_and_filed_in_the_order_of_the_contract(document: Json) -> None:
    order = [tag.name for tag in TAGS]
    seen = [operation["tags"][0] for _, _, operation in operations(document)]

    assert seen == sorted(seen, key=order.index)
    assert [tag["name"] for tag in document["tags"]] == list(dict.fromkeys(seen))
    for path, method, operation in operations(document):
        assert operation["summary"], (method, path)
        assert operation["description"].strip().endswith("."), (method, path)


def test_parameters_and_fields_of_bodies_are_described(document: Json) -> None:
    schemas = Schemas(document["components"]["schemas"])
    for path, method, operation in operations(document):
        for parameter in operation.get("parameters", ()):
            assert "$ref" in parameter or parameter.get("description"), (method, path, parameter)
        body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        for field in schemas.fields(body.get("schema", {})):
            assert field.description or "." in field.name, (method, path, field.name)


def test_errors_have_one_shape_and_422_does_not_exist(document: Json) -> None:
    text = json.dumps(document)
    assert "422" not in {s for _, _, o in operations(document) for s in o["responses"]}
    assert "ValidationError" not in text
    for path, method, operation in operations(document):
        for status, answer in operation["responses"].items():
            if status != "200":
                assert answer["$ref"].startswith("#/components/responses/"), (method, path, status)
    for kind in ERRORS:
        media = document["components"]["responses"][kind.name]["content"]["application/json"]
        assert media["schema"] == {"$ref": "#/components/schemas/Error"}
        assert set(media["example"]) == {"error", "code", "param", "request_id"}


def test_a_guarded_operation_says_so_and_which_scope_it_needs(document: Json) -> None:
    open_to_all = []
    for path, method, operation in operations(document):
        if operation["security"]:
            assert operation["security"] == [{"apiKey": []}, {"bearer": []}]
            assert operation["x-scope"] in ALL_SCOPES
            assert {"401", "403", "429", "500", "503"} <= operation["responses"].keys(), (
                method,
                path,
            )
        else:
            open_to_all.append(operation["operationId"])
    assert open_to_all == ["hear_voice", "connect_conversation", "add_ice_candidates"]


def test_scopes_of_the_guide_are_those_of_the_keys() -> None:
    assert tuple(scope for scope, _ in SCOPES) == ALL_SCOPES
    for language in PAGE_LANGUAGES:
        told = re.findall(r"^\| `(\w+:\w+)` \|", text("authentication", Settings(), language), re.M)
        assert tuple(told) == ALL_SCOPES, language


def test_idempotent_operations_take_the_key_and_tell_of_conflicts(document: Json) -> None:
    taking = set()
    for _, _, operation in operations(document):
        if {"$ref": "#/components/parameters/IdempotencyKey"} in operation.get("parameters", ()):
            taking.add(operation["operationId"])
            assert "409" in operation["responses"]
    assert taking == IDEMPOTENT


def test_speech_is_binary_audio_with_its_price_in_a_header(document: Json) -> None:
    for path in ("/tts", "/audio/speech"):
        answer = document["paths"][API_PREFIX + path]["post"]["responses"]["200"]
        assert next(iter(answer["content"])) == "audio/mpeg"
        assert {"audio/wav", "audio/ogg", "audio/flac"} <= answer["content"].keys()
        for media in answer["content"].values():
            assert media["schema"] == {"type": "string", "format": "binary"}
        assert {"X-Credits-Used", "RateLimit", "X-Request-Id"} <= answer["headers"].keys()


def test_examples_have_the_fields_of_their_schemas_in_order(document: Json) -> None:
    schemas = Schemas(document["components"]["schemas"])
    compared = 0
    for _, _, operation in operations(document):
        places = [operation.get("requestBody", {}), operation["responses"]["200"]]
        for place in places:
            media = place.get("content", {}).get("application/json", {})
            if "example" in media:
                assert_fits(schemas, media["schema"], media["example"], operation["operationId"])
                compared += 1
    assert compared >= 15


def assert_fits(schemas: Schemas, schema: Json, example: Any, where: str) -> None:
    schema = schemas.resolve(schema)
    if isinstance(example, list):
        for item in example:
            assert_fits(schemas, schema.get("items", {}), item, where)
        return
    if not isinstance(example, dict) or "properties" not in schema:
        return
    known = list(schema["properties"])
    assert list(example) == [name for name in known if name in example], where
    assert set(schema.get("required", ())) <= example.keys(), where
    for name, value in example.items():
        assert_fits(schemas, schema["properties"][name], value, f"{where}.{name}")
