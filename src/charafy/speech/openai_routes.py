"""The speech half of OpenAI's API, so that its clients work with another base URL and key.

Errors keep the shape of this API: OpenAI's clients raise their usual exceptions, with our sentence
as the exception's `body`. `speed` is 0.5 to 2 here: beyond that a clear 400 instead of other audio
than was asked for.
"""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from charafy.kernel.errors import NotFound
from charafy.kernel.http.caller import Caller
from charafy.kernel.http.guard import Guard
from charafy.speech.answers import AUDIO, streamed
from charafy.speech.schemas import Model, Models, OpenAiSpeechBody
from charafy.speech.service import Speech

MODELS: Final = ("kokoro", "tts-1", "tts-1-hd", "gpt-4o-mini-tts")
"""Ours, and the names that OpenAI's clients have built in; all of them are the same model."""
_CREATED: Final = 1_767_225_600

ALIASES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "alloy": "af_alloy",
        "ash": "am_michael",
        "ballad": "bm_lewis",
        "cedar": "am_fenrir",
        "coral": "af_bella",
        "echo": "am_echo",
        "fable": "bm_fable",
        "marin": "af_heart",
        "nova": "af_nova",
        "onyx": "am_onyx",
        "sage": "af_sarah",
        "shimmer": "af_sky",
        "verse": "am_puck",
    }
)
"""OpenAI's voice names -> ours: the namesake where there is one, else a voice of that kind."""

_LISTED: Final[Mapping[int | str, dict[str, Any]]] = MappingProxyType(
    {
        401: {"description": "Missing or wrong API key."},
        403: {"description": "The key lacks the scope voices:read."},
        429: {"description": "Too many requests."},
    }
)


def router(guard: Guard, speech: Speech) -> APIRouter:
    api = APIRouter(tags=["OpenAI-compatible"])

    @api.post(
        "/audio/speech",
        summary="Generate speech (OpenAI)",
        response_class=Response,
        responses=dict(AUDIO),
    )
    async def create_speech(
        caller: Annotated[Caller, Depends(guard("speech:write"))],
        request: Request,
        body: OpenAiSpeechBody,
    ) -> Response:
        """What `client.audio.speech.create(...)` of OpenAI's clients calls; priced as /v1/tts."""
        _require_model(body.model)
        name = ALIASES.get(body.voice_name.lower(), body.voice_name)
        begin = partial(
            speech.begin,
            caller,
            request,
            body,
            partial(speech.by_name, caller, name),
            text=body.input,
            audio_format=body.response_format,
            speed=body.speed,
            text_param="input",
        )
        return await streamed(speech, begin)

    @api.get("/models", summary="List models (OpenAI)", responses=dict(_LISTED))
    def list_models(_: Annotated[Caller, Depends(guard("voices:read"))]) -> Models:
        """The models that /v1/audio/speech takes."""
        return Models(data=[_model(name) for name in MODELS])

    @api.get(
        "/models/{model}",
        summary="Get a model (OpenAI)",
        responses={**_LISTED, 404: {"description": "There is no such model."}},
    )
    def get_model(model: str, _: Annotated[Caller, Depends(guard("voices:read"))]) -> Model:
        """One model."""
        _require_model(model)
        return _model(model)

    return api


def _model(name: str) -> Model:
    return Model(id=name, created=_CREATED, owned_by="charafy")


def _require_model(name: str) -> None:
    if name not in MODELS:
        raise NotFound(
            "model: there is no such model; GET /v1/models lists them.",
            code="model_not_found",
            param="model",
        )
