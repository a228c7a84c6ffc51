"""`/demo/say`: a stranger's words, in the voice and with the lips of a demo character."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from typing import Final

from fastapi import APIRouter, Depends, Request
from pydantic import Field
from starlette.responses import JSONResponse, Response

from charafy.characters.service import Character
from charafy.demo.sayings import Sayings
from charafy.embed.frames import require_own_page
from charafy.kernel.errors import NotFound
from charafy.kernel.http.limits import Limiter, address_of
from charafy.kernel.http.schema import Body
from charafy.kernel.settings import Settings

LONGEST: Final = 1_000
"""What a text may be at most, whatever the setting."""


class Say(Body):
    character_id: str = Field(max_length=100)
    text: str = Field(max_length=LONGEST)


def router(
    sayings: Sayings,
    limiter: Limiter,
    settings: Settings,
    *,
    cast: Callable[[], Sequence[Character]],
) -> APIRouter:
    """`cast`: the characters of whom strangers may ask it."""
    api = APIRouter(include_in_schema=False)

    def own_page(request: Request) -> None:
        require_own_page(request, settings.base_url)
        limiter.require("demo", address_of(request), settings.demo_lines_per_minute)

    # Both before the body is looked at.
    @api.post("/demo/say", dependencies=[Depends(own_page)])
    def say(request: Request, body: Say) -> Response:
        """JSON: `audio` (MP3 in base64: what strangers wrote gets no address here), `words`,
        `visemes`, `duration_s`."""
        wanted = body.character_id.lower()
        character = next((one for one in cast() if one.character_id == wanted), None)
        if character is None:
            raise NotFound("There is no such character here.")
        said = sayings.say(character, body.text, address_of(request))
        answer = json.loads(said.about) | {"audio": base64.b64encode(said.sound).decode()}
        return JSONResponse(answer, headers={"cache-control": "no-store"})

    return api
