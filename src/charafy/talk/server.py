"""What a talk process answers to the API: offers of clients, and their candidates."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web
from pydantic import ValidationError

from charafy.conversations.nodes import NODE_HEADER
from charafy.kernel.errors import BadRequest, CharafyError
from charafy.talk.node import Candidates, Node, Offer

MOST_BYTES: Final = 128 * 1024


def application(node: Node, secret: str) -> web.Application:
    """HTTP for the API process alone: `secret` is what both derive from the house's."""

    @web.middleware
    async def errors(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        given = request.headers.get(NODE_HEADER, "")
        if not hmac.compare_digest(given.encode(), secret.encode()):
            return web.json_response({"error": "Not for you."}, status=403)
        try:
            return await handler(request)
        except ValidationError:
            return _refused(BadRequest("The body is not what was expected."))
        except CharafyError as error:
            return _refused(error)

    async def connect(request: web.Request) -> web.Response:
        return web.json_response(
            await node.connect(Offer.model_validate_json(await request.read()))
        )

    async def trickle(request: web.Request) -> web.Response:
        await node.trickle(Candidates.model_validate_json(await request.read()))
        return web.json_response({"ok": True})

    app = web.Application(middlewares=[errors], client_max_size=MOST_BYTES)
    app.router.add_post("/connect", connect)
    app.router.add_patch("/connect", trickle)
    return app


def _refused(error: CharafyError) -> web.Response:
    return web.json_response(
        {"error": error.message, "code": error.code, "param": error.param},
        status=error.status,
        headers=error.headers,
    )
