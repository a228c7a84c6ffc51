"""The OpenAPI document as chapters and operations, ready to be shown on a page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from charafy.reference.openapi import Json, operations
from charafy.reference.schemas import Field, Schemas


@dataclass(frozen=True, slots=True)
class Error:
    """One way an operation may fail."""

    status: int
    title: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing the API does."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    scope: str | None
    parameters: tuple[Field, ...]
    """Of the path, the query and the headers."""
    body_type: str | None
    """Media type of the request body; None without one."""
    body: tuple[Field, ...]
    body_example: Any
    answer_types: tuple[str, ...]
    """Media types of the answer 200."""
    answer: tuple[Field, ...]
    answer_example: str | None
    """As indented JSON; None for audio."""
    errors: tuple[Error, ...]

    @property
    def anchor(self) -> str:
        return self.id.replace("_", "-")

    @property
    def answers_json(self) -> bool:
        return "application/json" in self.answer_types


@dataclass(frozen=True, slots=True)
class Chapter:
    """A tag and its operations."""

    name: str
    description: str
    operations: tuple[Operation, ...]

    @property
    def anchor(self) -> str:
        return self.name.lower().replace(" ", "-")


def chapters(document: Json) -> tuple[Chapter, ...]:
    reader = _Reader(document)
    by_tag: dict[str, list[Operation]] = {tag["name"]: [] for tag in document["tags"]}
    for path, method, operation in operations(document):
        by_tag[operation["tags"][0]].append(reader.operation(path, method, operation))
    return tuple(
        Chapter(tag["name"], tag["description"], tuple(by_tag[tag["name"]]))
        for tag in document["tags"]
    )


class _Reader:
    def __init__(self, document: Json) -> None:
        components = document["components"]
        self._schemas = Schemas(components["schemas"])
        self._responses: Json = components["responses"]
        self._parameters_by_name: Json = components["parameters"]

    def operation(self, path: str, method: str, found: Json) -> Operation:
        body_type, body = _first_media(found.get("requestBody", {}))
        answer = found["responses"].get("200", {})
        answer_type, answer_media = _first_media(answer)
        is_json = answer_type == "application/json"
        return Operation(
            id=found["operationId"],
            method=method.upper(),
            path=path,
            summary=found.get("summary", ""),
            description=found.get("description", ""),
            scope=found.get("x-scope"),
            parameters=tuple(self._parameters(found)),
            body_type=body_type,
            body=tuple(map(_sendable, self._schemas.fields(body.get("schema", {})))),
            body_example=self._example(body),
            answer_types=tuple(answer.get("content", {})),
            answer=tuple(self._schemas.fields(answer_media.get("schema", {}))) if is_json else (),
            answer_example=_indented(self._example(answer_media)) if is_json else None,
            errors=tuple(self._errors(found)),
        )

    def _parameters(self, found: Json) -> Iterator[Field]:
        for entry in found.get("parameters", ()):
            parameter = self._shared(entry)
            (field,) = self._schemas.fields(
                {"properties": {parameter["name"]: parameter["schema"]}}
            )
            yield _sendable(
                replace(
                    field,
                    required=parameter.get("required", False),
                    description=parameter.get("description", field.description),
                )
            )

    def _shared(self, entry: Json) -> Json:
        found: Json = entry
        if "$ref" in entry:
            found = self._parameters_by_name[entry["$ref"].rpartition("/")[2]]
        return found

    def _errors(self, found: Json) -> Iterator[Error]:
        for status, answer in sorted(found["responses"].items()):
            if "$ref" in answer:
                shared = self._responses[answer["$ref"].rpartition("/")[2]]["description"]
                title, _, meaning = shared.partition(" — ")
                yield Error(int(status), title, answer.get("description", meaning))

    def _example(self, media: Json) -> Any:
        if "example" in media:
            return media["example"]
        if media.get("examples"):
            return next(iter(media["examples"].values()))["value"]
        return self._schemas.example(media["schema"]) if media.get("schema") else None


def _sendable(field: Field) -> Field:
    """That an optional field may also be null tells a sender nothing."""
    if field.required:
        return field
    return replace(field, type=field.type.removesuffix(" | null"))


def _first_media(found: Json) -> tuple[str | None, Json]:
    return next(iter(found.get("content", {}).items()), (None, {}))


def _indented(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
