"""What speech routes have in common: begin the job off the event loop, answer it, or replay it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from starlette.responses import Response
from starlette.types import Receive

from charafy.engines.voice.ipa import sounds
from charafy.engines.voice.visemes import visemes
from charafy.speech.delivery import Delivery, attend, collect, settle
from charafy.speech.schemas import MouthShape, Timed, TimestampsAnswer
from charafy.speech.service import Job, Recording, Replay, Speech

Begin = Callable[[], Job | Replay]

_CLIENT_LEFT = 499
"""Nobody reads it; it is what the log shows."""

ERRORS: Final[Mapping[int | str, dict[str, Any]]] = MappingProxyType(
    {
        400: {"description": "Bad input, an unknown voice, or nothing to say in the text."},
        401: {"description": "Missing or wrong API key."},
        402: {"description": "Not enough credits; nothing was synthesised."},
        403: {"description": "The key lacks the scope speech:write."},
        404: {"description": "No such character, or not yours."},
        409: {"description": "The Idempotency-Key is in use, or was used with other parameters."},
        429: {"description": "Too many requests, or all voices are busy; see Retry-After."},
        502: {"description": "The voice engine failed; nothing was charged."},
    }
)
AUDIO: Final[Mapping[int | str, dict[str, Any]]] = MappingProxyType(
    {
        200: {
            "description": "The audio, streamed while it is synthesised.",
            "content": {
                kind: {"schema": {"type": "string", "format": "binary"}}
                for kind in (
                    *("audio/mpeg", "audio/wav", "audio/flac", "audio/ogg", "audio/aac"),
                    "audio/pcm",
                )
            },
            "headers": {
                "X-Credits-Used": {
                    "description": "Credits charged for this request.",
                    "schema": {"type": "integer"},
                },
                "X-Credits-Remaining": {
                    "description": "Credits left to spend.",
                    "schema": {"type": "integer"},
                },
                "X-Character-Count": {
                    "description": "Characters of the text, which the price counts.",
                    "schema": {"type": "integer"},
                },
            },
        },
        **ERRORS,
    }
)


async def streamed(speech: Speech, begin: Begin) -> Response:
    """The audio while it is made."""
    job = await asyncio.to_thread(begin)
    if isinstance(job, Replay):
        return await _again(speech, job)
    return Delivery(job, speech.metrics)


async def timestamped(speech: Speech, receive: Receive, begin: Begin) -> Response:
    """The whole audio with its timeline, as JSON."""
    job = await asyncio.to_thread(begin)
    if isinstance(job, Replay):
        return await _again(speech, job)
    try:
        recording = await attend(receive, collect(job), to_the_end=job.is_kept)
        if recording is None:
            return Response(status_code=_CLIENT_LEFT)
        headers = job.headers | {"content-type": "application/json", "cache-control": "no-store"}
        content = await asyncio.to_thread(_finish, job, recording, headers)
        return Response(content, headers=headers)
    finally:
        await settle(job.fail)  # does nothing once it was completed


def _finish(job: Job, recording: Recording, headers: Mapping[str, str]) -> bytes:
    content = _timeline(job, recording).model_dump_json().encode()
    job.complete(recording.audio_s, content, "json", headers)
    return content


def _timeline(job: Job, recording: Recording) -> TimestampsAnswer:
    words = [mark for mark in recording.marks if mark.kind == "word"]
    return TimestampsAnswer(
        audio=base64.b64encode(recording.data).decode(),
        format=job.order.audio_format,
        duration_s=round(recording.audio_s, 4),
        words=list(map(Timed.of, words)),
        phonemes=list(map(Timed.of, sounds(recording.marks))),
        visemes=list(map(MouthShape.of, visemes(recording.marks, recording.audio_s))),
        credits_used=job.held.amount,
        credits_remaining=job.held.remaining,
    )


async def _again(speech: Speech, replay: Replay) -> Response:
    return replay.response(await asyncio.to_thread(partial(speech.replayed, replay)))
