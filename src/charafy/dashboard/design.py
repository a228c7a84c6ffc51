"""The design system on one page: what every other page is made of."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from charafy.dashboard.door import Door, Visitor

SIZES: Final = ("3xl", "2xl", "xl", "l", "m", "s")
SPACES: Final = ("1", "2", "3", "4", "5", "6", "7", "8")
COLOURS: Final = (
    "paper",
    "raised",
    "sunk",
    "line",
    "line-firm",
    "ink-soft",
    "ink",
    "accent",
    "link",
    "good",
    "warn",
    "bad",
)
WORK: Final = ("conversation", "video", "tts", "avatar", "voice_clone", "other")
"""What the charts tell apart by colour."""


class Design:
    """The handler of this page."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def add_to(self, api: APIRouter) -> None:
        door = self._door

        @api.get("/design")
        def show(request: Request, visitor: Annotated[Visitor, Depends(door.visitor)]) -> Response:
            return door.page(
                request, visitor, "design", sizes=SIZES, spaces=SPACES, colours=COLOURS, work=WORK
            )
