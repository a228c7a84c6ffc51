"""`/`: what this is, and somebody who says what a stranger types."""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from charafy.dashboard.door import Door, Visitor
from charafy.dashboard.forms import Forms
from charafy.kernel.settings import Settings
from charafy.web.pages import Pages, language_of

IDEAS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "en": (
            "Welcome in! Have a look around, and ask me anything.",
            "Your order left our kitchen just now. It smells wonderful.",
            "Chapter one. It was raining, and nobody had an umbrella.",
        ),
        "ja": (
            "いらっしゃいませ。何でも聞いてくださいね。",
            "ご注文の品、ただいま出発しました。もう少しお待ちください。",
            "むかしむかし、雨の日の話です。だれも傘を持っていませんでした。",
        ),
    }
)
"""Lines to begin with, by the language of who says them."""

_SAID: Final = ("hear", "stop", "waiting", "speaks", "line", "talk")
_TROUBLES: Final = (
    "rate_limited",
    "lines_busy",
    "demo_enough",
    "demo_used_up",
    "demo_closed",
    "nothing_to_say",
    "too_long",
    "other",
)


class Front:
    """The handler of this page."""

    def __init__(
        self,
        door: Door,
        pages: Pages,
        settings: Settings,
        forms: Forms,
        tries: Callable[[], bool],
    ) -> None:
        """`tries`: whether strangers may have something spoken."""
        self._door = door
        self._pages = pages
        self._settings = settings
        self._forms = forms
        self._tries = tries

    def add_to(self, api: APIRouter) -> None:
        @api.get("/")
        def front(
            request: Request, visitor: Annotated[Visitor, Depends(self._door.visitor)]
        ) -> Response:
            settings, people = self._settings, self._forms.people()
            native = [person for person in people if person.language == language_of(request)]
            star = next(iter([*native, *people]), None)
            return self._door.page(
                request,
                visitor,
                "front",
                people=people,
                star=star,
                ideas=IDEAS,
                tries=bool(star) and self._tries(),
                words=self._words(request),
                chars=settings.demo_chars,
                prices=settings.prices,
                sign_up=settings.sign_up,
                welcome_credits=settings.sign_up_credits,
                base_url=settings.base_url,
            )

    def _words(self, request: Request) -> str:
        """What the script says, with `{name}` where somebody's name belongs."""
        translate = self._pages.translate(language_of(request))
        names = (*_SAID, *(f"trouble_{code}" for code in _TROUBLES))
        return json.dumps({name: translate(f"front_{name}") for name in names}, ensure_ascii=False)
