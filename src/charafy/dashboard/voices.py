"""The page of voices: cloning one from a recording, hearing them, and letting one's own go."""

import json
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, File, Form, Query, Request, UploadFile
from pydantic import ValidationError
from starlette.responses import RedirectResponse, Response

from charafy.dashboard.door import Door, Visitor
from charafy.dashboard.making import checked_number
from charafy.kernel.errors import BadRequest, CharafyError, Conflict
from charafy.kernel.http.errors import sentence
from charafy.kernel.ids import new_id
from charafy.kernel.media.recordings import MAX_RECORDING_BYTES
from charafy.voices.schemas import QualityAnswer, UpdateVoice
from charafy.voices.service import Clones, RecordingRefused, VoiceInfo, Voices, Wanted
from charafy.web.pages import PAGE_LANGUAGES, Pages, language_of

CHECKS_PER_MINUTE = 20

Text = Annotated[str, Form(max_length=1000)]
Recording = Annotated[UploadFile | None, File()]
CreditsLeft = Callable[[str], int]
"""Account id -> credits that it can spend."""


class OwnVoices:
    """The handlers of this page."""

    def __init__(
        self,
        door: Door,
        pages: Pages,
        *,
        voices: Voices,
        clones: Clones,
        price: int,
        credits_left: CreditsLeft,
    ) -> None:
        """`price`: credits for a clone."""
        self._door = door
        self._pages = pages
        self._voices = voices
        self._clones = clones
        self._price = price
        self._credits_left = credits_left

    def add_to(self, api: APIRouter) -> None:
        self._add_list(api)
        self._add_cloning(api)

    def _add_list(self, api: APIRouter) -> None:
        door, clones = self._door, self._clones

        @api.get("/dashboard/voices")
        def show(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.member)],
            made: Annotated[str, Query(max_length=36)] = "",
            in_use: Annotated[str, Query(max_length=36)] = "",
            part: Annotated[str, Query(max_length=20)] = "",
        ) -> Response:
            if part:  # for the script, which looks how refinements are going
                own = self._own(visitor.member.account_id)
                return door.page(request, visitor, "own_voices", own=own)
            error = _in_use() if in_use else None
            return self._page(request, visitor, made=made, error=error)

        @api.post("/dashboard/voices/{voice_id}/delete")
        def delete(
            voice_id: str, visitor: Annotated[Visitor, Depends(door.member_sender)]
        ) -> Response:
            try:
                clones.delete(visitor.member.account_id, voice_id)
            except CharafyError as error:
                if error.code != "voice_in_use":
                    raise
                # Shown at an address that can be loaded again.
                return RedirectResponse(f"/dashboard/voices?in_use={voice_id[:36]}", 303)
            return RedirectResponse("/dashboard/voices", 303)

    def _add_cloning(self, api: APIRouter) -> None:
        door = self._door

        @api.post("/dashboard/voices/check")
        def check(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.member_sender)],
            *,
            part: Annotated[str, Query(max_length=20)] = "",
            audio: Recording = None,
            name: Text = "",
            language: Text = "",
        ) -> Response:
            """What the recording is good for: a part of the page for its script, else all of it."""
            error, report = None, None
            try:
                door.limit(request, "recording_checks", CHECKS_PER_MINUTE)
                report = QualityAnswer.of(self._clones.preview(_data(audio)))
            except CharafyError as refused:
                error = refused
            if part:
                said = door.words(request, error) if error else ""
                return door.page(request, visitor, "recording", said=said, report=report)
            return self._page(
                request, visitor, error=error, report=report, name=name, language=language
            )

        @api.post("/dashboard/voices")
        def clone(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.member_sender)],
            *,
            audio: Recording = None,
            name: Text = "",
            language: Text = "",
            consent: Text = "",
            form: Text = "",
        ) -> Response:
            try:
                wanted = self._wanted(request, audio, name, language, consent)
                # The form's own number makes a double click one voice.
                answer = self._clones.clone(
                    visitor.member.caller(), request, wanted, key=checked_number(form)
                )
            except RecordingRefused as error:
                report = QualityAnswer.of(error.quality)
                return self._page(
                    request, visitor, error=error, report=report, name=name, language=language
                )
            except CharafyError as error:
                return self._page(request, visitor, error=error, name=name, language=language)
            made = json.loads(bytes(answer.body))["voice_id"]
            return RedirectResponse(f"/dashboard/voices?made={made}", 303)

    def _wanted(
        self, request: Request, audio: UploadFile | None, name: str, language: str, consent: str
    ) -> Wanted:
        """Raises `BadRequest` about the field that is wrong."""
        try:
            checked = UpdateVoice(name=name, language=language)  # type: ignore[arg-type]
        except ValidationError as error:
            message, param = sentence(error.errors()[0])
            raise BadRequest(message, param=param) from None
        if consent != "yes":
            raise BadRequest(
                "consent: nobody's voice is cloned without it.",
                code="consent_required",
                param="consent",
            )
        # What stood beside the box that was ticked.
        statement = self._pages.translate(language_of(request))("dash_clone_statement")
        return Wanted(_data(audio), checked.name, checked.language, statement)

    def _page(
        self,
        request: Request,
        visitor: Visitor,
        *,
        made: str = "",
        error: CharafyError | None = None,
        report: QualityAnswer | None = None,
        name: str = "",
        language: str = "",
    ) -> Response:
        account_id = visitor.member.account_id
        own = self._own(account_id)
        just_made = next((voice for voice in own if voice.voice_id == made.lower()), None)
        if just_made and just_made.clone:
            report = QualityAnswer.model_validate(just_made.clone.quality)
        chosen = language if language in PAGE_LANGUAGES else language_of(request)
        response = self._door.page(
            request,
            visitor,
            "voices",
            error.status if error else 200,
            own=own,
            presets=self._presets(account_id, request),
            made=just_made,
            said=self._door.words(request, error) if error else "",
            wrong=(error.param or "") if error else "",
            report=report,
            name=name,
            chosen=chosen,
            price=self._price,
            left=self._credits_left(account_id),
            form=new_id(),
        )
        response.headers.update(error.headers if error else {})
        return response

    def _own(self, account_id: str) -> list[VoiceInfo]:
        return [voice for voice in self._voices.available(account_id) if voice.clone]

    def _presets(self, account_id: str, request: Request) -> list[tuple[str, list[VoiceInfo]]]:
        """By language, the reader's first."""
        voices = [voice for voice in self._voices.available(account_id) if voice.is_preset]
        order = sorted(PAGE_LANGUAGES, key=lambda language: language != language_of(request))
        return [(language, [v for v in voices if v.language == language]) for language in order]


def _data(audio: UploadFile | None) -> bytes:
    """The file, or enough of it to see that it is too large."""
    data = audio.file.read(MAX_RECORDING_BYTES + 1) if audio else b""
    if not data:
        raise BadRequest(
            "audio: choose a recording, or make one.", code="audio_missing", param="audio"
        )
    return data


def _in_use() -> Conflict:
    return Conflict("Somebody speaks with it.", code="voice_in_use", param="voice_id")
