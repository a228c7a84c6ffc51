"""The pages on which owners decide where a character is embedded and for how long, and see it."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Path, Query, Request
from starlette.responses import RedirectResponse, Response

from charafy.characters.service import Character, Characters
from charafy.dashboard.door import Door, Visitor
from charafy.dashboard.making import checked
from charafy.embed.origins import BadOrigin, normal_origin
from charafy.embed.schemas import MAX_ORIGINS, UpdateEmbed
from charafy.embed.service import Embeds, EmbedSettings
from charafy.kernel.errors import CharafyError

PAGE: Final = "/dashboard/embed"

Lines = Annotated[str, Form(max_length=20_000)]
Number = Annotated[str, Form(max_length=20)]
CharacterId = Annotated[str, Path(max_length=100)]

_MOST_SHOWN: Final = 80
"""Characters of a line that is told back."""
LIMITS: Final = (
    ("embed_session_limit_seconds", 60, 3_600, 60),
    ("embed_daily_limit_seconds", 60, 86_400, 60),
    ("embed_monthly_limit_seconds", 3_600, 2_592_000, 60),
    ("embed_max_concurrent", 1, 100, 1),
)
"""Fields of the form: name as the API has it, least, most, and the step in which it is typed."""


class Embedding:
    """The handlers of these pages."""

    def __init__(self, door: Door, embeds: Embeds, characters: Characters, base_url: str) -> None:
        self._door = door
        self._embeds = embeds
        self._characters = characters
        self._base_url = base_url

    def add_to(self, api: APIRouter) -> None:
        self._add_list(api)
        self._add_one(api)

    def _add_list(self, api: APIRouter) -> None:
        door = self._door

        @api.get(PAGE)
        def show(request: Request, visitor: Annotated[Visitor, Depends(door.member)]) -> Response:
            people = [
                (person, person.portrait, self._embeds.usage(*_whose(person)))
                for person in self._characters.list(visitor.member.account_id)
            ]
            return door.page(request, visitor, "embeds", people=people)

    def _add_one(self, api: APIRouter) -> None:
        door = self._door

        @api.get(PAGE + "/{character_id}")
        def show(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.member)],
            character_id: CharacterId,
            saved: Annotated[str, Query(max_length=5)] = "",
        ) -> Response:
            person = self._characters.get(visitor.member.account_id, character_id)
            now = _typed(self._embeds.get(*_whose(person)))
            return self._page(request, visitor, person, now, saved=bool(saved))

        @api.post(PAGE + "/{character_id}")
        def save(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.member_sender)],
            character_id: CharacterId,
            *,
            embed_enabled: Number = "",
            allowed_origins: Lines = "",
            embed_session_limit_seconds: Number = "",
            embed_daily_limit_seconds: Number = "",
            embed_monthly_limit_seconds: Number = "",
            embed_max_concurrent: Number = "",
        ) -> Response:
            person = self._characters.get(visitor.member.account_id, character_id)
            typed: dict[str, str] = {
                "embed_enabled": embed_enabled,
                "allowed_origins": allowed_origins,
                "embed_session_limit_seconds": embed_session_limit_seconds,
                "embed_daily_limit_seconds": embed_daily_limit_seconds,
                "embed_monthly_limit_seconds": embed_monthly_limit_seconds,
                "embed_max_concurrent": embed_max_concurrent,
            }
            try:
                changes = checked(UpdateEmbed, _meant(typed)).changes()
                self._embeds.update(*_whose(person), changes)
            except CharafyError as error:
                return self._page(request, visitor, person, typed, error=error)
            return RedirectResponse(f"{PAGE}/{person.character_id}?saved=1", 303)

    def _page(
        self,
        request: Request,
        visitor: Visitor,
        person: Character,
        typed: dict[str, str],
        *,
        saved: bool = False,
        error: CharafyError | None = None,
    ) -> Response:
        wrong = (error.param or "") if error else ""
        return self._door.page(
            request,
            visitor,
            "embedding",
            error.status if error else 200,
            said=self._door.words(request, error) if error else "",
            wrong=wrong,
            bad_origins=_bad_origins(typed) if wrong == "allowed_origins" else (),
            saved=saved,
            person=person,
            typed=typed,
            limits=LIMITS,
            most_origins=MAX_ORIGINS,
            usage=self._embeds.usage(*_whose(person)),
            base_url=self._base_url,
            people=(),
            chosen=person.character_id,
            enabled=self._embeds.get(*_whose(person)).embed_enabled,
        )


def _whose(person: Character) -> tuple[str, str]:
    return person.account_id, person.character_id


def _typed(settings: EmbedSettings) -> dict[str, str]:
    """The form as it was saved; nothing where there is no limit."""
    numbers = (
        settings.session_limit_s,
        settings.daily_limit_s,
        settings.monthly_limit_s,
        settings.max_concurrent,
    )
    return {
        "embed_enabled": "1" if settings.embed_enabled else "",
        "allowed_origins": "\n".join(settings.allowed_origins),
        **{
            name: "" if number is None else str(number)
            for (name, *_), number in zip(LIMITS, numbers, strict=True)
        },
    }


def _lines(typed: dict[str, str]) -> list[str]:
    return [line.strip() for line in typed["allowed_origins"].splitlines() if line.strip()]


def _bad_origins(typed: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """The lines that are no origins, shortened, and the part that is wrong with each.

    As many as may be listed: who pastes a whole page needs no more to see what went wrong.
    """
    bad = []
    for line in _lines(typed):
        try:
            normal_origin(line)
        except BadOrigin as error:
            bad.append((line[:_MOST_SHOWN], error.part))
    return tuple(bad[:MAX_ORIGINS])


def _meant(typed: dict[str, str]) -> dict[str, object]:
    """What was typed, as the API takes it."""
    numbers = {name: typed[name].strip() for name, *_ in LIMITS}
    return {
        "embed_enabled": bool(typed["embed_enabled"]),
        "allowed_origins": _lines(typed),
        # What is no number is refused as what it is.
        **{
            name: None if not number else int(number) if number.isdecimal() else number
            for name, number in numbers.items()
        },
    }
