"""Pages for someone signed in: their characters, credits and API keys."""

from collections.abc import Callable, Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response

from charafy.accounts.service import Account, AccountServices, KeyKind, NewKey
from charafy.characters.service import Character, Characters
from charafy.credits.service import Balance, Credits, Entry
from charafy.dashboard.cast import introduce
from charafy.dashboard.door import Door, Visitor
from charafy.dashboard.making import checked_number
from charafy.dashboard.quick_start import Step, quick_start
from charafy.kernel.db import Database, Tx
from charafy.kernel.errors import CharafyError, Conflict
from charafy.kernel.http.idempotency import Idempotency
from charafy.kernel.http.schema import Answer
from charafy.voices.service import VoiceInfo, Voices
from charafy.web.pages import language_of

RECENT_ENTRIES = 10
VOICES_SHOWN = 4
"""Of each language, for someone who has no characters yet."""

Text = Annotated[str, Form(max_length=1000)]


class Wanted(BaseModel):
    """A key as it was asked for."""

    name: str
    kind: KeyKind


class Made(Answer):
    """What is remembered of a form that made a key: never the key itself."""

    key_id: str


class Home:
    """The handlers of these pages; `cast` and `add_demo` as in `routes.router`."""

    def __init__(
        self,
        door: Door,
        services: AccountServices,
        base_url: str,
        *,
        db: Database,
        credits: Credits,
        idempotency: Idempotency,
        characters: Characters,
        voices: Voices,
        cast: Callable[[], Sequence[Character]],
        add_demo: Callable[[str], Sequence[Character]],
    ) -> None:
        self._door = door
        self._keys = services.keys
        self._base_url = base_url
        self._db = db
        self._credits = credits
        self._idempotency = idempotency
        self._characters = characters
        self._voices = voices
        self._cast = cast
        self._add_demo = add_demo

    def add_to(self, api: APIRouter) -> None:
        self._add_home(api)
        self._add_keys(api)

    def _add_home(self, api: APIRouter) -> None:
        door = self._door

        @api.get("/dashboard")
        def home(request: Request, visitor: Annotated[Visitor, Depends(door.member)]) -> Response:
            account = visitor.member
            characters = self._characters.list(account.account_id)
            balance, entries = self._money(account)
            return door.page(
                request,
                visitor,
                "home",
                people=introduce(characters, self._voices),
                cast=[] if characters else introduce(self._cast(), self._voices),
                voices=[] if characters else self._best_voices(account, request),
                steps=self._steps(request, account, None),
                balance=balance,
                entries=entries,
            )

        @api.post("/dashboard/demo")
        def add_demo(visitor: Annotated[Visitor, Depends(door.member_sender)]) -> Response:
            self._add_demo(visitor.member.account_id)
            return RedirectResponse("/dashboard", 303)

    def _add_keys(self, api: APIRouter) -> None:
        door, keys = self._door, self._keys

        @api.get("/dashboard/keys")
        def show(request: Request, visitor: Annotated[Visitor, Depends(door.member)]) -> Response:
            return self._keys_page(request, visitor)

        @api.post("/dashboard/keys")
        def create(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.member_sender)],
            name: Text = "",
            kind: Text = "live",
            form: Text = "",
        ) -> Response:
            wanted = Wanted(name=name, kind="test" if kind == "test" else "live")
            try:
                new = self._create(request, visitor, wanted, checked_number(form))
            except CharafyError as error:
                return self._keys_page(request, visitor, error=error)
            # Shown in the answer itself: kept for another page it would have to be stored.
            return self._keys_page(request, visitor, new=new)

        @api.post("/dashboard/keys/{key_id}/revoke")
        def revoke(
            key_id: str, visitor: Annotated[Visitor, Depends(door.member_sender)]
        ) -> Response:
            keys.revoke(visitor.member.account_id, key_id)
            return RedirectResponse("/dashboard/keys", 303)

    def _create(self, request: Request, visitor: Visitor, wanted: Wanted, number: str) -> NewKey:
        """Raises `Conflict` for a form that made a key before: nobody can show that one again."""
        account, made = visitor.member, list[NewKey]()

        def create(tx: Tx) -> Made:
            made.append(self._keys.add(tx, account.account_id, wanted.name, kind=wanted.kind))
            return Made(key_id=made[0].info.key_id)

        self._idempotency.run_in_tx(account.caller(), request, wanted, create, key=number)
        if not made:
            raise Conflict("This form made a key already.", code="key_made_already")
        return made[0]

    def _keys_page(
        self,
        request: Request,
        visitor: Visitor,
        *,
        new: NewKey | None = None,
        error: CharafyError | None = None,
    ) -> Response:
        account = visitor.member
        listed = self._keys.list(account.account_id)
        return self._door.page(
            request,
            visitor,
            "keys",
            error.status if error else 200,
            said=self._door.words(request, error) if error else "",
            new=new,
            steps=self._steps(request, account, new.key) if new else [],
            keys=[key for key in listed if key.revoked_at is None],
            revoked=[key for key in listed if key.revoked_at is not None],
        )

    def _money(self, account: Account) -> tuple[Balance, list[Entry]]:
        with self._db.read() as tx:
            balance = self._credits.balance(tx, account.account_id)
            return balance, self._credits.recent(tx, account.account_id, RECENT_ENTRIES)

    def _steps(self, request: Request, account: Account, key: str | None) -> list[Step]:
        language = language_of(request)
        characters = self._characters.list(account.account_id)
        native = [character for character in characters if character.language == language]
        chosen = next(iter(native or characters), None)
        voice = next(iter(self._in(language, account)), None)
        return quick_start(self._base_url, chosen, voice, key)

    def _best_voices(self, account: Account, request: Request) -> list[VoiceInfo]:
        """Those of the reader's language first."""
        first = language_of(request)
        second = "en" if first == "ja" else "ja"
        return [
            voice
            for language in (first, second)
            for voice in self._in(language, account)[:VOICES_SHOWN]
        ]

    def _in(self, language: str, account: Account) -> list[VoiceInfo]:
        available = self._voices.available(account.account_id)
        return [voice for voice in available if voice.language == language]
