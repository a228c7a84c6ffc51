"""What can go wrong, with the API's codes: the family of `CharafyError`.

An `ApiError` is an answer, `ConnectionFailed` the lack of one; the rest the client finds itself.
"""

from __future__ import annotations

import email.utils
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from charafy.kernel.errors import CharafyError


class ApiError(CharafyError):
    """The API answered, but not with success. `details`: what else the answer says, as JSON."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        code: str,
        param: str | None = None,
        request_id: str | None = None,
        retry_after_s: float | None = None,
        details: Mapping[str, object] | None = None,
    ) -> None:
        """`request_id` names the request in the server's logs."""
        super().__init__(message, code=code, param=param, details=details)
        self.status = status
        self.request_id = request_id
        self.retry_after_s = retry_after_s


class InvalidRequest(ApiError):
    """400: a parameter is wrong; `param` names it."""


class AuthenticationError(ApiError):
    """401: no API key, or one that doesn't exist or was revoked."""


class InsufficientCredits(ApiError):
    """402: nothing was done and nothing charged."""


class PermissionDenied(ApiError):
    """403: the key, the plan or a limit does not allow it."""


class NotFound(ApiError):
    """404: it isn't there, or is not yours."""


class Conflict(ApiError):
    """409: it doesn't go together with what is under way."""


class RateLimited(ApiError):
    """429: too many requests or too much at once; `retry_after_s` says how long to wait."""


class ServerError(ApiError):
    """500 and above: not your fault."""


class UpstreamFailed(ServerError):
    """502: a provider of the server (voice, video, payment) did not deliver."""


class ConnectionFailed(CharafyError):
    """No answer, or only a part of one."""

    code = "connection_failed"


class TimedOut(ConnectionFailed):
    """It took longer than the caller allowed."""

    code = "timeout"


class BadAnswer(CharafyError):
    """An answer that is not what the API promises: is there another server at this address?"""

    code = "bad_answer"


class WrongSignature(CharafyError):
    """No webhook of ours, or an old one."""

    code = "signature_wrong"


_BY_STATUS: Final[Mapping[int, type[ApiError]]] = MappingProxyType(
    {
        400: InvalidRequest,
        401: AuthenticationError,
        402: InsufficientCredits,
        403: PermissionDenied,
        404: NotFound,
        409: Conflict,
        429: RateLimited,
        502: UpstreamFailed,
    }
)


def of_answer(status: int, headers: Mapping[str, str], body: bytes, *, now: float) -> ApiError:
    """The error that an answer without success stands for. `now`: seconds since 1970."""
    said = _json(body)
    message, code = said.pop("error", None), said.pop("code", None)
    param, request_id = said.pop("param", None), said.pop("request_id", None)
    kind = _BY_STATUS.get(status) or (ServerError if status >= 500 else ApiError)
    if not isinstance(message, str):
        # A proxy's page, or a redirect: none of our answers.
        message = f"The server answered {status}."
    return kind(
        message,
        status=status,
        code=code if isinstance(code, str) else f"http_{status}",
        param=param if isinstance(param, str) else None,
        request_id=request_id if isinstance(request_id, str) else headers.get("x-request-id"),
        retry_after_s=seconds_of(headers.get("retry-after"), now=now),
        details=said,
    )


def seconds_of(text: str | None, *, now: float) -> float | None:
    """Of a `Retry-After`: seconds, or a date as proxies write it; None for anything else."""
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def _json(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
