"""What a talk process answers to the API: offers of clients, and their candidates."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web
from pydantic import ValidationError

from charafy.conversations.nodes import NODE_HEADER, STRANGER, Nodes
from charafy.kernel.errors import BadRequest, CharafyError
from charafy.kernel.traces import OFF, Traces
from charafy.talk.node import Candidates, Node, Offer

MOST_BYTES: Final = 128 * 1024
_BODY_S: Final = 5.0
"""APIs have all of it before they begin; strangers on the network may not."""


def application(node: Node, nodes: Nodes, traces: Traces = OFF) -> web.Application:
    """HTTP for APIs of the same house alone, which `nodes` knows by what they send along."""

    @web.middleware
    async def errors(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        word = request.headers.get(NODE_HEADER, "")
        if (
            not word
            or request.path != "/connect"
            or not nodes.is_ours(word, node.name, request.method, await _body(request))
        ):
            return web.json_response({"error": "Not for you."}, status=STRANGER)
        try:
            return await handler(request)
        except ValidationError:
            return _refused(BadRequest("The body is not what was expected."))
        except CharafyError as error:
            return _refused(error)

    async def connect(request: web.Request) -> web.Response:
        offer = Offer.model_validate_json(await request.read())
        with traces.span("admit", kind="server", parent=request.headers.get("traceparent")):
            return web.json_response(await node.connect(offer))

    async def trickle(request: web.Request) -> web.Response:
        await node.trickle(Candidates.model_validate_json(await request.read()))
        return web.json_response({"ok": True})

    app = web.Application(middlewares=[errors], client_max_size=MOST_BYTES)
    app.router.add_post("/connect", connect)
    app.router.add_patch("/connect", trickle)
    return app


async def _body(request: web.Request) -> bytes:
    """All of it, at most `MOST_BYTES`; kept for whoever reads it again. Empty if it takes long."""
    try:
        async with asyncio.timeout(_BODY_S):
            return await request.read()
    except TimeoutError:
        return b""


def _refused(error: CharafyError) -> web.Response:
    return web.json_response(
        {"error": error.message, "code": error.code, "param": error.param},
        status=error.status,
        headers=error.headers,
    )
