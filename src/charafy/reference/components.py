"""The parts of the OpenAPI document that operations share: errors, headers, security."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from charafy.reference.errors import ERRORS, ErrorKind

Json = dict[str, Any]

_OTHER_IDS = frozenset({"request_id", "model_id"})

_DESCRIPTIONS = (
    ("character_id", "UUID of the character."),
    ("voice_id", "UUID of the voice (from GET /v1/voices)."),
    ("video_id", "UUID of the video."),
    ("conversation_id", "UUID of the conversation."),
    ("status", "Only those with this status."),
    ("key_id", "UUID of the API key."),
    ("account_id", "UUID of the account."),
    ("endpoint_id", "UUID of the webhook endpoint."),
    ("delivery_id", "UUID of the delivery."),
    ("model", "Name of the model."),
    ("limit", "How many at most."),
    ("cursor", "`next_cursor` of the page before."),
    ("language", "Language of the character."),
    ("response_format", "The audio's format."),
    ("avatar_type", 'Avatar to generate; "none": no avatar.'),
)
"""What a name means everywhere, where a route says nothing of its own."""


def explain(name: str, parameter: Json) -> None:
    """Describe a parameter that nobody has described."""
    described = parameter.get("description") or parameter.get("schema", {}).get("description")
    if not described and name in dict(_DESCRIPTIONS):
        parameter["description"] = dict(_DESCRIPTIONS)[name]


def components(found: Json, bodies: Collection[str]) -> Json:
    """FastAPI's components with ours, and without what its 422 needed.

    `bodies` are the schemas of request bodies.
    """
    schemas = found.get("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for title, schema in schemas.items():
        for name, field in schema.get("properties", {}).items():
            field.pop("title", None)
            mark_id(name, field)
            if title in bodies:
                explain(name, field)
    return found | {
        "schemas": dict(sorted({**schemas, "Error": _error_schema()}.items())),
        "responses": {kind.name: _error_answer(kind) for kind in ERRORS},
        "headers": _headers(),
        "parameters": {"IdempotencyKey": _idempotency_key()},
        "securitySchemes": _security(),
    }


def _error_schema() -> Json:
    return {
        "type": "object",
        "required": ["error", "code", "param", "request_id"],
        "properties": {
            "error": {"type": "string", "description": "What went wrong, as a sentence."},
            "code": {"type": "string", "description": "The same for a program; stable."},
            "param": {
                "type": ["string", "null"],
                "description": "The parameter that it is about, if it is about one.",
            },
            "request_id": {
                "type": ["string", "null"],
                "description": "Also in X-Request-Id; quote it when you report a problem.",
            },
        },
    }


def _error_answer(kind: ErrorKind) -> Json:
    headers = ("X-Request-Id", "Retry-After") if kind.status in (429, 503) else ("X-Request-Id",)
    return {
        "description": f"{kind.title} — {kind.meaning}",
        "headers": {name: {"$ref": f"#/components/headers/{name}"} for name in headers},
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/Error"},
                "example": kind.example,
            }
        },
    }


def _headers() -> Json:
    def header(description: str, example: str | int) -> Json:
        kind = "integer" if isinstance(example, int) else "string"
        return {"description": description, "schema": {"type": kind}, "example": example}

    return {
        "X-Request-Id": header("Names this request in our logs.", ERRORS[0].example["request_id"]),
        "RateLimit": header(
            "What is left (r) and the seconds until reset (t).", '"account";r=599;t=60'
        ),
        "RateLimit-Policy": header(
            "The quota (q) per window in seconds (w).", '"account";q=600;w=60'
        ),
        "Retry-After": header("Seconds to wait.", 12),
    }


def _idempotency_key() -> Json:
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "Makes a retry safe: sent again, it is neither done nor charged twice.",
        "schema": {"type": "string", "pattern": r"^[\x20-\x7e]+$", "maxLength": 255},
        "example": "5b0c8f0e-greeting",
    }


def mark_id(name: str, schema: Json) -> None:
    """Ids of ours are UUIDs, which the routes' plain strings don't say."""
    if not name.endswith("_id") or name in _OTHER_IDS:
        return
    for option in (schema, *schema.get("anyOf", ())):
        if option.get("type") == "string":
            option.setdefault("format", "uuid")


def _security() -> Json:
    return {
        "apiKey": {
            "type": "apiKey",
            "in": "header",
            "name": "x-api-key",
            "description": "`ck_live_…`, or `ck_test_…` which never charges.",
        },
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "The same key as `Authorization: Bearer`, as OpenAI's clients send it.",
        },
    }
