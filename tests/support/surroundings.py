"""What another process must find in its environment to be part of a test's server."""

from __future__ import annotations

import json

from pydantic import SecretStr

from charafy.kernel.settings import Settings


def surroundings(settings: Settings) -> dict[str, str]:
    """Variables that say what these settings were told; whatever else is as it always is."""
    return {
        f"CHARAFY_{name.upper()}": _word(getattr(settings, name))
        for name in sorted(settings.model_fields_set)
    }


def _word(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, (bool, dict, list, tuple)):
        return json.dumps(value)
    return str(value)
