"""Embed settings over HTTP, relative to /api/v1."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends

from charafy.embed.schemas import EmbedAnswer, UpdateEmbed, UsageAnswer
from charafy.embed.service import Embeds
from charafy.kernel.http.caller import Caller
from charafy.kernel.http.guard import Guard

_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    401: {"description": "Missing or wrong API key."},
    403: {"description": "The key lacks the scope."},
    404: {"description": "No such character, or not yours."},
    429: {"description": "Too many requests."},
}
_BAD: Final[dict[int | str, dict[str, Any]]] = {
    400: {"description": "Bad input: the error names the field."}
}


def router(guard: Guard, embeds: Embeds) -> APIRouter:
    api = APIRouter(tags=["Embed"])
    reader = Annotated[Caller, Depends(guard("characters:read"))]
    writer = Annotated[Caller, Depends(guard("characters:write"))]

    @api.get("/characters/{character_id}/embed", summary="Get embed settings", responses=_RESPONSES)
    def get_embed(caller: reader, character_id: str) -> EmbedAnswer:
        """Who may embed the character, and how much of it they may use."""
        return EmbedAnswer.of(embeds.get(caller.account_id, character_id))

    @api.get(
        "/characters/{character_id}/embed/usage",
        summary="See what visitors used",
        responses=_RESPONSES,
    )
    def get_embed_usage(caller: reader, character_id: str) -> UsageAnswer:
        """Seconds and conversations of visitors, by days of this month in UTC.

        Conversations that still go on are counted when they are over.
        """
        return UsageAnswer.of(embeds.usage(caller.account_id, character_id))

    @api.put(
        "/characters/{character_id}/embed",
        summary="Change embed settings",
        responses={**_RESPONSES, **_BAD},
    )
    def update_embed(caller: writer, character_id: str, body: UpdateEmbed) -> EmbedAnswer:
        """Change what is sent and leave the rest."""
        return EmbedAnswer.of(embeds.update(caller.account_id, character_id, body.changes()))

    return api
