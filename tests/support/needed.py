"""Programs that tests need and a machine may lack."""

from __future__ import annotations

import os
from typing import TypeVar

import pytest

T = TypeVar("T")


def needed(found: T | None, reason: str) -> T:
    """What was found. Without it a test is skipped for that reason, and fails where CI is set."""
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found
