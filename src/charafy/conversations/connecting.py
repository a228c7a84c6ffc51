"""From a client's offer to the node that leads its conversation, and back.

Whether a token is good is judged twice: here, so that nothing of strangers reaches a node, and by
the node, which alone begins the conversation (`Sessions.admit`).
"""

from __future__ import annotations

import json
import ssl
from typing import Any, Final

import httpx
import structlog
from pydantic import BaseModel, Field, ValidationError

from charafy.conversations import queries
from charafy.conversations.models import Conversation, Node
from charafy.conversations.nodes import (
    NODE_HEADER,
    RETRY_AFTER_S,
    STRANGER,
    Nodes,
    at_capacity,
)
from charafy.conversations.schemas import Candidates, Offer, OfferAnswer
from charafy.conversations.service import Conversations
from charafy.conversations.sessions import Sessions
from charafy.kernel.db import Database
from charafy.kernel.errors import (
    BadRequest,
    CharafyError,
    Conflict,
    NotFound,
    TooManyRequests,
    Unauthorized,
    UpstreamFailed,
)
from charafy.kernel.http.limits import Limiter
from charafy.kernel.observe import describe
from charafy.kernel.traces import OFF, Traces

log = structlog.get_logger("charafy.conversations")

CONNECTS_PER_MINUTE: Final = 30
"""Of one conversation: a client that loses its line in a tunnel needs some, a mill of offers more.
"""
TRICKLES_PER_MINUTE: Final = 300
_TIMEOUT: Final = httpx.Timeout(connect=2.0, write=5.0, read=20.0, pool=5.0)
"""A node gathers its own addresses before it answers, within 10 s."""
_STRANGERS: Final = "it has another CHARAFY_SECRET, or its clock differs by minutes"
_FAMILY: Final[tuple[type[CharafyError], ...]] = (BadRequest, Unauthorized, NotFound, Conflict)
"""What a node may say to the client in its own words."""


class _Answer(BaseModel):
    """A node's, to an offer."""

    sdp: str
    pc_id: str = Field(max_length=100)


class _Unreached(Exception):
    """The node did not get the request: another may."""


class Connecting:
    """Thread-safe; each call waits for a node, bounded. `close` ends its connections."""

    def __init__(
        self,
        db: Database,
        *,
        conversations: Conversations,
        sessions: Sessions,
        nodes: Nodes,
        limiter: Limiter,
        tls: ssl.SSLContext,
        traces: Traces = OFF,
    ) -> None:
        self._db = db
        self._conversations = conversations
        self._sessions = sessions
        self._nodes = nodes
        self._limiter = limiter
        self._traces = traces
        # Nodes are our own: no proxy of the environment is asked to reach them.
        self._client = httpx.Client(timeout=_TIMEOUT, verify=tls, trust_env=False)

    def close(self) -> None:
        self._client.close()

    def connect(self, token: str, offer: Offer) -> OfferAnswer:
        """Have a node answer the offer: any, or for `pc_id` the one that leads the conversation.

        Raises `Unauthorized`, `Conflict`, `BadRequest` for what is no offer, `TooManyRequests`
        when all nodes are full, `UpstreamFailed`. Only who gets an answer has used the token.
        """
        if offer.pc_id is None:
            conversation = self._sessions.waiting(token)
        else:
            conversation = self._sessions.going_on(token)
        self._count("connect", conversation, CONNECTS_PER_MINUTE)
        body = {**offer.model_dump(), "token": token}
        made_by, which = self._sessions.trace(token), conversation.conversation_id
        with self._traces.span("connect", kind="client", parent=made_by, conversation__id=which):
            said = self._answered(self._candidates(conversation), body)
        with self._db.write() as tx:
            queries.update(tx, conversation.conversation_id, ["live"], pc_id=said.pc_id)
        return OfferAnswer(
            sdp=said.sdp,
            pc_id=said.pc_id,
            conversation_id=conversation.conversation_id,
            ice_servers=self._conversations.ice_servers(conversation.conversation_id),
        )

    def trickle(self, token: str | None, candidates: Candidates) -> None:
        """Pass on what a client found out about its addresses.

        Without a token the name of the connection vouches for who sends it: none can be guessed.
        Raises `NotFound`, what `Sessions.going_on` raises, `UpstreamFailed`.
        """
        if token is not None:
            conversation = self._sessions.going_on(token)
        else:
            with self._db.read() as tx:
                found = queries.by_connection(tx, candidates.pc_id)
            if found is None:
                raise NotFound("There is no such connection.", param="pc_id")
            conversation = found
        self._count("trickle", conversation, TRICKLES_PER_MINUTE)
        try:
            self._ask(self._leader(conversation), "PATCH", candidates.model_dump())
        except _Unreached:
            raise _down() from None

    def _candidates(self, conversation: Conversation) -> list[Node]:
        """The nodes to ask, best first."""
        if conversation.state == "minted":
            return self._nodes.choose()
        return [self._leader(conversation)]

    def _leader(self, conversation: Conversation) -> Node:
        node = self._nodes.find(conversation.node) if conversation.node else None
        if node is None:
            raise _down()
        return node

    def _answered(self, nodes: list[Node], body: dict[str, Any]) -> _Answer:
        """What the first of the nodes says that is there and has room."""
        full = False
        for node in nodes:
            try:
                return _Answer.model_validate_json(self._ask(node, "POST", body))
            except TooManyRequests:
                full = True  # it got others since it was looked at
            except _Unreached:
                continue
            except ValidationError:
                log.error("node_misanswered", node=node.name)
                raise _broken() from None
        raise at_capacity() if full else _down()

    def _ask(self, node: Node, method: str, body: dict[str, Any]) -> bytes:
        """The node's answer. Raises `_Unreached`, or what the node says to the client."""
        content = json.dumps(body).encode()
        headers = {
            NODE_HEADER: self._nodes.word(node.name, method, content),
            "content-type": "application/json",
        }
        if (trace := self._traces.carried()) is not None:
            headers["traceparent"] = trace
        try:
            answer = self._client.request(
                method, f"{node.url}/connect", content=content, headers=headers
            )
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            log.warning("node_unreached", node=node.name, **describe(error))
            raise _Unreached from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # It may have begun the conversation: no other node may be asked.
            log.warning("node_silent", node=node.name, **describe(error))
            raise _broken() from None
        if answer.status_code == STRANGER:
            log.error("node_knows_us_not", node=node.name, why=_STRANGERS)
            raise _Unreached
        if answer.status_code != 200:
            raise _refusal(node, answer)
        return answer.content

    def _count(self, policy: str, conversation: Conversation, per_minute: int) -> None:
        # Its credits are held already: whoever lost the line gets it back, Redis or not.
        self._limiter.require(policy, conversation.conversation_id, per_minute, opens=True)


class _Refusal(BaseModel):
    """A node's words to a client."""

    error: str
    code: str | None = None
    param: str | None = None


def _refusal(node: Node, answer: httpx.Response) -> CharafyError:
    if answer.status_code == TooManyRequests.status:
        return TooManyRequests("Full.", retry_after_s=RETRY_AFTER_S, code="at_capacity")
    kind = next((kind for kind in _FAMILY if kind.status == answer.status_code), None)
    if kind is not None:
        try:
            said = _Refusal.model_validate_json(answer.content)
        except ValidationError:
            kind = None
    if kind is None:
        log.error("node_failed", node=node.name, status=answer.status_code)
        return _broken()
    return kind(said.error, code=said.code, param=said.param)


def _down() -> UpstreamFailed:
    return UpstreamFailed(
        "What leads conversations can't be reached; nothing was charged. Try again shortly.",
        code="talk_unavailable",
    )


def _broken() -> UpstreamFailed:
    return UpstreamFailed(
        "What leads conversations did not answer properly. Try again with a new token; what this "
        "one set aside comes back.",
        code="talk_failed",
    )
