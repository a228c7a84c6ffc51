"""A data channel of somebody who begins messages and ends none: aiortc's own, without a network."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import count

import pytest
from aiortc import RTCCertificate, RTCDtlsTransport, RTCIceGatherer, RTCIceTransport
from aiortc.rtcsctptransport import DataChunk, RTCSctpTransport

from charafy.talk.bounds import MOST_FRAGMENTS, bound_fragments

FIRST, LAST = 2, 1


def chunks(step: int, flags: int, streams: int) -> Iterator[DataChunk]:
    """One byte each, in order or with a hole before every one, over so many streams."""
    for number in count():
        chunk = DataChunk(flags)
        chunk.tsn = number * step + step
        chunk.stream_id, chunk.stream_seq = number % streams, number // streams
        chunk.user_data = b"x"
        yield chunk


async def received(step: int, flags: int, streams: int, many: int) -> RTCSctpTransport:
    certificate = RTCCertificate.generateCertificate()
    dtls = RTCDtlsTransport(RTCIceTransport(RTCIceGatherer()), [certificate])
    sctp = RTCSctpTransport(dtls)
    sctp._last_received_tsn = 0
    sctp._remote_port = 5_000
    bound_fragments(sctp)
    for chunk, _ in zip(chunks(step, flags, streams), range(many), strict=False):
        await sctp._receive_data_chunk(chunk)
    return sctp


def kept(sctp: RTCSctpTransport) -> int:
    return sum(len(stream.reassembly) for stream in sctp._inbound_streams.values())


@pytest.mark.parametrize(
    ("step", "flags", "streams"),
    [(1, FIRST, 1), (2, FIRST, 1), (2, FIRST | LAST, 1), (1, 0, 1), (2, FIRST, 5_000)],
    ids=["no end", "holes and no end", "holes", "no beginning", "many streams"],
)
def test_few_pieces_are_kept_whatever_is_sent(step: int, flags: int, streams: int) -> None:
    sctp = asyncio.run(received(step, flags, streams, 3 * MOST_FRAGMENTS))
    assert kept(sctp) <= MOST_FRAGMENTS + 1
    assert len(sctp._inbound_streams) <= MOST_FRAGMENTS + 1
    assert len(sctp._sack_misordered) <= MOST_FRAGMENTS + 1
    assert (sctp._last_received_tsn or 0) <= MOST_FRAGMENTS + 1


def test_whole_messages_come_without_end() -> None:
    sctp = asyncio.run(received(1, FIRST | LAST, 1, 3 * MOST_FRAGMENTS))
    assert kept(sctp) == 0
    assert sctp._last_received_tsn == 3 * MOST_FRAGMENTS
