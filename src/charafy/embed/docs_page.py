"""`/docs/embed`: how a character gets onto a site, to be tried at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from charafy.characters.service import Character
from charafy.kernel.ids import is_id
from charafy.web.pages import Pages, language_of

PREVIEW: Final = "/docs/embed/preview"


def router(pages: Pages, base_url: str, cast: Callable[[], Sequence[Character]]) -> APIRouter:
    """`cast`: demo characters; those that may be embedded are offered to be tried."""
    # Inside our own page alone; the widget's frame in it has a policy of its own.
    framed = pages.policy.replace("frame-ancestors 'none'", "frame-ancestors 'self'")
    api = APIRouter(include_in_schema=False)

    @api.api_route("/docs/embed", methods=["GET", "HEAD"])
    def docs(request: Request, character: Annotated[str, Query(max_length=100)] = "") -> Response:
        people = [person for person in cast() if person.embed_enabled]
        chosen = character.lower() if is_id(character) else ""
        native = [person for person in people if person.language == language_of(request)]
        # Somebody is there at once, in each mode; the lines stay for the reader's own.
        shown = chosen or next((person.character_id for person in [*native, *people]), "")
        keep = {"character": chosen} if chosen else {}
        return pages.render(
            request, "embed/docs.html", base_url=base_url, people=people, chosen=shown, keep=keep
        )

    @api.api_route(PREVIEW, methods=["GET", "HEAD"])
    def preview(request: Request) -> Response:
        response = pages.render(request, "embed/preview.html")
        response.headers["content-security-policy"] = framed
        if "set-cookie" in response.headers:  # its `lang` is the widget's
            del response.headers["set-cookie"]
        return response

    return api
