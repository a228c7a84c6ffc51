"""`/try/{character}`: talking to one's own character, in the browser."""

import json
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Path, Request
from starlette.responses import JSONResponse, Response

from charafy.avatars.service import Avatars
from charafy.characters.service import Character, Characters
from charafy.conversations.schemas import CreateToken
from charafy.conversations.service import Conversations
from charafy.dashboard.door import Door, Visitor
from charafy.kernel.db import Database
from charafy.kernel.errors import CharafyError
from charafy.kernel.settings import Settings
from charafy.web.pages import Pages, Translate, language_of
from charafy.web.paths import local
from charafy.web.talking import ENDS, STATES, TROUBLES

PER_MINUTE: Final = 20
"""Tokens for one address."""

_ENDS: Final = (*ENDS, "credits")
_TROUBLES: Final = (*TROUBLES, "other")
_CONTROLS: Final = ("mute", "unmute", "hold", "held", "you", "answered", "round_trip", "seconds")
_STAGES: Final = ("recognised", "committed", "thought", "spoken")

CharacterId = Annotated[str, Path(max_length=100)]


class Trying:
    """The handlers of this page."""

    def __init__(
        self,
        door: Door,
        pages: Pages,
        settings: Settings,
        *,
        db: Database,
        characters: Characters,
        avatars: Avatars,
        conversations: Conversations,
    ) -> None:
        self._door = door
        self._pages = pages
        self._settings = settings
        self._db = db
        self._characters = characters
        self._avatars = avatars
        self._conversations = conversations

    def add_to(self, api: APIRouter) -> None:
        door = self._door

        @api.get("/try/{character_id}")
        def show(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.member)],
            character_id: CharacterId,
        ) -> Response:
            person = self._characters.get(visitor.member.account_id, character_id)
            return door.page(
                request,
                visitor,
                "try",
                person=person,
                portrait=local(person.photo_url),
                rig=self._rig(person),
                rate=self._settings.prices.conversation_audio_per_minute,
                minutes=self._settings.conversation_limit_s // 60,
                words=self._words(request),
            )

        @api.post("/try/{character_id}/token")
        def token(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.member_sender)],
            character_id: CharacterId,
            visitor_name: Annotated[str, Form(max_length=100)] = "",
        ) -> Response:
            door.limit(request, "try", PER_MINUTE)
            try:
                return JSONResponse(self._ticket(visitor, character_id, visitor_name))
            except CharafyError as error:  # for the page's script, not a page of its own
                said = {"error": door.words(request, error), "code": error.code}
                return JSONResponse(said, error.status, error.headers)

    def _ticket(self, visitor: Visitor, character_id: str, name: str) -> dict[str, Any]:
        # The face is drawn by the browser, so the server only speaks: that is the cheaper mode.
        body = CreateToken(
            character_id=character_id, mode="audio-only", visitor_name=name.strip() or None
        )
        self._conversations.require_media()
        with self._db.write() as tx:
            answer = self._conversations.mint(tx, visitor.member.caller(), body, origin=None)
        return {
            "token": answer.token,
            # A path: the page may have been opened by another of this server's names.
            "connectUrl": local(answer.connect_url),
            "livekitUrl": answer.livekit_url,
            "iceServers": [server.model_dump(exclude_none=True) for server in answer.ice_servers],
        }

    def _words(self, request: Request) -> str:
        words = words_of_talking(self._pages.translate(language_of(request)))
        return json.dumps(words, ensure_ascii=False)

    def _rig(self, person: Character) -> str | None:
        """Path of what the player draws; None for a character whose face doesn't move."""
        avatar = self._avatars.get(person.account_id, person.character_id)
        return local(avatar.rig_url) if avatar.rig_url else None


def words_of_talking(translate: Translate) -> dict[str, str]:
    """What a script says while somebody talks, in the reader's language."""
    names = (
        *(f"state_{state}" for state in STATES),
        *(f"end_{reason}" for reason in _ENDS),
        *(f"trouble_{code}" for code in _TROUBLES),
        *(f"stage_{stage}" for stage in _STAGES),
        *_CONTROLS,
    )
    return {name: translate(f"try_{name}") for name in names}
