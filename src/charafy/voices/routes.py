"""Voices over HTTP, relative to /api/v1."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from charafy.kernel.http.caller import Caller
from charafy.kernel.http.files import CACHE_S, file_response
from charafy.kernel.http.guard import Guard
from charafy.kernel.storage import Storage
from charafy.voices.samples import Samples
from charafy.voices.schemas import VoiceAnswer, VoicesAnswer
from charafy.voices.service import Voices

_LISTED: Final[dict[int | str, dict[str, Any]]] = {
    401: {"description": "Missing or wrong API key."},
    403: {"description": "The key lacks the scope voices:read."},
    429: {"description": "Too many requests."},
}
_SAMPLE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"audio/mpeg": {}}, "description": "The sample."},
    404: {"description": "There is no such voice."},
    429: {"description": "Too many samples are being made at once."},
}


def router(guard: Guard, voices: Voices, samples: Samples, storage: Storage) -> APIRouter:
    api = APIRouter(tags=["Voices"])

    @api.get("/voices", summary="List voices", responses=_LISTED)
    def list_voices(caller: Annotated[Caller, Depends(guard("voices:read"))]) -> VoicesAnswer:
        """All voices available to the account, best first within each language."""
        available = voices.available(caller.account_id)
        return VoicesAnswer(voices=[VoiceAnswer.of(voice) for voice in available])

    @api.get(
        "/voices/{voice_id}/sample.mp3",
        summary="Hear a voice",
        response_class=Response,
        responses=_SAMPLE,
    )
    def hear_voice(request: Request, voice_id: str) -> Response:
        """A few seconds of a preset voice. Needs no key; spoken on the first request."""
        key = samples.ready(voices.preset(voice_id))
        return file_response(storage, key, request, cache_control=f"public, max-age={CACHE_S}")

    return api
