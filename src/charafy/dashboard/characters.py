"""The pages of one's characters: all of them, making a new one, and looking at a picture first."""

import hashlib
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, File, Form, Query, Request, UploadFile
from starlette.responses import Response

from charafy.avatars.schemas import PreviewAnswer, PreviewPhoto
from charafy.characters.schemas import CreateCharacter, CreatedCharacter
from charafy.dashboard.cast import introduce
from charafy.dashboard.door import Door, Visitor
from charafy.dashboard.making import (
    FOR_SCRIPT,
    Makers,
    checked,
    checked_number,
    gone_to,
    picture_of,
    refusal,
    voice_groups,
)
from charafy.kernel.errors import BadRequest, CharafyError
from charafy.kernel.ids import new_id
from charafy.web.pages import PAGE_LANGUAGES, language_of

CHECKS_PER_MINUTE: Final = 30
LEASE_S: Final = 180.0
"""Of a creation: waiting for a place and making the avatar take less."""

_BLANK: Final[Mapping[str, object]] = MappingProxyType(
    dict.fromkeys(("name", "language", "voice_id", "system_prompt", "avatar_type"))
)
"""The form as nobody has filled it in yet."""

Text = Annotated[str, Form(max_length=20_000)]
Picture = Annotated[UploadFile | None, File()]
Part = Annotated[str, Query(max_length=20)]


class OwnCharacters:
    """The handlers of these pages."""

    def __init__(self, door: Door, makers: Makers) -> None:
        self._door = door
        self._makers = makers

    def add_to(self, api: APIRouter) -> None:
        self._add_list(api)
        self._add_new(api)
        self._add_check(api)
        self._add_showing(api)

    def _add_list(self, api: APIRouter) -> None:
        door, makers = self._door, self._makers

        @api.get("/dashboard/characters")
        def show(request: Request, visitor: Annotated[Visitor, Depends(door.member)]) -> Response:
            account = visitor.member
            own = makers.characters.list(account.account_id)
            return door.page(
                request,
                visitor,
                "characters",
                people=introduce(own, makers.voices),
                limit=makers.plan_limit(account.plan),
            )

    def _add_new(self, api: APIRouter) -> None:
        door = self._door

        @api.get("/dashboard/characters/new")
        def new(request: Request, visitor: Annotated[Visitor, Depends(door.member)]) -> Response:
            return self._new_page(request, visitor)

        @api.post("/dashboard/characters/new")
        def create(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.member_sender)],
            *,
            part: Part = "",
            image: Picture = None,
            name: Text = "",
            language: Text = "",
            voice_id: Text = "",
            system_prompt: Text = "",
            avatar_type: Text = "motion",
            kind: Text = "auto",
            anchors: Text = "",
            form: Text = "",
        ) -> Response:
            fields: dict[str, object] = {
                "name": name,
                "language": language,
                "voice_id": voice_id,
                "system_prompt": system_prompt or None,
                "avatar_type": avatar_type,
                "kind": kind,
            }
            try:
                typed = {**fields, "image": picture_of(image), "anchors": placed(anchors)}
                body = checked(CreateCharacter, typed)
                made = self._create(visitor, request, body, checked_number(form))
            except CharafyError as error:
                if part == FOR_SCRIPT:
                    return refusal(door, request, error)
                return self._new_page(request, visitor, error=error, typed=fields)
            return gone_to(f"/dashboard/characters/{made}?made=1", part)

    def _add_check(self, api: APIRouter) -> None:
        door, makers = self._door, self._makers

        @api.post("/dashboard/characters/check")
        def check(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.member_sender)],
            *,
            part: Part = "",
            image: Picture = None,
            kind: Text = "auto",
            anchors: Text = "",
            name: Text = "",
            language: Text = "",
            voice_id: Text = "",
            system_prompt: Text = "",
        ) -> Response:
            """What a picture is good for: a part of the page for its script, else all of it."""
            error, report = None, None
            try:
                door.limit(request, "picture_checks", CHECKS_PER_MINUTE)
                sent = {"image": picture_of(image), "kind": kind, "anchors": placed(anchors)}
                body = checked(PreviewPhoto, sent)
                report = PreviewAnswer.of(makers.avatars.preview(body.image, body.placement()))
            except CharafyError as refused:
                error = refused
            if part:
                said = door.words(request, error) if error else ""
                return door.page(request, visitor, "picture_report", said=said, report=report)
            typed = {
                "name": name,
                "language": language,
                "voice_id": voice_id,
                "system_prompt": system_prompt,
            }
            return self._new_page(request, visitor, error=error, typed=typed, report=report)

    def _add_showing(self, api: APIRouter) -> None:
        door = self._door

        @api.post("/dashboard/characters/picture")
        def show_picture(
            request: Request,
            _visitor: Annotated[Visitor, Depends(door.member_sender)],
            image: Picture = None,
        ) -> Response:
            """A picture in a form that every browser shows: few know HEIC."""
            try:
                door.limit(request, "picture_checks", CHECKS_PER_MINUTE)
                photo = self._makers.avatars.kept(picture_of(image))
            except CharafyError as error:
                return refusal(door, request, error)
            return Response(photo.data, media_type=photo.content_type)

    def _create(
        self, visitor: Visitor, request: Request, body: CreateCharacter, number: str
    ) -> str:
        """The id of the character; sent again, the same form makes no other one."""
        makers, account = self._makers, visitor.member
        caller = account.caller()

        def create() -> CreatedCharacter:
            made = makers.avatars.create_character(
                caller,
                body.draft(),
                body.image,
                body.placement(),
                limit=makers.plan_limit(account.plan),
            )
            return CreatedCharacter.of(made, makers.credits_left(account.account_id))

        print_ = hashlib.sha256(body.model_dump_json().encode()).digest()
        answer = makers.idempotency.run(
            caller, request, print_, create, lease_s=LEASE_S, key=number
        )
        made: str = json.loads(bytes(answer.body))["character_id"]
        return made

    def _new_page(
        self,
        request: Request,
        visitor: Visitor,
        *,
        error: CharafyError | None = None,
        typed: Mapping[str, object] | None = None,
        report: PreviewAnswer | None = None,
    ) -> Response:
        makers, account_id = self._makers, visitor.member.account_id
        typed = {**_BLANK, **(typed or {})}
        groups = voice_groups(makers.voices, account_id)
        language = typed.get("language")
        chosen = language if language in PAGE_LANGUAGES else language_of(request)
        first = next((g.voices[0] for g in groups if g.language == chosen), None)
        response = self._door.page(
            request,
            visitor,
            "new_character",
            error.status if error else 200,
            said=self._door.words(request, error) if error else "",
            wrong=(error.param or "") if error else "",
            typed=typed,
            report=report,
            groups=groups,
            chosen=chosen,
            voice=typed.get("voice_id") or (first.voice_id if first else ""),
            price=makers.prices.avatar,
            spendable=makers.credits_left(account_id),
            form=new_id(),
        )
        response.headers.update(error.headers if error else {})
        return response


def placed(anchors: str) -> Any:
    """What the form says of eyes, mouth and chin, unchecked; None when it says nothing."""
    if not anchors:
        return None
    try:
        return json.loads(anchors)
    except (ValueError, RecursionError):
        raise BadRequest("anchors: must be JSON.", param="anchors") from None
