"""Requests and answers about conversations, in the contract's order; what follows is ours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from pydantic import ConfigDict, Field

from charafy.conversations.models import (
    GREETING_CHARS,
    VISITOR_CHARS,
    Conversation,
    Mode,
    Reason,
    Role,
    State,
    TurnRecord,
)
from charafy.kernel.clock import iso
from charafy.kernel.http.schema import Answer, Body

MAX_SDP_CHARS: Final = 65_536
MAX_CANDIDATES: Final = 64

_EXAMPLE_ID = "0d6a2a35-4a4f-4a57-9d0e-0a5b0f1c7a11"
_EXAMPLE_CHARACTER = "5f0c1f0e-58a9-4f3e-9d0a-6c1f6d3f2a11"


class CreateToken(Body):
    model_config = ConfigDict(
        json_schema_extra={"example": {"character_id": _EXAMPLE_CHARACTER, "mode": "audio-only"}}
    )

    character_id: str = Field(
        max_length=100,
        description="UUID of the character to talk to.",
        examples=[_EXAMPLE_CHARACTER],
    )
    mode: Mode = Field(
        "video", description='Conversation mode. Default: "video". "audio-only" for voice only.'
    )
    session_limit_seconds: int | None = Field(
        None,
        ge=60,
        le=14_400,
        description="End it after this time already; default, and at most: what the server allows.",
        examples=[300],
    )
    greeting: str | None = Field(
        None,
        max_length=GREETING_CHARS,
        description="What the character says first; empty: it waits to be spoken to. "
        "Default: a greeting of its own.",
    )
    visitor_name: str | None = Field(
        None, max_length=VISITOR_CHARS, description="What the character calls the visitor."
    )


class IceServer(Answer):
    """As `RTCPeerConnection` takes it."""

    urls: list[str] = Field(examples=[["stun:stun.example.com:3478"]])
    username: str | None = None
    credential: str | None = None


class Billing(Answer):
    rate_credits_per_minute: int = Field(examples=[5])
    prepaid_credits: int = Field(examples=[50])
    note: str = Field(examples=["Unused credits are refunded when the session ends."])


class TokenAnswer(Answer):
    token: str = Field(
        description="Opens one conversation, once. Good for pages: it can do nothing else.",
        examples=["eyJ..."],
    )
    conversation_id: str = Field(examples=[_EXAMPLE_ID])
    mode: Mode = Field(examples=["audio-only"])
    session_limit_seconds: int = Field(
        description="How long it may last: with fewer credits, the whole minutes that they pay.",
        examples=[600],
    )
    expires_in: int = Field(description="Seconds within which to connect.", examples=[3600])
    credits_used: int = Field(description="Set aside: the most that it can cost.", examples=[50])
    credits_remaining: int = Field(examples=[950])
    billing: Billing
    connect_url: str = Field(description="Where to POST the WebRTC offer, with the token.")
    ice_servers: list[IceServer] = Field(
        description="For the `iceServers` of the RTCPeerConnection.", examples=[[]]
    )
    livekit_url: str | None = Field(
        None,
        description="Where a client of LiveKit joins with the token, on servers whose media "
        "LiveKit carries; null elsewhere.",
    )


class Offer(Body):
    """A client's half of the negotiation; no API key, the token is enough."""

    sdp: str = Field(max_length=MAX_SDP_CHARS, description="Of the RTCPeerConnection's offer.")
    type: Literal["offer"] = Field("offer", description="As the RTCPeerConnection names it.")
    token: str | None = Field(
        None, max_length=4_096, description="Or send it as `Authorization: Bearer`."
    )
    render: Literal["client", "server"] | None = Field(
        None,
        description='Who draws the face: "client" gets the times of mouth shapes, "server" sends a '
        "video track. By default the server, to who offers to receive video. `bot-ready` says who "
        "does: a busy server leaves it to the client.",
    )
    pc_id: str | None = Field(
        None,
        max_length=100,
        description="Of the answer before: take up this live conversation over a new connection.",
    )


class OfferAnswer(Answer):
    sdp: str
    type: Literal["answer"] = "answer"
    pc_id: str = Field(description="Names the connection.")
    conversation_id: str = Field(examples=[_EXAMPLE_ID])
    ice_servers: list[IceServer] = Field(examples=[[]])


class Candidate(Body):
    candidate: str = Field(max_length=2_048)
    sdp_mid: str | None = Field(None, max_length=64)
    sdp_mline_index: int | None = Field(None, ge=0, le=1_000)


class Candidates(Body):
    """What a client found out about its addresses after its offer."""

    pc_id: str = Field(min_length=1, max_length=100, description="Of the answer to the offer.")
    candidates: list[Candidate] = Field(
        max_length=MAX_CANDIDATES, description="As `icecandidate` events bring them."
    )


class CandidatesAnswer(Answer):
    ok: bool = True


class ConversationAnswer(Answer):
    conversation_id: str = Field(examples=[_EXAMPLE_ID])
    character_id: str = Field(examples=[_EXAMPLE_CHARACTER])
    mode: Mode
    status: State = Field(
        description='"minted": its token was not used yet; "live"; "ended".', examples=["ended"]
    )
    created_at: str = Field(examples=["2026-01-01T00:00:00Z"])
    connected_at: str | None = Field(examples=["2026-01-01T00:00:05Z"])
    ended_at: str | None = Field(examples=["2026-01-01T00:02:05Z"])
    duration_s: float | None = Field(
        description="From connected to ended; null before.", examples=[120.0]
    )
    session_limit_seconds: int = Field(examples=[600])
    credits_used: int = Field(
        description="What it cost; until it ended: what is set aside.", examples=[10]
    )
    reason: Reason | None = Field(
        description="Why it ended: hang_up, limit, idle, disconnected, failed, node_lost, credits, "
        "deleted or never_connected; null before.",
        examples=["hang_up"],
    )
    visitor_name: str | None
    is_test: bool
    origin: str | None = Field(
        description="Origin of the web page that embeds the character, where the conversation "
        "began on one that is known; null for those begun with an API key.",
        examples=["https://www.example.com"],
    )

    @classmethod
    def of(cls, conversation: Conversation) -> ConversationAnswer:
        return cls(
            conversation_id=conversation.conversation_id,
            character_id=conversation.character_id,
            mode=conversation.mode,
            status=conversation.state,
            created_at=iso(conversation.created_at),
            connected_at=conversation.connected_at and iso(conversation.connected_at),
            ended_at=conversation.ended_at and iso(conversation.ended_at),
            duration_s=conversation.seconds if conversation.ended_at else None,
            session_limit_seconds=conversation.limit_s,
            credits_used=conversation.charged if conversation.ended_at else conversation.held,
            reason=conversation.reason,
            visitor_name=conversation.visitor,
            is_test=conversation.is_test,
            origin=conversation.origin,
        )


class TurnAnswer(Answer):
    role: Role = Field(description='"user" is the visitor, "assistant" the character.')
    text: str = Field(description="Of the character: what was heard of it.")
    interrupted: bool = Field(description="Whether the other one cut it short.")
    started_s: float = Field(description="From the beginning of the conversation.", examples=[1.5])
    latency: dict[str, float] = Field(
        description="Of an answer: seconds from the end of what was said to each stage, as "
        "thought (its first words), spoken (their sound) and audible (sent).",
        examples=[{"thought": 0.61, "spoken": 0.82, "audible": 0.93}],
    )

    @classmethod
    def of(cls, turn: TurnRecord) -> TurnAnswer:
        return cls(
            role=turn.role,
            text=turn.text,
            interrupted=turn.interrupted,
            started_s=round(turn.started_s, 3),
            latency={stage: round(seconds, 3) for stage, seconds in turn.latency.items()},
        )


class ConversationDetail(ConversationAnswer):
    transcript: list[TurnAnswer] = Field(description="What was said so far, in order.")

    @classmethod
    def with_turns(
        cls, conversation: Conversation, turns: Sequence[TurnRecord]
    ) -> ConversationDetail:
        answer = ConversationAnswer.of(conversation)
        return cls(**answer.model_dump(), transcript=[TurnAnswer.of(turn) for turn in turns])


class ConversationsAnswer(Answer):
    conversations: list[ConversationAnswer]
    next_cursor: str | None = Field(
        None, description="Send it as `cursor` for the next page; null at the end."
    )


class DeletedConversation(Answer):
    conversation_id: str = Field(examples=[_EXAMPLE_ID])
    deleted: bool = True
