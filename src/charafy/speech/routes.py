"""Text-to-speech over HTTP, relative to /api/v1.

These endpoints are coroutines, unlike most here: they mostly wait for pieces of audio, and a
thread for each would run out. What computes or touches the database still runs in threads.
"""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from charafy.kernel.http.caller import Caller
from charafy.kernel.http.guard import Guard
from charafy.speech.answers import AUDIO, ERRORS, Begin, streamed, timestamped
from charafy.speech.schemas import SpeechBody, TimestampsAnswer
from charafy.speech.service import Speech


def router(guard: Guard, speech: Speech) -> APIRouter:
    api = APIRouter(tags=["Text-to-Speech"])
    speaker = Annotated[Caller, Depends(guard("speech:write"))]

    def beginning(caller: Caller, request: Request, body: SpeechBody) -> Begin:
        find_speaker = partial(
            speech.character,
            caller,
            body.character_id,
            voice_id=body.voice_id,
            language=body.language,
        )
        return partial(
            speech.begin,
            caller,
            request,
            body,
            find_speaker,
            text=body.text,
            audio_format=body.format,
            speed=body.speed,
        )

    @api.post("/tts", summary="Generate speech", response_class=Response, responses=dict(AUDIO))
    async def generate_speech(caller: speaker, request: Request, body: SpeechBody) -> Response:
        """Speech in a character's voice, as `audio/mpeg` unless another format is asked for.

        The audio streams while it is synthesised. 1 credit per started 100 characters.
        """
        return await streamed(speech, beginning(caller, request, body))

    @api.post(
        "/tts/timestamps",
        summary="Generate speech with timestamps",
        response_model=TimestampsAnswer,
        responses=dict(ERRORS),
    )
    async def generate_speech_with_timestamps(
        caller: speaker, request: Request, body: SpeechBody
    ) -> Response:
        """The audio with the times of its words, phonemes and mouth shapes, in one JSON answer.

        Times are exact: they come from the voice itself, in seconds of the decoded audio.
        """
        return await timestamped(speech, request.receive, beginning(caller, request, body))

    return api
