"""The pages of conversations: which there were, what was said, how soon, and what it cost."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final, get_args

from fastapi import APIRouter, Depends, Path, Query, Request
from starlette.responses import RedirectResponse, Response

from charafy.characters.service import Character
from charafy.conversations.models import State
from charafy.conversations.overview import Summary
from charafy.conversations.schemas import ConversationAnswer
from charafy.dashboard.door import Door, Visitor
from charafy.dashboard.transcript import said_in
from charafy.dashboard.watching import Watchers

AT_ONCE: Final = 20
OVERVIEW_DAYS: Final = 30
STATES: Final[tuple[State, ...]] = get_args(State)

Id = Annotated[str, Path(max_length=100)]
Cursor = Annotated[str, Query(max_length=200)]
Choice = Annotated[str, Query(max_length=100)]


@dataclass(frozen=True, slots=True)
class Row:
    """One conversation as the list shows it."""

    talk: ConversationAnswer
    created_at: datetime
    person: Character | None
    """None: deleted since."""
    portrait: str | None
    summary: Summary


class Talks:
    """The handlers of these pages."""

    def __init__(self, door: Door, watchers: Watchers) -> None:
        self._door = door
        self._clock = watchers.clock
        self._characters = watchers.characters
        self._conversations = watchers.conversations
        self._overviews = watchers.overviews

    def add_to(self, api: APIRouter) -> None:
        door = self._door

        @api.get("/dashboard/conversations")
        def show_all(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.member)],
            *,
            cursor: Cursor = "",
            status: Choice = "",
            character: Choice = "",
        ) -> Response:
            return self._list(request, visitor, cursor, status, character)

        @api.get("/dashboard/conversations/{conversation_id}")
        def show(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.member)],
            conversation_id: Id,
        ) -> Response:
            account_id = visitor.member.account_id
            talk = self._conversations.get(account_id, conversation_id)
            row = self._row(account_id, talk)
            said = said_in(talk.transcript)
            return door.page(request, visitor, "conversation", row=row, talk=talk, said=said)

        @api.post("/dashboard/conversations/{conversation_id}/delete")
        def delete(
            visitor: Annotated[Visitor, Depends(door.member_sender)], conversation_id: Id
        ) -> Response:
            self._conversations.delete(visitor.member.account_id, conversation_id)
            return RedirectResponse("/dashboard/conversations?done=deleted", 303)

    def _list(
        self, request: Request, visitor: Visitor, cursor: str, status: str, character: str
    ) -> Response:
        account_id = visitor.member.account_id
        chosen = next((state for state in STATES if state == status), None)
        talks, more = self._conversations.page(
            account_id,
            limit=AT_ONCE,
            cursor=cursor or None,
            character_id=character or None,
            status=chosen,
        )
        since = self._clock.now() - timedelta(days=OVERVIEW_DAYS)
        return self._door.page(
            request,
            visitor,
            "conversations",
            rows=self._rows(account_id, talks),
            overview=self._overviews.overview(account_id, since),
            days=OVERVIEW_DAYS,
            people=self._characters.list(account_id),
            states=STATES,
            status=chosen or "",
            character=character,
            narrowed=bool(chosen or character),
            cursor=cursor,
            more=more,
            done=request.query_params.get("done") == "deleted",
        )

    def _rows(self, account_id: str, talks: list[ConversationAnswer]) -> list[Row]:
        people = {one.character_id: one for one in self._characters.list(account_id)}
        ids = [talk.conversation_id for talk in talks]
        summaries = self._overviews.summaries(account_id, ids)
        return [
            Row(
                talk,
                datetime.fromisoformat(talk.created_at),
                person := people.get(talk.character_id),
                person.portrait if person else None,
                summaries.get(talk.conversation_id, Summary(0, None)),
            )
            for talk in talks
        ]

    def _row(self, account_id: str, talk: ConversationAnswer) -> Row:
        return self._rows(account_id, [talk])[0]
