"""Voices over HTTP, relative to /api/v1."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Request
from starlette.responses import Response

from charafy.kernel.errors import NotFound
from charafy.kernel.http.caller import Caller
from charafy.kernel.http.files import CACHE_S, file_response
from charafy.kernel.http.forms import multipart
from charafy.kernel.http.guard import Guard
from charafy.kernel.storage import Storage
from charafy.voices.catalogue import Voices
from charafy.voices.clones import Clones
from charafy.voices.models import VoiceInfo
from charafy.voices.samples import Samples
from charafy.voices.schemas import (
    ClonedVoice,
    CloneVoice,
    DeletedVoice,
    HearVoice,
    OneVoiceAnswer,
    QualityAnswer,
    UpdateVoice,
    VoiceAnswer,
    VoicesAnswer,
)

PREVIEWS_PER_MINUTE: Final = 20

_Responses = dict[int | str, dict[str, Any]]
_EVERY: Final[_Responses] = {
    401: {"description": "Missing or wrong API key."},
    403: {"description": "The key lacks the scope."},
    429: {"description": "Too many requests."},
}
_ONE: Final[_Responses] = {**_EVERY, 404: {"description": "No such voice, or not yours."}}
_OWN: Final[_Responses] = {
    **_ONE,
    403: {"description": "It is a preset voice, or the key lacks the scope."},
}
_BAD: Final[_Responses] = {400: {"description": "Bad input: the error names the field."}}
_HEARD: Final[_Responses] = {
    **_EVERY,
    400: {"description": "The file is no recording that can be read: `code` says why."},
    429: {"description": "Too many requests, or other recordings are being read."},
    502: {"description": "The models that judge recordings are missing."},
}
_CLONE: Final[_Responses] = {
    **_EVERY,
    400: {
        "description": "Bad input, or no voice can be cloned from the recording: `code` says why, "
        "and `quality` holds what was measured."
    },
    402: {"description": "Not enough credits; nothing was done."},
    403: {"description": "The plan's number of voices is reached, or the key lacks the scope."},
    409: {"description": "The Idempotency-Key is in use, or was used with other parameters."},
    429: {"description": "Too many requests, or other voices are being cloned; see Retry-After."},
    502: {"description": "The cloner could not work; nothing was charged."},
}
_SAMPLE: Final[_Responses] = {
    200: {"content": {"audio/mpeg": {}}, "description": "The sample."},
    404: {"description": "There is no such voice."},
    429: {"description": "Too many samples are being made at once."},
}


def router(
    guard: Guard, voices: Voices, clones: Clones, samples: Samples, storage: Storage
) -> APIRouter:
    api = APIRouter(tags=["Voices"])
    _add_listed(api, guard, voices, clones)
    _add_cloning(api, guard, clones)
    _add_sample(api, voices, samples, storage)
    return api


def _add_listed(api: APIRouter, guard: Guard, voices: Voices, clones: Clones) -> None:
    reader = Annotated[Caller, Depends(guard("voices:read"))]
    writer = Annotated[Caller, Depends(guard("voices:write"))]

    @api.get("/voices", summary="List voices", responses=_EVERY)
    def list_voices(caller: reader) -> VoicesAnswer:
        """All voices available to the account: presets, best first within each language, then
        the voices that it cloned, newest first.
        """
        available = voices.available(caller.account_id)
        return VoicesAnswer(voices=[VoiceAnswer.of(voice) for voice in available])

    @api.get("/voices/{voice_id}", summary="Get a voice", responses=_ONE)
    def get_voice(caller: reader, voice_id: str) -> OneVoiceAnswer:
        """One voice; of a clone also what was measured of its recording, and the consent."""
        return OneVoiceAnswer.whole(*clones.get(caller.account_id, voice_id))

    @api.patch("/voices/{voice_id}", summary="Change a voice", responses={**_OWN, **_BAD})
    def update_voice(caller: writer, voice_id: str, body: UpdateVoice) -> VoiceAnswer:
        """Change the name or the language of a voice of your own; what is not sent stays."""
        return VoiceAnswer.of(clones.update(caller.account_id, voice_id, body.changes()))

    @api.delete(
        "/voices/{voice_id}",
        summary="Delete a voice",
        responses={
            **_OWN,
            409: {"description": "Characters speak with it: `characters` says how many."},
        },
    )
    def delete_voice(caller: writer, voice_id: str) -> DeletedVoice:
        """Delete a voice of your own and everything made of its recording. There is no way back.

        Give the characters that speak with it another voice first. Nothing is refunded.
        """
        return DeletedVoice(voice_id=clones.delete(caller.account_id, voice_id))


def _add_cloning(api: APIRouter, guard: Guard, clones: Clones) -> None:
    writer = Annotated[Caller, Depends(guard("voices:write"))]
    # Behind the guard: who may not ask at all is told that, not how to.
    form = Annotated[None, Depends(multipart)]

    @api.post("/voice/clone", summary="Clone a voice", response_model=ClonedVoice, responses=_CLONE)
    def clone_voice(
        caller: writer,
        _form: form,
        request: Request,
        body: Annotated[CloneVoice, Form(media_type="multipart/form-data")],
    ) -> Response:
        """Clone a voice from a recording, for every character, speech and video of the account.

        Takes about ten seconds. The recording is judged before anything is charged; ask
        `POST /v1/voice/preview` first whether it will do, for nothing. Clone only voices of people
        who agree.
        """
        return clones.clone(caller, request, body.wanted())

    @api.post("/voice/preview", summary="Check a recording", responses=_HEARD)
    def preview_voice(
        caller: writer,
        _form: form,
        body: Annotated[HearVoice, Form(media_type="multipart/form-data")],
    ) -> QualityAnswer:
        """Tell whether a voice can be cloned from a recording, and what would make it better. Free.

        An unusable recording is an answer, not an error: only what is no recording at all is a
        400. Nothing is kept.
        """
        guard.limit_account(caller, "voice-previews", PREVIEWS_PER_MINUTE)
        return QualityAnswer.of(clones.preview(body.data()))


def _add_sample(api: APIRouter, voices: Voices, samples: Samples, storage: Storage) -> None:
    @api.get(
        "/voices/{voice_id}/sample.mp3",
        summary="Hear a voice",
        response_class=Response,
        responses=_SAMPLE,
    )
    def hear_voice(request: Request, voice_id: str) -> Response:
        """A few seconds of a voice. Needs no key; spoken on the first request."""
        voice = voices.audible(voice_id)
        key = samples.ready(voice)
        if voice.is_preset:
            return file_response(storage, key, request, cache_control=f"public, max-age={CACHE_S}")
        _require_still_there(voice, voices, storage, key)
        # It may sound better in a minute, and be gone in the next.
        return file_response(storage, key, request, cache_control="private, no-cache")


def _require_still_there(voice: VoiceInfo, voices: Voices, storage: Storage, key: str) -> None:
    """Leave nothing of a voice that was deleted while its sample was spoken."""
    try:
        voices.audible(voice.voice_id)
    except NotFound:
        storage.delete(key)
        raise
