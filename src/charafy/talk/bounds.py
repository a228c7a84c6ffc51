"""What a client that means harm may make us keep of its messages, where aiortc knows no bound."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import structlog

if TYPE_CHECKING:
    from aiortc.rtcsctptransport import DataChunk, RTCSctpTransport

log = structlog.get_logger("charafy.talk")

MOST_FRAGMENTS: Final = 1024
"""Of messages that are not whole yet, or that overtook others. Who keeps to the megabyte that
aiortc says it has room for has no more of them under way, and a message to us takes one or two."""


def bound_fragments(sctp: RTCSctpTransport) -> None:
    """Keep no more than `MOST_FRAGMENTS`: who sends more loses the channel, so the conversation.

    aiortc keeps all, and looks through all of them at each that comes.
    """
    receive = sctp._receive_data_chunk

    async def ignored(chunk: DataChunk) -> None:
        """Nothing more is kept."""

    async def bounded(chunk: DataChunk) -> None:
        streams, ahead = sctp._inbound_streams, sctp._sack_misordered
        pieces = sum(len(stream.reassembly) for stream in streams.values())
        if max(pieces, len(streams), len(ahead)) > MOST_FRAGMENTS:
            log.warning("too_many_fragments")
            sctp._receive_data_chunk = ignored  # type: ignore[method-assign]
            await sctp._abort()
        else:
            await receive(chunk)

    sctp._receive_data_chunk = bounded  # type: ignore[method-assign]
