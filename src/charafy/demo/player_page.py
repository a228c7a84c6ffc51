"""`/player`: the demo characters alive in the browser, for anyone to see."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from charafy.avatars.service import Avatars
from charafy.characters.service import Character
from charafy.demo.lines import LINES, Line, Lines
from charafy.kernel.errors import NotFound
from charafy.kernel.http.files import file_response
from charafy.kernel.storage import Storage
from charafy.web.pages import Pages

_CACHE: Final = "public, max-age=3600"
_SOON_S: Final = 3


@dataclass(frozen=True, slots=True)
class Player:
    """One of the cast, as the page shows them."""

    key: str
    name: str
    language: str
    portrait: str
    lines: tuple[Line, ...]


def router(
    pages: Pages,
    avatars: Avatars,
    lines: Lines,
    storage: Storage,
    *,
    base_url: str,
    cast: Callable[[], Sequence[Character]],
) -> APIRouter:
    """`cast`: the characters of whom there may be lines; may be empty."""
    api = APIRouter(include_in_schema=False)

    @api.api_route("/player", methods=["GET", "HEAD"])
    def page(request: Request) -> Response:
        return pages.render(request, "player.html", people=_people(cast()), base_url=base_url)

    @api.get("/player/faces/{key}")
    def face(key: str) -> Response:
        """Where the character's rig is; 202 while it is being made."""
        for character in cast():
            if _key(character) == key:
                avatar = avatars.get(character.account_id, character.character_id)
                if avatar.rig_url is None:
                    return JSONResponse({}, 202, {"retry-after": str(_SOON_S)})
                # A path, so that it opens whatever name the reader uses for this server.
                return JSONResponse({"rig": urlsplit(avatar.rig_url).path})
        raise NotFound("There is no such face.")

    @api.get("/player/lines/{name}")
    def cues(name: str) -> Response:
        return Response(
            lines.cues(name), 200, {"cache-control": _CACHE}, media_type="application/json"
        )

    @api.api_route("/player/lines/{name}/audio", methods=["GET", "HEAD"])
    def audio(request: Request, name: str) -> Response:
        return file_response(storage, lines.audio_key(name), request, cache_control=_CACHE)

    return api


def _people(cast: Sequence[Character]) -> list[Player]:
    """Those of the cast who have lines."""
    return [
        Player(
            key=_key(character),
            name=character.name,
            language=character.language,
            portrait=character.portrait,
            lines=said,
        )
        for character in cast
        if (said := tuple(line for line in LINES if line.person == character.name))
    ]


def _key(character: Character) -> str:
    return character.name.lower()
