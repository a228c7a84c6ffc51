"""The one family of errors that a caller may see: each knows its HTTP status and its code.

Messages are written for the developer who reads them and never quote secrets, texts or the
words of an upstream exception.
"""

from __future__ import annotations

from collections.abc import Mapping


class CharafyError(Exception):
    """Base of the family. `param` names the offending field, `headers` go out with the answer.

    `details` stand beside them in the answer: what a program needs besides the sentence, as JSON.
    """

    status = 500
    code = "internal_error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).code
        self.param = param
        self.headers = dict(headers or {})
        self.details = dict(details or {})


class BadRequest(CharafyError):
    status, code = 400, "invalid_request"


class Unauthorized(CharafyError):
    status, code = 401, "unauthorized"


class InsufficientCredits(CharafyError):
    status, code = 402, "insufficient_credits"


class Forbidden(CharafyError):
    status, code = 403, "forbidden"


class NotFound(CharafyError):
    status, code = 404, "not_found"


class Conflict(CharafyError):
    status, code = 409, "conflict"


class TooLarge(CharafyError):
    """A body over the size cap; answered as 400, the contract's status for bad input."""

    status, code = 400, "body_too_large"


class TooManyRequests(CharafyError):
    """Carries how long to wait; it becomes `Retry-After`."""

    status, code = 429, "rate_limited"

    def __init__(self, message: str, *, retry_after_s: int, code: str | None = None) -> None:
        super().__init__(message, code=code, headers={"Retry-After": str(max(1, retry_after_s))})


class UpstreamFailed(CharafyError):
    """A provider that we depend on (voice, mail, payment) did not deliver."""

    status, code = 502, "upstream_failed"


class Unavailable(CharafyError):
    """Something that a request can't do without is away for now; `Retry-After` says how long."""

    status, code = 503, "unavailable"

    def __init__(self, message: str, *, retry_after_s: int, code: str | None = None) -> None:
        super().__init__(message, code=code, headers={"Retry-After": str(max(1, retry_after_s))})
