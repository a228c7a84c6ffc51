"""One shape for every error: `{"error": sentence, "code": …, "param": …, "request_id": …}`.

A few say more behind that: a recording that was refused, what was measured of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from charafy.kernel.errors import CharafyError
from charafy.kernel.wording import counted

_PHRASES: Final = {
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not answer to that method."),
}


def error_response(
    request: Request,
    status: int,
    message: str,
    code: str,
    *,
    param: str | None = None,
    headers: Mapping[str, str] | None = None,
    details: Mapping[str, object] | None = None,
) -> JSONResponse:
    state = request.scope.setdefault("state", {})
    state["error_code"] = code  # is counted
    body: dict[str, Any] = {
        "error": message,
        "code": code,
        "param": param,
        "request_id": state.get("request_id"),
        **(details or {}),
    }
    return JSONResponse(body, status, dict(headers or {}))


def install_error_handlers(app: FastAPI) -> None:
    """Answer every error of the app in the one shape; FastAPI's 422 becomes the contract's 400."""

    @app.exception_handler(CharafyError)
    async def _ours(request: Request, error: CharafyError) -> JSONResponse:
        return error_response(
            request,
            error.status,
            error.message,
            error.code,
            param=error.param,
            headers=error.headers,
            details=error.details,
        )

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        message, param = sentence(error.errors()[0])
        return error_response(request, 400, message, "invalid_request", param=param)

    @app.exception_handler(HTTPException)
    async def _framework(request: Request, error: HTTPException) -> JSONResponse:
        if isinstance(error.__cause__, CharafyError):  # raised while FastAPI was reading the body
            return await _ours(request, error.__cause__)
        code, message = _PHRASES.get(error.status_code, ("http_error", "The request failed."))
        if error.status_code == 404 and request.url.path.startswith("/v1/"):
            message = "There is nothing at this address: the API's addresses begin with /api/v1."
        status = 400 if error.status_code in (413, 415, 422) else error.status_code
        if status == 400:  # FastAPI and Starlette raise it for bodies that they can't parse
            is_json = "json" in request.headers.get("content-type", "")
            code = "invalid_request"
            message = "The body is not valid JSON." if is_json else "The body can't be read."
        return error_response(request, status, message, code, headers=error.headers)


def sentence(problem: Mapping[str, Any]) -> tuple[str, str | None]:
    """A validation problem as one clear sentence, and the parameter that it is about.

    Never quotes the rejected value: it may be a text, a photo or a secret.
    """
    if problem["type"] == "json_invalid":
        return "The body is not valid JSON.", None
    path = [str(part) for part in problem["loc"] if part not in ("body", "query", "path", "header")]
    if not path:
        return "The body must be a JSON object with Content-Type: application/json.", None
    param = ".".join(path)
    return f"{param}: {_reason(problem)}", param


def _reason(problem: Mapping[str, Any]) -> str:
    context = problem.get("ctx", {})
    match problem["type"]:
        case "missing":
            return "this field is required."
        case "string_too_short" | "too_short" | "string_too_long" | "too_long" as problem_type:
            return _wrong_length(context, is_long=problem_type.endswith("long"))
        case "literal_error" | "enum":
            return f"must be {context['expected']}."
        case "value_error":
            said = str(context.get("error", "is not valid."))
            return "must be sent as a file." if said.startswith("Expected UploadFile") else said
        case _:
            text = str(problem.get("msg", "is not valid")).replace("Input should ", "must ", 1)
            return f"{text[:1].lower()}{text[1:].rstrip('.')}."


def _wrong_length(context: Mapping[str, Any], *, is_long: bool) -> str:
    """Of a text or a list; pydantic calls a secret text a "Value"."""
    part = "character" if context.get("field_type", "Value") == "Value" else "item"
    if is_long:
        return f"must have at most {counted(context['max_length'], part)}."
    if context["min_length"] == 1:
        return "must not be empty."
    return f"must have at least {counted(context['min_length'], part)}."
