"""Videos over HTTP, relative to /api/v1."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from charafy.kernel.http.caller import Caller
from charafy.kernel.http.guard import Guard
from charafy.videos.models import Status
from charafy.videos.schemas import (
    CreatedVideo,
    CreateVideo,
    DeletedVideo,
    VideoAnswer,
    VideosAnswer,
)
from charafy.videos.service import Videos

MAX_PAGE = 100

_Responses = dict[int | str, dict[str, Any]]
_EVERY: Final[_Responses] = {
    401: {"description": "Missing or wrong API key."},
    403: {"description": "The key lacks the scope."},
    429: {"description": "Too many requests."},
}
_ONE: Final[_Responses] = {**_EVERY, 404: {"description": "No such video, or not yours."}}
_CREATE: Final[_Responses] = {
    **_EVERY,
    400: {"description": "Bad input: the error names the field."},
    402: {"description": "Not enough credits to set aside; nothing was begun."},
    404: {"description": "No such character, or not yours."},
    409: {"description": "The Idempotency-Key is in use, or was used with other parameters."},
    429: {"description": "Too many requests, or too many videos wait already; see Retry-After."},
}


def router(guard: Guard, videos: Videos) -> APIRouter:
    api = APIRouter(tags=["Video"])
    reader = Annotated[Caller, Depends(guard("videos:read"))]
    writer = Annotated[Caller, Depends(guard("videos:write"))]

    @api.post("/video", summary="Generate a video", response_model=CreatedVideo, responses=_CREATE)
    def generate_video(caller: writer, request: Request, body: CreateVideo) -> Response:
        """Generate a talking-head video. Answers at once: ask at `poll_url` until it has ended.

        `credits_used` is what is set aside, from how long the text may take to say; in the end
        you pay for the started seconds of the film, never more than that. A video that fails or
        is cancelled costs nothing.
        """
        return videos.order(caller, request, body)

    @api.get("/video/{video_id}", summary="Get a video", responses=_ONE)
    def get_video(caller: reader, video_id: str) -> VideoAnswer:
        """How far a video is; once its status is completed, the link to the film."""
        return videos.get(caller.account_id, video_id)

    @api.get(
        "/videos",
        summary="List videos",
        responses={**_EVERY, 400: {"description": "Bad input: the error names the field."}},
    )
    def list_videos(
        caller: reader,
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 20,
        cursor: Annotated[str | None, Query(max_length=200)] = None,
        character_id: Annotated[str | None, Query(max_length=100)] = None,
        status: Annotated[Status | None, Query()] = None,
    ) -> VideosAnswer:
        """The account's videos, newest first, page by page."""
        found, next_cursor = videos.page(
            caller.account_id,
            limit=limit,
            cursor=cursor,
            character_id=character_id,
            status=status,
        )
        return VideosAnswer(videos=found, next_cursor=next_cursor)

    @api.post(
        "/video/{video_id}/cancel",
        summary="Cancel a video",
        responses={**_ONE, 409: {"description": "The video has ended already."}},
    )
    def cancel_video(caller: writer, video_id: str) -> VideoAnswer:
        """End a video that is waiting or being made. It costs nothing; its status is failed."""
        return videos.cancel(caller.account_id, video_id)

    @api.delete("/video/{video_id}", summary="Delete a video", responses=_ONE)
    def delete_video(caller: writer, video_id: str) -> DeletedVideo:
        """Delete a video and its files; one that is still being made costs nothing."""
        return DeletedVideo(video_id=videos.delete(caller.account_id, video_id))

    return api
