"""The base of bodies of which only what is sent counts."""

from __future__ import annotations

from typing import Any

from pydantic import ConfigDict

from charafy.kernel.http.schema import Body


def _without_defaults(schema: dict[str, Any]) -> None:
    """Defaults here only stand for "not sent": a reader must not take them for values."""
    for field in schema.get("properties", {}).values():
        field.pop("default", None)


class PartialBody(Body):
    """Read `model_fields_set`, never a field that was not sent."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)
