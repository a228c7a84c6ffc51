"""Live conversations: let in, and looked at afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

from charafy.client.api.given import without_none
from charafy.client.api.pages import Pages
from charafy.client.api.transport import Transport, at
from charafy.client.api.values import Mode
from charafy.client.ticket import Ticket

ConversationStatus = Literal["minted", "live", "ended"]
EndReason = Literal[
    "hang_up",
    "limit",
    "idle",
    "disconnected",
    "failed",
    "node_lost",
    "credits",
    "deleted",
    "never_connected",
]


@dataclass(frozen=True, slots=True)
class Billing:
    rate_credits_per_minute: int
    prepaid_credits: int
    note: str


@dataclass(frozen=True, slots=True)
class IceServer:
    urls: tuple[str, ...]
    username: str | None
    credential: str | None


@dataclass(frozen=True, slots=True)
class Token:
    """Lets one visitor in, once."""

    token: str
    conversation_id: str
    mode: Mode
    session_limit_seconds: int
    expires_in: int
    credits_used: int
    credits_remaining: int
    billing: Billing
    connect_url: str
    ice_servers: tuple[IceServer, ...]
    livekit_url: str | None = None
    """Where clients of LiveKit join with the token; None where LiveKit carries nothing."""

    def ticket(self) -> Ticket:
        """What `charafy.client.conversation` takes."""
        servers = [
            {name: value for name, value in asdict(server).items() if value is not None}
            for server in self.ice_servers
        ]
        return Ticket(self.token, self.connect_url, servers)


@dataclass(frozen=True, slots=True)
class Conversation:
    """`origin`: of the web page that embeds the character, where it began on one."""

    conversation_id: str
    character_id: str
    mode: Mode
    status: ConversationStatus
    created_at: datetime
    connected_at: datetime | None
    ended_at: datetime | None
    duration_s: float | None
    session_limit_seconds: int
    credits_used: int
    reason: EndReason | None
    visitor_name: str | None
    is_test: bool
    origin: str | None


@dataclass(frozen=True, slots=True)
class Turn:
    """`latency`: seconds by stage of the work on it."""

    role: Literal["user", "assistant"]
    text: str
    interrupted: bool
    started_s: float
    latency: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class ConversationDetail(Conversation):
    transcript: tuple[Turn, ...]


@dataclass(frozen=True, slots=True)
class DeletedConversation:
    conversation_id: str
    deleted: bool


class Conversations:
    def __init__(self, api: Transport) -> None:
        self._api = api

    def create_token(
        self,
        character_id: str,
        *,
        mode: Mode | None = None,
        session_limit_seconds: int | None = None,
        greeting: str | None = None,
        visitor_name: str | None = None,
        idempotency_key: str | None = None,
    ) -> Token:
        """`greeting`: what it says first; empty: it waits to be spoken to."""
        body = without_none(
            character_id=character_id,
            mode=mode,
            session_limit_seconds=session_limit_seconds,
            greeting=greeting,
            visitor_name=visitor_name,
        )
        return self._api.ask(Token, "POST", "/conversation/token", json=body, key=idempotency_key)

    def list(
        self,
        *,
        character_id: str | None = None,
        status: ConversationStatus | None = None,
        limit: int | None = None,
    ) -> Pages[Conversation]:
        """Newest first. `limit`: conversations per page."""
        query = {"character_id": character_id, "status": status, "limit": limit}
        return self._api.pages(Conversation, "/conversations", "conversations", query)

    def get(self, conversation_id: str) -> ConversationDetail:
        return self._api.ask(ConversationDetail, "GET", at("/conversations/{}", conversation_id))

    def delete(self, conversation_id: str) -> DeletedConversation:
        path = at("/conversations/{}", conversation_id)
        return self._api.ask(DeletedConversation, "DELETE", path)
