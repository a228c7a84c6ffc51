"""What a client offers for a peer connection, as the API passes it on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from charafy.kernel.errors import BadRequest

if TYPE_CHECKING:
    from charafy.talk.transport import Connection


class Offer(BaseModel):
    """A client's half of the negotiation."""

    model_config = ConfigDict(extra="ignore")

    token: str = Field(max_length=8192)
    sdp: str = Field(max_length=65_536)
    type: str = Field("offer", pattern="^offer$")
    render: str | None = None
    pc_id: str | None = Field(None, max_length=200)


class Candidate(BaseModel):
    candidate: str = Field(max_length=2048)
    sdp_mid: str | None = Field(None, max_length=64)
    sdp_mline_index: int | None = None


class Candidates(BaseModel):
    pc_id: str = Field(max_length=200)
    candidates: list[Candidate] = Field(max_length=64)


def require_audio(connection: Connection) -> None:
    """pipecat takes the first for the microphone; whatever nobody reads would fill the memory."""
    kinds = [transceiver.kind for transceiver in connection.pc.getTransceivers()]
    if kinds[:1] != ["audio"] or len(kinds) > 2 or "audio" in kinds[1:]:
        raise BadRequest(
            "`sdp` must offer audio first, and one video at most.", code="bad_sdp", param="sdp"
        )
