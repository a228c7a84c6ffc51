"""JSON schemas as a reader sees them: types in words, limits in words, examples.

Schemas are those of an OpenAPI 3.1 document that we made ourselves, so nothing here is hostile;
what a schema does not say is left out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

MAX_DEPTH = 4
"""Levels of nested objects that are shown; deeper ones are for the OpenAPI document."""


@dataclass(frozen=True, slots=True)
class Field:
    """A row of a parameter table."""

    name: str
    """Nested names are dotted, lists marked: `words[].start`."""
    type: str
    """As in `"ja" | "en"`, `string (uuid)`, `string[]`."""
    required: bool
    description: str
    limits: str
    """Such as `1-100 chars`; empty without any."""
    default: str
    """As JSON; empty without one."""


@dataclass(frozen=True, slots=True)
class Schemas:
    """The named schemas of one document."""

    named: Json

    def resolve(self, schema: Json) -> Json:
        """Follow references; what stands beside a reference wins over what it points to."""
        while "$ref" in schema:
            target = self.named[schema["$ref"].rpartition("/")[2]]
            schema = target | {key: value for key, value in schema.items() if key != "$ref"}
        return schema

    def fields(self, schema: Json, prefix: str = "", depth: int = 0) -> Iterator[Field]:
        """The properties of an object in their order, those of nested objects behind them."""
        schema = self._plain(schema)
        required = schema.get("required", ())
        for name, found in schema.get("properties", {}).items():
            resolved = self.resolve(found)
            yield Field(
                name=prefix + name,
                type=self.type_of(found),
                required=name in required,
                description=self._plain(found).get("description", ""),
                limits=self.limits(found),
                default=_default(resolved),
            )
            if depth < MAX_DEPTH:
                yield from self._nested(found, f"{prefix}{name}", depth + 1)

    def _nested(self, schema: Json, name: str, depth: int) -> Iterator[Field]:
        plain = self._plain(schema)
        if plain.get("type") == "array":
            yield from self.fields(plain.get("items", {}), f"{name}[].", depth)
        elif "properties" in plain:
            yield from self.fields(plain, f"{name}.", depth)

    def type_of(self, schema: Json) -> str:
        schema = self.resolve(schema)
        if options := schema.get("anyOf") or schema.get("oneOf"):
            return " | ".join(dict.fromkeys(self.type_of(option) for option in options))
        if values := schema.get("enum") or ([schema["const"]] if "const" in schema else None):
            return " | ".join(json.dumps(value, ensure_ascii=False) for value in values)
        match schema:
            case {"type": "array"}:
                inner = self.type_of(schema.get("items", {}))
                return f"({inner})[]" if " | " in inner else f"{inner}[]"
            case {"type": "string", "format": "binary"} | {"contentMediaType": _}:
                return "File"
            case {"type": "string", "format": "uuid"}:
                return "string (uuid)"
            case _:
                return str(schema.get("type", "object"))

    def limits(self, schema: Json) -> str:
        schema = self._plain(schema)
        if schema.get("type") == "array":
            return _range(schema, "minItems", "maxItems", " items")
        if schema.get("format") == "uuid":
            return ""
        if schema.get("type") == "string":
            return _range(schema, "minLength", "maxLength", " chars")
        return _range(schema, "minimum", "maximum", "")

    def example(self, schema: Json, depth: int = 0) -> Any:
        """The schema's own example, else one put together from its properties."""
        outer = self.resolve(schema)
        for source in (outer, self._plain(schema)):
            if source.get("examples"):
                return source["examples"][0]
            if "example" in source:
                return source["example"]
        plain = self._plain(schema)
        if "properties" in plain and depth <= MAX_DEPTH:
            items = plain["properties"].items()
            return {name: self.example(value, depth + 1) for name, value in items}
        return self._simple_example(plain, depth)

    def _simple_example(self, schema: Json, depth: int) -> Any:
        match schema:
            case {"default": value} | {"const": value} | {"enum": [value, *_]}:
                return value
            case {"type": "array"}:
                return [self.example(schema.get("items", {}), depth + 1)]
            case {"type": "boolean"}:
                return True
            case {"type": "integer" | "number"}:
                return schema.get("minimum") or 1
            case {"type": "string"}:
                return "uuid" if schema.get("format") == "uuid" else "string"
            case _:
                return None

    def _plain(self, schema: Json) -> Json:
        """Without references and without `| null`."""
        schema = self.resolve(schema)
        options = [o for o in schema.get("anyOf", ()) if o.get("type") != "null"]
        if len(options) == 1:
            beside = {key: value for key, value in schema.items() if key != "anyOf"}
            return self.resolve(options[0]) | beside
        return schema


def _default(schema: Json) -> str:
    if "default" not in schema or schema["default"] is None:
        return ""
    return json.dumps(schema["default"], ensure_ascii=False)


def _range(schema: Json, low: str, high: str, unit: str) -> str:
    least, most = schema.get(low), schema.get(high)
    if least is not None and most is not None:
        return f"{_number(least)}-{_number(most)}{unit}"
    if most is not None:
        return f"max {_number(most)}{unit}"
    # "At least one character" goes without saying.
    return f"min {_number(least)}{unit}" if least and least != 1 else ""


def _number(value: float) -> str:
    return f"{int(value):,}" if value == int(value) else f"{value:g}"
