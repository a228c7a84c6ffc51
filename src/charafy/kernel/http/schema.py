"""The base of every request body."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Body(BaseModel):
    """Strict types (no "5" for 5); unknown fields are ignored: later clients may send them."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class Answer(BaseModel):
    """The base of every response body."""

    model_config = ConfigDict(frozen=True)
