"""Where clients connect, relative to /api/v1: from any page, with a token instead of a key."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from starlette.responses import Response

from charafy.conversations.connecting import Connecting
from charafy.conversations.schemas import Candidates, CandidatesAnswer, Offer, OfferAnswer
from charafy.kernel.errors import NotFound, Unauthorized
from charafy.kernel.http.guard import Guard

PATH: Final = "/conversation/connect"
_ANY_PAGE: Final = {"Access-Control-Allow-Origin": "*"}
_PREFLIGHT: Final = {
    **_ANY_PAGE,
    "Access-Control-Allow-Methods": "POST, PATCH",
    "Access-Control-Allow-Headers": "authorization, content-type",
    "Access-Control-Max-Age": "86400",
}
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    400: {"description": "Bad input: the error names the field."},
    401: {"description": "The token is missing, forged, foreign, expired or revoked."},
    404: {"description": "No such connection."},
    409: {"description": "The token was used, or its conversation is over."},
    429: {
        "description": "All nodes are full (`at_capacity`; the token stays good), or too many "
        "requests; see Retry-After."
    },
    502: {"description": "Nothing that leads conversations can be reached."},
}


class _OpenRoute(APIRoute):
    """Lets any page read the answer, also when it is an error."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def open_handle(request: Request) -> Response:
            request.scope["state"]["extra_headers"].update(_ANY_PAGE)
            return await handle(request)

        return open_handle


def router(guard: Guard, connecting: Connecting) -> APIRouter:
    api = APIRouter(tags=["Conversation"], route_class=_OpenRoute)

    @api.options(PATH, include_in_schema=False)
    def preflight() -> Response:
        return Response(None, 204, _PREFLIGHT)

    @api.post(PATH, summary="Connect to a conversation", responses=_RESPONSES)
    def connect(request: Request, body: Offer) -> OfferAnswer:
        """Send the offer of an RTCPeerConnection and get the answer: the conversation begins.

        The token comes as `Authorization: Bearer` or in the body; no API key is needed, and any
        page may ask. A token is used up by an answer and by nothing else. A client that lost its
        line sends a new offer with the same token and the `pc_id` of the answer before.
        """
        token = _bearer(request) or body.token
        try:
            if token is None:
                raise Unauthorized("Send the token as Authorization: Bearer, or in the body.")
            return connecting.connect(token, body)
        except Unauthorized:
            # Guessing tokens is limited by address; a good one is never slowed by it.
            guard.limit_address(request, "connect")
            raise

    @api.patch(PATH, summary="Add ICE candidates", responses=_RESPONSES)
    def trickle(request: Request, body: Candidates) -> CandidatesAnswer:
        """Send what the RTCPeerConnection found out about its addresses after its offer.

        `pc_id` is that of the answer; the token may come along as `Authorization: Bearer`.
        """
        try:
            connecting.trickle(_bearer(request), body)
        except (Unauthorized, NotFound):
            guard.limit_address(request, "connect")
            raise
        return CandidatesAnswer()

    return api


def _bearer(request: Request) -> str | None:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() or None if kind.lower() == "bearer" else None
