"""`/embed/{character}`: the page that other people's pages put in a frame, and what it asks for."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from charafy.characters.service import Character
from charafy.embed import frames
from charafy.embed.room import EmbedRoom
from charafy.embed.schemas import LeaveVisit, OpenVisit, PageToken, PageTokenAnswer, VisitAnswer
from charafy.embed.tokens import RENEWABLE
from charafy.embed.visits import Shown
from charafy.kernel.errors import NotFound
from charafy.kernel.http.files import file_response
from charafy.kernel.http.limits import Limiter, address_of
from charafy.kernel.settings import Settings
from charafy.kernel.storage import Storage
from charafy.web.pages import Pages, language_of
from charafy.web.paths import local
from charafy.web.talking import ENDS, STATES, TROUBLES

SESSIONS_PER_MINUTE: Final = 10
"""Of one visitor with one character."""
RENEWALS_PER_MINUTE: Final = 30
_PORTRAIT_CACHE: Final = "public, max-age=3600"

_TROUBLES: Final = (
    *TROUBLES,
    "embed_full",
    "embed_limit_reached",
    "embed_several",
    "embed_unavailable",
    "embed_not_available",
    "not_found",
    "origin_not_allowed",
    "rate_limited",
    "other",
)
_CONTROLS: Final = ("mute", "unmute", "hold", "held", "you", "again", "face")

CharacterId = Annotated[str, Path(max_length=100)]


class EmbedPages:
    """The handlers of these pages."""

    def __init__(
        self,
        pages: Pages,
        room: EmbedRoom,
        settings: Settings,
        *,
        storage: Storage,
        limiter: Limiter,
    ) -> None:
        self._pages = pages
        self._room = room
        self._settings = settings
        self._storage = storage
        self._limiter = limiter

    def router(self) -> APIRouter:
        api = APIRouter(include_in_schema=False)
        pages: dict[str, Any] = {"methods": ["GET", "HEAD"]}
        # Before the body is looked at: nobody else learns what one is like.
        ours: dict[str, Any] = {"methods": ["POST"], "dependencies": [Depends(self._own_page)]}
        api.add_api_route("/embed/{character_id}", self.show, **pages)
        api.add_api_route("/embed/{character_id}/portrait", self.portrait, **pages)
        api.add_api_route("/embed/{character_id}/session", self.open, **ours)
        api.add_api_route("/embed/{character_id}/leave", self.leave, **ours)
        api.add_api_route("/embed/{character_id}/renew", self.renew, **ours)
        return api

    def show(self, request: Request, character_id: CharacterId) -> Response:
        try:
            shown = self._room.visits.find(character_id)
        except NotFound:
            return self._absent(request, "gone", 404, frames.policy(()))
        allowed = shown.settings.allowed_origins
        policy = frames.policy(allowed, self._settings.livekit_sources)
        if not frames.may_show(request, allowed, self._settings.base_url):
            return self._absent(request, "elsewhere", 403, policy)
        person = shown.character
        origin = frames.embedder_of(request, self._settings.base_url)
        return self._page(
            request,
            "embed/page.html",
            200,
            policy,
            person=person,
            portrait=_portrait(person),
            rig=self._rig(person),
            page_token=self._room.page_tokens.make(person.character_id, origin),
            host=frames.origin_of(self._settings.base_url).partition("://")[2],
            days=self._settings.conversation_days,
            words=json.dumps(self._words(request, person), ensure_ascii=False),
        )

    def portrait(self, request: Request, character_id: CharacterId) -> Response:
        """A small one: the face itself is fetched once there is a conversation."""
        key = self._room.portraits.key(self._room.visits.find(character_id).character)
        return file_response(self._storage, key, request, cache_control=_PORTRAIT_CACHE)

    def open(self, request: Request, character_id: CharacterId, body: OpenVisit) -> VisitAnswer:
        """A token for one conversation, at the expense of the character's owner."""
        shown, origin = self._admitted(request, character_id, body.page_token, body.parent)
        person = shown.character
        self._limiter.require(
            "embed", f"{person.character_id} {address_of(request)}", SESSIONS_PER_MINUTE
        )
        around = origin or frames.origin_of(body.parent) or None
        opened = self._room.visits.open(
            person.character_id,
            origin=around,
            address=address_of(request),
            visitor_name=body.visitor_name,
        )
        return VisitAnswer(
            token=opened.token,
            conversation_id=opened.conversation_id,
            # A path: the page may have been opened by another of this server's names.
            connect_url=local(opened.connect_url),
            ice_servers=list(opened.ice_servers),
            livekit_url=opened.livekit_url,
            session_limit_seconds=opened.session_limit_s,
            expires_in=opened.expires_in_s,
        )

    def renew(
        self, request: Request, character_id: CharacterId, body: PageToken
    ) -> PageTokenAnswer:
        """A new page token for one that has expired: the page stood open for a while."""
        self._limiter.require("embed page", address_of(request), RENEWALS_PER_MINUTE)
        shown, origin = self._admitted(request, character_id, body.page_token, "", renewing=True)
        token = self._room.page_tokens.make(shown.character.character_id, origin)
        return PageTokenAnswer(page_token=token)

    def leave(self, character_id: CharacterId, body: LeaveVisit) -> Response:
        """The place of a visitor who goes before they have connected is free at once."""
        self._room.visits.leave(character_id, body.token)
        return Response(None, 204)

    def _own_page(self, request: Request) -> None:
        frames.require_own_page(request, self._settings.base_url)

    def _admitted(
        self,
        request: Request,
        character_id: str,
        token: str,
        parent: str,
        *,
        renewing: bool = False,
    ) -> tuple[Shown, str]:
        """The character and the origin in the token, if this is our page in an allowed frame."""
        shown = self._room.visits.find(character_id)
        life = {"life": RENEWABLE} if renewing else {}
        claims = self._room.page_tokens.read(token, shown.character.character_id, **life)
        frames.require_allowed(
            request,
            (claims.origin, frames.origin_of(parent)),
            shown.settings.allowed_origins,
            self._settings.base_url,
        )
        return shown, claims.origin

    def _absent(self, request: Request, why: str, status: int, policy: str) -> Response:
        return self._page(request, "embed/absent.html", status, policy, why=why)

    def _page(
        self, request: Request, template: str, status: int, policy: str, **context: Any
    ) -> Response:
        response = self._pages.render(request, template, status, **context)
        response.headers["content-security-policy"] = policy
        # A token is in it, and which pages may frame it changes.
        response.headers["cache-control"] = "no-store"
        if "set-cookie" in response.headers:  # a frame's language is not this reader's wish
            del response.headers["set-cookie"]
        return response

    def _rig(self, person: Character) -> str | None:
        """Path of what the player draws; None for a character whose face doesn't move."""
        avatar = self._room.avatars.get(person.account_id, person.character_id)
        return local(avatar.rig_url) if avatar.rig_url else None

    def _words(self, request: Request, person: Character) -> dict[str, str]:
        """What the script says, in the visitor's language."""
        translate = self._pages.translate(language_of(request))
        names = (
            *(f"state_{state}" for state in STATES),
            *(f"end_{reason}" for reason in ENDS),
            *(f"trouble_{code}" for code in _TROUBLES),
            *_CONTROLS,
        )
        # Replaced, not formatted: a name may hold braces.
        return {name: translate(f"embed_{name}").replace("{name}", person.name) for name in names}


def _portrait(person: Character) -> str:
    """Its path; another one for another photo."""
    return f"/embed/{person.character_id}/portrait?of={person.photo_key[-12:]}"
