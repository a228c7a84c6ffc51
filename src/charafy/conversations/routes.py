"""Conversations over HTTP, relative to /api/v1: what needs an API key."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from charafy.conversations.models import State
from charafy.conversations.schemas import (
    ConversationDetail,
    ConversationsAnswer,
    CreateToken,
    DeletedConversation,
    TokenAnswer,
)
from charafy.conversations.service import Conversations
from charafy.kernel.http.caller import Caller
from charafy.kernel.http.guard import Guard
from charafy.kernel.http.idempotency import Idempotency

MAX_PAGE = 100

_Responses = dict[int | str, dict[str, Any]]
_EVERY: Final[_Responses] = {
    401: {"description": "Missing or wrong API key."},
    403: {"description": "The key lacks the scope."},
    429: {"description": "Too many requests."},
}
_BAD: Final[_Responses] = {400: {"description": "Bad input: the error names the field."}}
_ONE: Final[_Responses] = {**_EVERY, 404: {"description": "No such conversation, or not yours."}}
_CREATE: Final[_Responses] = {
    **_EVERY,
    **_BAD,
    402: {"description": "Not enough credits for one minute; nothing was set aside."},
    404: {"description": "No such character, or not yours."},
    409: {"description": "The Idempotency-Key is in use, or was used with other parameters."},
    429: {"description": "Too many requests, or test keys talked enough today; see Retry-After."},
    502: {"description": "What carries conversations can't be reached; nothing was set aside."},
}


def router(guard: Guard, conversations: Conversations, idempotency: Idempotency) -> APIRouter:
    api = APIRouter(tags=["Conversation"])
    reader = Annotated[Caller, Depends(guard("conversations:read"))]
    writer = Annotated[Caller, Depends(guard("conversations:write"))]

    @api.post(
        "/conversation/token",
        summary="Get a conversation token",
        response_model=TokenAnswer,
        responses=_CREATE,
    )
    def get_token(caller: writer, request: Request, body: CreateToken) -> Response:
        """Get a session token to start a real-time voice or video conversation with a character.

        `credits_used` is what is set aside: the whole time at the rate of the mode. In the end
        you pay for the time that the conversation took, and the rest comes back. Hand the token
        to a page: it connects with it via WebRTC, without an API key.
        """
        conversations.require_media()
        return idempotency.run_in_tx(
            caller, request, body, lambda tx: conversations.mint(tx, caller, body)
        )

    @api.get("/conversations", summary="List conversations", responses={**_EVERY, **_BAD})
    def list_conversations(
        caller: reader,
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 20,
        cursor: Annotated[str | None, Query(max_length=200)] = None,
        character_id: Annotated[str | None, Query(max_length=100)] = None,
        status: Annotated[State | None, Query()] = None,
    ) -> ConversationsAnswer:
        """The account's conversations, newest first, page by page, without what was said."""
        found, next_cursor = conversations.page(
            caller.account_id,
            limit=limit,
            cursor=cursor,
            character_id=character_id,
            status=status,
        )
        return ConversationsAnswer(conversations=found, next_cursor=next_cursor)

    @api.get("/conversations/{conversation_id}", summary="Get a conversation", responses=_ONE)
    def get_conversation(caller: reader, conversation_id: str) -> ConversationDetail:
        """What was said, how long it took, what it cost and how quickly the character answered."""
        return conversations.get(caller.account_id, conversation_id)

    @api.delete("/conversations/{conversation_id}", summary="Delete a conversation", responses=_ONE)
    def delete_conversation(caller: writer, conversation_id: str) -> DeletedConversation:
        """Delete a conversation and all that was said; one that goes on ends within seconds."""
        return DeletedConversation(
            conversation_id=conversations.delete(caller.account_id, conversation_id)
        )

    return api
