"""The pages of videos: all of them, ordering one, and watching one come to be."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final

from fastapi import APIRouter, Depends, File, Form, Path, Query, Request, UploadFile
from starlette.responses import RedirectResponse, Response

from charafy.characters.service import Character
from charafy.dashboard.cast import CastMember, introduce
from charafy.dashboard.door import Door, Visitor
from charafy.dashboard.making import (
    FOR_SCRIPT,
    Makers,
    checked,
    checked_number,
    factor,
    gone_to,
    picture_of,
    recording_of,
    refusal,
)
from charafy.kernel.errors import BadRequest, CharafyError
from charafy.kernel.ids import new_id
from charafy.kernel.media.video import VIDEO_FORMATS
from charafy.speech.schemas import MAX_CHARS
from charafy.videos.schemas import CreateVideo
from charafy.web.pages import language_of
from charafy.web.paths import local

SHOWN: Final = 24
"""Videos on a page."""
ASPECTS: Final = ("1:1", "9:16", "16:9")
BACKGROUNDS: Final = ("keep", "blur", "colour", "picture", "transparent")
SOURCES: Final = ("text", "recording")
"""Where what is said comes from."""

_BLANK: Final[Mapping[str, object]] = MappingProxyType(
    dict.fromkeys(("character_id", "source", "text", "aspect", "background", "format", "speed"))
)
"""The form as nobody has filled it in yet."""

Text = Annotated[str, Form(max_length=20_000)]
Upload = Annotated[UploadFile | None, File()]
Part = Annotated[str, Query(max_length=20)]
VideoId = Annotated[str, Path(max_length=100)]


class OwnVideos:
    """The handlers of these pages."""

    def __init__(self, door: Door, makers: Makers) -> None:
        self._door = door
        self._makers = makers

    def add_to(self, api: APIRouter) -> None:
        self._add_list(api)
        self._add_order(api)
        self._add_one(api)
        self._add_endings(api)

    def _add_list(self, api: APIRouter) -> None:
        door = self._door

        @api.get("/dashboard/videos")
        def show(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.member)],
            character: Annotated[str, Query(max_length=100)] = "",
            cursor: Annotated[str, Query(max_length=200)] = "",
        ) -> Response:
            return self._page(request, visitor, cursor=cursor, typed={"character_id": character})

    def _add_order(self, api: APIRouter) -> None:
        door = self._door

        @api.post("/dashboard/videos")
        def order(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.member_sender)],
            *,
            part: Part = "",
            character_id: Text = "",
            source: Text = "text",
            text: Text = "",
            recording: Upload = None,
            aspect: Text = "1:1",
            background: Text = "keep",
            colour: Text = "",
            picture: Upload = None,
            format: Text = "mp4",
            speed: Text = "1",
            form: Text = "",
        ) -> Response:
            typed: dict[str, object] = {
                "character_id": character_id,
                "source": source,
                "text": text,
                "aspect": aspect,
                "background": background,
                "format": format,
                "speed": speed,
            }
            try:
                body = _order(typed, recording, colour, picture)
                answer = self._makers.videos.order(
                    visitor.member.caller(), request, body, key=checked_number(form)
                )
            except CharafyError as error:
                if error.param == "audio":
                    error.param = "recording"  # as its field is called here
                if part == FOR_SCRIPT:
                    return refusal(door, request, error)
                return self._page(request, visitor, error=error, typed=typed)
            made = json.loads(bytes(answer.body))["video_id"]
            return gone_to(f"/dashboard/videos/{made}", part)

    def _add_one(self, api: APIRouter) -> None:
        door = self._door

        @api.get("/dashboard/videos/{video_id}")
        def show(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.member)],
            video_id: VideoId,
            part: Part = "",
            late: Part = "",
        ) -> Response:
            account_id = visitor.member.account_id
            video = self._makers.videos.get(account_id, video_id)
            template = "film" if part else "video"
            return door.page(
                request,
                visitor,
                template,
                video=video,
                person=self._cast(account_id).get(video.character_id),
                film=video.output_url and local(video.output_url),
                srt=video.subtitles and local(video.subtitles.srt_url),
                vtt=video.subtitles and local(video.subtitles.vtt_url),
                late=bool(late),
            )

    def _add_endings(self, api: APIRouter) -> None:
        door, videos = self._door, self._makers.videos

        @api.post("/dashboard/videos/{video_id}/cancel")
        def cancel(
            visitor: Annotated[Visitor, Depends(door.member_sender)], video_id: VideoId
        ) -> Response:
            try:
                videos.cancel(visitor.member.account_id, video_id)
            except CharafyError as error:
                if error.code != "video_ended":
                    raise
                return RedirectResponse(f"/dashboard/videos/{video_id}?late=1", 303)
            return RedirectResponse(f"/dashboard/videos/{video_id}", 303)

        @api.post("/dashboard/videos/{video_id}/delete")
        def delete(
            visitor: Annotated[Visitor, Depends(door.member_sender)], video_id: VideoId
        ) -> Response:
            videos.delete(visitor.member.account_id, video_id)
            return RedirectResponse("/dashboard/videos", 303)

    def _page(
        self,
        request: Request,
        visitor: Visitor,
        *,
        typed: Mapping[str, object] | None = None,
        cursor: str = "",
        error: CharafyError | None = None,
    ) -> Response:
        makers, account_id = self._makers, visitor.member.account_id
        typed = {**_BLANK, **(typed or {})}
        videos, more = makers.videos.page(account_id, limit=SHOWN, cursor=cursor or None)
        cast = self._cast(account_id)
        response = self._door.page(
            request,
            visitor,
            "videos",
            error.status if error else 200,
            said=self._door.words(request, error) if error else "",
            wrong=(error.param or "") if error else "",
            typed=typed,
            people=list(cast.values()),
            chosen=_chosen(cast, typed.get("character_id"), language_of(request)),
            videos=[(video, cast.get(video.character_id)) for video in videos],
            more=more,
            later=bool(cursor),
            aspects=ASPECTS,
            backgrounds=BACKGROUNDS,
            sources=SOURCES,
            formats=VIDEO_FORMATS,
            most=MAX_CHARS,
            rate=makers.prices.video_per_second,
            spendable=makers.credits_left(account_id),
            form=new_id(),
        )
        response.headers.update(error.headers if error else {})
        return response

    def _cast(self, account_id: str) -> dict[str, CastMember]:
        people: list[Character] = list(self._makers.characters.list(account_id))
        return {member.character_id: member for member in introduce(people, self._makers.voices)}


def _chosen(cast: Mapping[str, CastMember], asked: object, language: str) -> str:
    """The character that was asked for, else one of the reader's language, else any."""
    if asked in cast:
        return str(asked)
    native = [member for member in cast.values() if member.language == language]
    return next((member.character_id for member in native or cast.values()), "")


def _order(
    typed: Mapping[str, object],
    recording: UploadFile | None,
    colour: str,
    picture: UploadFile | None,
) -> CreateVideo:
    """The form as an order of the API's. Raises `BadRequest` about the field that is wrong."""
    sent = {name: typed[name] for name in ("character_id", "aspect", "format")}
    background = str(typed["background"])
    if background == "transparent":
        sent["format"] = "webm"  # the only one that can be
    if typed["source"] == "recording":
        sent["audio"] = recording_of(recording)
    else:
        sent |= {"text": typed["text"], "speed": factor(str(typed["speed"]))}
    return checked(CreateVideo, {**sent, "background": _background(background, colour, picture)})


def _background(kind: str, colour: str, picture: UploadFile | None) -> str:
    if kind == "colour":
        return colour
    if kind == "picture":
        try:
            return picture_of(picture)
        except BadRequest as error:
            error.param = "picture"
            raise
    return kind
