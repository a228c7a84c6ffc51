"""What the pages have in common on which things are made: what they stand on, and their forms."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from fastapi import Request, UploadFile
from pydantic import BaseModel, ValidationError
from starlette.responses import JSONResponse, RedirectResponse, Response

from charafy.avatars.service import Avatars
from charafy.characters.service import Characters
from charafy.dashboard.door import Door
from charafy.kernel.errors import BadRequest, CharafyError, Forbidden
from charafy.kernel.http.errors import sentence
from charafy.kernel.http.idempotency import Idempotency
from charafy.kernel.ids import is_id
from charafy.kernel.media.images import MAX_IMAGE_BYTES
from charafy.kernel.media.recordings import MAX_RECORDING_BYTES
from charafy.kernel.settings import Prices
from charafy.speech.service import Speech
from charafy.videos.service import Videos
from charafy.voices.service import VoiceInfo, Voices
from charafy.web.pages import PAGE_LANGUAGES, PageLanguage

FOR_SCRIPT: Final = "answer"
"""The `part` that a script asks for: JSON with where to go, or what was wrong."""

AnyBody = TypeVar("AnyBody", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Makers:
    """The services with which characters, speech and videos are made."""

    characters: Characters
    avatars: Avatars
    voices: Voices
    speech: Speech
    videos: Videos
    idempotency: Idempotency
    prices: Prices
    plan_limit: Callable[[str], int]
    """Name of a plan -> how many characters it allows."""
    credits_left: Callable[[str], int]
    """Account id -> credits that it can spend."""


@dataclass(frozen=True, slots=True)
class VoiceGroup:
    """Voices that stand together where one is chosen."""

    language: PageLanguage
    own: bool
    voices: tuple[VoiceInfo, ...]


def voice_groups(voices: Voices, account_id: str) -> list[VoiceGroup]:
    """All that the account may use, its own first; no group is empty."""
    available = voices.available(account_id)
    groups = (
        VoiceGroup(
            language,
            own,
            tuple(v for v in available if v.language == language and (v.clone is not None) == own),
        )
        for own in (True, False)
        for language in PAGE_LANGUAGES
    )
    return [group for group in groups if group.voices]


def checked(model: type[AnyBody], fields: Mapping[str, object]) -> AnyBody:
    """The API's own rules for a form. Raises `BadRequest` about the field that is wrong."""
    try:
        return model.model_validate(dict(fields))
    except ValidationError as error:
        message, param = sentence(error.errors()[0])
        raise BadRequest(message, param=param and param.split(".")[0]) from None


def checked_number(form: str) -> str:
    """The number that makes a form sent twice one deed. Raises `Forbidden`."""
    if not is_id(form):
        raise Forbidden("This form is out of date: load the page again.", code="form_expired")
    return form


def factor(speed: str) -> float:
    """How fast to speak, unchecked. Raises `BadRequest` for what is no number."""
    try:
        return float(speed)
    except ValueError:
        raise BadRequest("speed: must be a number.", param="speed") from None


def picture_of(image: UploadFile | None) -> str:
    """The file that was chosen, as the API takes it. Raises `BadRequest` when there is none."""
    # Enough of it to see that it is too large.
    data = image.file.read(MAX_IMAGE_BYTES + 1) if image else b""
    if not data:
        raise BadRequest("image: choose a picture.", code="image_missing", param="image")
    return f"data:image/upload;base64,{base64.b64encode(data).decode()}"


def recording_of(audio: UploadFile | None) -> str:
    """The same of a recording."""
    data = audio.file.read(MAX_RECORDING_BYTES + 1) if audio else b""
    if not data:
        raise BadRequest("audio: choose a recording.", code="audio_missing", param="audio")
    return f"data:audio/upload;base64,{base64.b64encode(data).decode()}"


def gone_to(path: str, part: str) -> Response:
    """Done: to a page where it is seen."""
    return JSONResponse({"location": path}) if part == FOR_SCRIPT else RedirectResponse(path, 303)


def refusal(door: Door, request: Request, error: CharafyError) -> Response:
    """What went wrong, for a page's script."""
    said = {"error": door.words(request, error), "code": error.code, "param": error.param}
    return JSONResponse(said, error.status, error.headers)
