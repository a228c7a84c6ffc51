"""The errors of the API as the documentation shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

REQUEST_ID = "3f0c6a52c1d94d4a9b0e7f8a6d5c4b3a"


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """One status of the contract's table with an example answer."""

    status: int
    name: str
    """Of the reusable response in the OpenAPI document."""
    title: str
    meaning: str
    code: str
    message: str
    param: str | None = None

    @property
    def example(self) -> dict[str, Any]:
        return {
            "error": self.message,
            "code": self.code,
            "param": self.param,
            "request_id": REQUEST_ID,
        }


ERRORS: tuple[ErrorKind, ...] = (
    ErrorKind(
        400,
        "BadRequest",
        "Bad Request",
        "Invalid parameters or malformed JSON",
        "invalid_request",
        "text: this field is required.",
        "text",
    ),
    ErrorKind(
        401,
        "Unauthorized",
        "Unauthorized",
        "Missing or invalid API key",
        "unauthorized",
        "Send your API key in the x-api-key header.",
    ),
    ErrorKind(
        402,
        "PaymentRequired",
        "Payment Required",
        "Insufficient credits; nothing was done and nothing charged",
        "insufficient_credits",
        "This needs 12 credits and you have 3.",
    ),
    ErrorKind(
        403,
        "Forbidden",
        "Forbidden",
        "Resource limit reached (e.g. characters on the current plan), or the key lacks the scope",
        "missing_scope",
        "This API key may not do that: it lacks the scope characters:write.",
    ),
    ErrorKind(
        404,
        "NotFound",
        "Not Found",
        "Resource does not exist or is not owned by you",
        "not_found",
        "There is no such character.",
    ),
    ErrorKind(
        409,
        "Conflict",
        "Conflict",
        "A request with the same Idempotency-Key is under way, or had another body",
        "conflict",
        "A request with this Idempotency-Key is still under way.",
    ),
    ErrorKind(
        429,
        "TooManyRequests",
        "Too Many Requests",
        "Rate limit exceeded: wait for Retry-After seconds",
        "rate_limited",
        "Too many requests: the limit is 600 a minute. Try again in 12 s.",
    ),
    ErrorKind(
        500,
        "InternalError",
        "Internal Server Error",
        "Something went wrong on our end",
        "internal_error",
        "Something went wrong on our end.",
    ),
    ErrorKind(
        502,
        "BadGateway",
        "Bad Gateway",
        "Upstream service (voice or video provider) error",
        "upstream_failed",
        "The voice provider did not answer.",
    ),
    ErrorKind(
        503,
        "Unavailable",
        "Service Unavailable",
        "Something that the request needs is away for now: wait for Retry-After seconds",
        "limits_unavailable",
        "Requests can't be counted right now, and this one must be. Try again in a moment.",
    ),
)


def by_status(status: int) -> ErrorKind | None:
    return next((kind for kind in ERRORS if kind.status == status), None)
