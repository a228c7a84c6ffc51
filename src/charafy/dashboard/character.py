"""The page of one character: seeing it alive, changing who it is and its face, letting it go."""

import json
from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Depends, File, Form, Path, Query, Request, UploadFile
from starlette.responses import JSONResponse, RedirectResponse, Response

from charafy.avatars.schemas import MakeAvatar, PictureProblem
from charafy.avatars.service import Avatar, PictureRefused
from charafy.characters.schemas import FoundAnchors, UpdateCharacter
from charafy.characters.service import Character
from charafy.dashboard.characters import placed
from charafy.dashboard.door import Door, Visitor
from charafy.dashboard.making import (
    FOR_SCRIPT,
    Makers,
    checked,
    gone_to,
    picture_of,
    refusal,
    voice_groups,
)
from charafy.dashboard.own_model import Filled, TypedModel, stored_model
from charafy.dashboard.trying import words_of_talking
from charafy.kernel.errors import CharafyError, InsufficientCredits, NotFound
from charafy.voices.service import VoiceInfo
from charafy.web.pages import Pages, language_of
from charafy.web.paths import local

PER_MINUTE: Final = 20
"""Faces made for one address."""

SAVED: Final = ("words", "face", "model", "no_model")
"""What the page can say was saved."""

Text = Annotated[str, Form(max_length=20_000)]
Picture = Annotated[UploadFile | None, File()]
Part = Annotated[str, Query(max_length=20)]
CharacterId = Annotated[str, Path(max_length=100)]


class OneCharacter:
    """The handlers of this page."""

    def __init__(self, door: Door, pages: Pages, makers: Makers, *, talk_rate: int) -> None:
        """`talk_rate`: credits for a minute of talking."""
        self._door = door
        self._pages = pages
        self._makers = makers
        self._talk_rate = talk_rate

    def add_to(self, api: APIRouter) -> None:
        self._add_show(api)
        self._add_save(api)
        self._add_face(api)
        self._add_model(api)
        self._add_delete(api)

    def _add_show(self, api: APIRouter) -> None:
        door = self._door

        @api.get("/dashboard/characters/{character_id}")
        def show(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.member)],
            character_id: CharacterId,
            made: Part = "",
            saved: Part = "",
        ) -> Response:
            person = self._person(visitor, character_id)
            done = "made" if made else saved if saved in SAVED else ""
            return self._page(request, visitor, person, done=done)

    def _add_save(self, api: APIRouter) -> None:
        door = self._door

        @api.post("/dashboard/characters/{character_id}")
        def save(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.member_sender)],
            character_id: CharacterId,
            *,
            part: Part = "",
            name: Text = "",
            language: Text = "",
            voice_id: Text = "",
            system_prompt: Text = "",
        ) -> Response:
            person = self._person(visitor, character_id)
            typed: dict[str, object] = {
                "name": name,
                "language": language,
                "voice_id": voice_id,
                "system_prompt": system_prompt or None,
            }
            try:
                changes = checked(UpdateCharacter, typed).changes()
                self._makers.characters.update(person.account_id, person.character_id, changes)
            except CharafyError as error:
                if part == FOR_SCRIPT:
                    return refusal(door, request, error)
                return self._page(request, visitor, person, error=error, typed=typed)
            return gone_to(f"{_address(person)}?saved=words", part)

    def _add_face(self, api: APIRouter) -> None:
        door = self._door

        @api.get("/dashboard/characters/{character_id}/face")
        def back(
            visitor: Annotated[Visitor, Depends(door.member)], character_id: CharacterId
        ) -> Response:
            return RedirectResponse(_address(self._person(visitor, character_id)), 303)

        @api.get("/dashboard/characters/{character_id}/rig")
        def rig(
            visitor: Annotated[Visitor, Depends(door.member)], character_id: CharacterId
        ) -> Response:
            """Where the face lies that a page's script may move; null when there is none."""
            avatar = self._makers.avatars.get(visitor.member.account_id, character_id)
            return JSONResponse({"rig": _rig(avatar) or None})

        @api.post("/dashboard/characters/{character_id}/face")
        def make_face(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.member_sender)],
            character_id: CharacterId,
            *,
            part: Part = "",
            image: Picture = None,
            avatar_type: Text = "motion",
            kind: Text = "auto",
            anchors: Text = "",
        ) -> Response:
            """Another picture, if one is sent, and the face made of it, unless it stays still."""
            person = self._person(visitor, character_id)
            try:
                door.limit(request, "faces", PER_MINUTE)
                wanted = None
                if avatar_type != "none":
                    sent = {"avatar_type": avatar_type, "kind": kind, "anchors": placed(anchors)}
                    wanted = checked(MakeAvatar, sent)
                self._make_face(visitor, person, image, wanted)
            except CharafyError as error:
                if part == FOR_SCRIPT:
                    return refusal(door, request, error)
                now = self._person(visitor, character_id)
                return self._page(request, visitor, now, error=error)
            return gone_to(f"{_address(person)}?saved=face", part)

    def _add_model(self, api: APIRouter) -> None:
        door, characters = self._door, self._makers.characters

        @api.get("/dashboard/characters/{character_id}/model")
        def back_from_model(
            visitor: Annotated[Visitor, Depends(door.member)], character_id: CharacterId
        ) -> Response:
            return RedirectResponse(_address(self._person(visitor, character_id)), 303)

        @api.post("/dashboard/characters/{character_id}/model")
        def save_model(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.member_sender)],
            character_id: CharacterId,
            filled: Filled,
            part: Part = "",
        ) -> Response:
            person = self._person(visitor, character_id)
            try:
                characters.update(person.account_id, person.character_id, filled.changes())
            except CharafyError as error:
                if part == FOR_SCRIPT:
                    return refusal(door, request, error)
                return self._page(request, visitor, person, error=error, model=filled)
            return gone_to(f"{_address(person)}?saved=model", part)

        @api.post("/dashboard/characters/{character_id}/model/remove")
        def remove_model(
            visitor: Annotated[Visitor, Depends(door.member_sender)], character_id: CharacterId
        ) -> Response:
            person = self._person(visitor, character_id)
            characters.update(person.account_id, person.character_id, {"llm_base_url": None})
            return RedirectResponse(f"{_address(person)}?saved=no_model", 303)

    def _add_delete(self, api: APIRouter) -> None:
        door = self._door

        @api.post("/dashboard/characters/{character_id}/delete")
        def delete(
            visitor: Annotated[Visitor, Depends(door.member_sender)], character_id: CharacterId
        ) -> Response:
            self._makers.characters.delete(visitor.member.account_id, character_id)
            return RedirectResponse("/dashboard/characters", 303)

    def _make_face(
        self,
        visitor: Visitor,
        person: Character,
        image: UploadFile | None,
        wanted: MakeAvatar | None,
    ) -> None:
        """Nothing changes when it can be known before that the face would not come to be."""
        makers = self._makers
        if image is not None and image.filename:
            picture = picture_of(image)
            if wanted is not None:
                examined = makers.avatars.preview(picture, wanted.placement())
                if not examined.usable:
                    raise PictureRefused(examined)
                if makers.credits_left(person.account_id) < makers.prices.avatar:
                    raise InsufficientCredits("You don't have enough credits for an avatar.")
            makers.characters.update(
                person.account_id, person.character_id, {"image": picture, "avatar_type": "none"}
            )
        if wanted is not None:
            makers.avatars.make(
                visitor.member.caller(),
                person.character_id,
                wanted.avatar_type,
                wanted.placement(),
            )

    def _page(
        self,
        request: Request,
        visitor: Visitor,
        person: Character,
        *,
        done: str = "",
        error: CharafyError | None = None,
        typed: Mapping[str, object] | None = None,
        model: TypedModel | None = None,
    ) -> Response:
        makers = self._makers
        now = {
            "name": person.name,
            "language": person.language,
            "voice_id": person.voice_id,
            "system_prompt": person.system_prompt,
        }
        response = self._door.page(
            request,
            visitor,
            "character",
            error.status if error else 200,
            said=self._door.words(request, error) if error else "",
            wrong=(error.param or "") if error else "",
            done=done,
            person=person,
            typed=typed or now,
            model=model.shown() if model else stored_model(person),
            portrait=local(person.photo_url),
            voice=self._voice(person),
            groups=voice_groups(makers.voices, person.account_id),
            price=makers.prices.avatar,
            spendable=makers.credits_left(person.account_id),
            rate=self._talk_rate,
            words=self._words(request),
            **_face(makers.avatars.get(person.account_id, person.character_id)),
        )
        response.headers.update(error.headers if error else {})
        return response

    def _words(self, request: Request) -> str:
        words = words_of_talking(self._pages.translate(language_of(request)))
        return json.dumps(words, ensure_ascii=False)

    def _person(self, visitor: Visitor, character_id: str) -> Character:
        return self._makers.characters.get(visitor.member.account_id, character_id)

    def _voice(self, person: Character) -> VoiceInfo | None:
        try:
            return self._makers.voices.get(person.account_id, person.voice_id)
        except NotFound:
            return None


def _address(person: Character) -> str:
    return f"/dashboard/characters/{person.character_id}"


def _rig(avatar: Avatar) -> str:
    """Path of what the player draws; empty for a still face."""
    shown = avatar.rig_url or avatar.sprite_url
    return local(shown) if shown else ""


def _face(avatar: Avatar) -> dict[str, object]:
    """What the page says of a face; `anchors` is JSON for its script."""
    found = avatar.examined
    placed_at = found.anchors if found else None
    return {
        "rig": _rig(avatar),
        "flags": avatar.flags,
        "problems": [PictureProblem.of(problem) for problem in found.problems] if found else [],
        "anchors": FoundAnchors.of(placed_at).model_dump_json() if placed_at else "",
        "kind": found.kind.value if found else "auto",
    }
