"""Ordering videos, looking at them and forgetting them: the customer's side.

What an order brings along (a recording, a picture) is fetched and decoded before any transaction,
and its files are written before the row that names them. Then one unit of work holds the credits
and keeps the row; a worker finds it there. A file without a row is removed at once, or by
`Chores.remove_orphans` if the process died in between.
"""

from __future__ import annotations

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from charafy.characters.service import Characters
from charafy.credits.service import Credits, DailyAllowance
from charafy.kernel.clock import Clock
from charafy.kernel.cursors import cursor_after
from charafy.kernel.db import Database, Tx, one_at_a_time
from charafy.kernel.errors import Conflict, NotFound, TooManyRequests
from charafy.kernel.http.caller import Caller
from charafy.kernel.http.idempotency import Idempotency, Replay, Ticket
from charafy.kernel.ids import new_id
from charafy.kernel.settings import Prices, Settings
from charafy.kernel.storage import Storage
from charafy.kernel.traces import OFF, Traces
from charafy.kernel.wording import counted
from charafy.videos import queries
from charafy.videos.chores import HOLD_LEASE, LEASE
from charafy.videos.drafting import Draft, Drafting
from charafy.videos.endings import EndedMeanwhile, Endings
from charafy.videos.estimate import price
from charafy.videos.models import Failure, Order, Page, Status, Video, folder
from charafy.videos.schemas import CreatedVideo, CreateVideo, VideoAnswer

__all__ = ["Order", "Page", "Video", "Videos"]

LEASE_S = 240.0
"""Of an Idempotency-Key: longer than fetching and decoding all that an order brings."""
_JSON = "application/json"


class Videos:
    """The videos of all accounts. Thread-safe."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        *,
        characters: Characters,
        drafting: Drafting,
        credits: Credits,
        idempotency: Idempotency,
        storage: Storage,
        endings: Endings,
        settings: Settings,
        traces: Traces = OFF,
    ) -> None:
        self._traces = traces
        self._db = db
        self._clock = clock
        self._characters = characters
        self._drafting = drafting
        self._credits = credits
        self._idempotency = idempotency
        self._storage = storage
        self._endings = endings
        self._settings = settings
        self._allowance = DailyAllowance(
            clock,
            "Test keys have {limit:,} seconds of video made a day",
            shared=credits.shared,
        )

    def order(
        self, caller: Caller, request: Request, body: CreateVideo, *, key: str | None = None
    ) -> Response:
        """Set the credits aside and have the video made; the answer as JSON, or a replay of it.

        `key` is the idempotency key of a form of ours, which has no header.

        Raises, before any credits are held: `BadRequest`, `NotFound` and what fetching raises;
        then `TooManyRequests` and `InsufficientCredits`.
        """
        ticket = self._idempotency.begin(caller, request, body, lease_s=LEASE_S, key=key)
        if isinstance(ticket, Replay):
            return ticket.response()
        video_id = new_id()
        try:
            # Once more when it is kept; here, so that nothing is fetched for what has no place.
            with self._db.read() as tx:
                self._turn(tx, caller)
            draft = self._drafting.draft(caller, video_id, body)
            content = self._accept(caller, ticket, video_id, body.character_id.lower(), draft)
        except BaseException:  # whatever stopped it: the key is free for a retry, no file stays
            self._idempotency.abandon(ticket)
            self._storage.forget_prefix(folder(video_id))
            raise
        return Response(content, 200, media_type=_JSON)

    def get(self, account_id: str, video_id: str) -> VideoAnswer:
        """Raises `NotFound` for anyone else's."""
        with self._db.read() as tx:
            return self._answer(tx, self._owned(tx, account_id, video_id))

    def page(
        self,
        account_id: str,
        *,
        limit: int,
        cursor: str | None = None,
        character_id: str | None = None,
        status: Status | None = None,
    ) -> tuple[list[VideoAnswer], str | None]:
        """At most `limit` videos, newest first, and where the next page starts."""
        with self._db.read() as tx:
            found = queries.page(
                tx,
                account_id,
                limit=limit + 1,
                cursor=cursor,
                character_id=character_id,
                status=status,
            )
            answers = [self._answer(tx, video) for video in found[:limit]]
        last = found[limit - 1] if len(found) > limit else None
        return answers, cursor_after(last.created_at, last.video_id) if last else None

    def cancel(self, account_id: str, video_id: str) -> VideoAnswer:
        """End it without charge if it is still being made. Raises `NotFound`, `Conflict`."""
        try:
            with self._db.write() as tx:
                video = self._owned(tx, account_id, video_id)
                if not self._endings.fail(tx, video.video_id, Failure("cancelled")):
                    raise EndedMeanwhile(video.video_id)
                answer = self._answer(tx, self._owned(tx, account_id, video_id))
        except EndedMeanwhile:
            raise self._too_late(account_id, video_id) from None
        self._storage.forget_prefix(video.folder)  # a worker removes what it still writes
        return answer

    def delete(self, account_id: str, video_id: str) -> str:
        """Forget it and its files; one that is being made costs nothing. Raises `NotFound`.

        Answers its id as it is spelled here.
        """
        with self._db.write() as tx:
            video = self._owned(tx, account_id, video_id)
            if video.status == "processing":
                self._credits.release(tx, video.hold_id)
            queries.delete(tx, video.video_id)
        self._storage.forget_prefix(video.folder)
        return video.video_id

    def erase(self, tx: Tx, account_id: str) -> None:
        """Remove the rows of an account that is being deleted; its files go by `erase_files`.

        Its holds are released when its credits are closed.
        """
        queries.delete_all_of(tx, account_id)

    def erase_files(self, account_id: str) -> None:
        with self._db.read() as tx:
            video_ids = queries.ids_of(tx, account_id)
        for video_id in video_ids:
            self._storage.delete_prefix(folder(video_id))

    def _accept(
        self, caller: Caller, ticket: Ticket, video_id: str, character_id: str, draft: Draft
    ) -> bytes:
        """Hold the credits and keep the row and the answer, all in one unit of work."""
        order = replace(draft.order, trace=self._traces.carried())
        with self._db.write() as tx:
            one_at_a_time(tx, f"videos:{caller.account_id}")
            turn = self._turn(tx, caller)
            if caller.is_test:
                per_day = self._settings.plan(caller.plan).test_video_seconds_per_day
                self._allowance.spend(caller.account_id, round(draft.longest_s), per_day)
            # As it is now: it may have been deleted while its recording was fetched.
            self._characters.owned(tx, caller.account_id, character_id)
            video = self._hold(tx, caller, video_id, character_id, draft, turn=turn)
            queries.insert(tx, replace(video, order=order), self._clock.now() + LEASE)
            answer = CreatedVideo(
                video_id=video_id,
                status="processing",
                poll_url=f"{self._settings.base_url}/api/v1/video/{video_id}",
                credits_used=video.held,
                credits_remaining=self._credits.balance(tx, caller.account_id).available,
            )
            content = answer.model_dump_json().encode()
            headers = {"content-type": _JSON}
            kept = self._idempotency.finish(ticket, 200, headers, body=content, tx=tx)
            if ticket.id and not kept:
                raise Conflict(
                    "This request took so long that another with its Idempotency-Key took over.",
                    code="idempotency_in_flight",
                )
        return content

    def _hold(
        self,
        tx: Tx,
        caller: Caller,
        video_id: str,
        character_id: str,
        draft: Draft,
        *,
        turn: int,
    ) -> Video:
        prices: Prices = self._settings.prices
        amount = 0 if caller.is_test else price(prices, draft.longest_s)
        hold = self._credits.hold(
            tx,
            caller.account_id,
            amount,
            kind="video",
            reference=f"video:{video_id}",
            description=f"Video {video_id}",
            lease_s=HOLD_LEASE.total_seconds(),
            character_id=character_id,
        )
        return Video(
            video_id=video_id,
            account_id=caller.account_id,
            character_id=character_id,
            status="processing",
            order=draft.order,
            is_test=caller.is_test,
            hold_id=hold.id,
            held=amount,
            charged=0,
            turn=turn,
            progress=0.0,
            started_at=None,
            created_at=self._clock.now(),
            completed_at=None,
            duration_s=None,
            output_key=None,
            srt_key=None,
            vtt_key=None,
            error_code=None,
            error=None,
        )

    def _turn(self, tx: Tx, caller: Caller) -> int:
        """How many of the account's videos are under way; `TooManyRequests` at its plan's limit."""
        limit = self._settings.plan(caller.plan).video_queue_limit
        turn = queries.count_processing(tx, caller.account_id)
        if turn >= limit:
            raise TooManyRequests(
                f"Your plan allows {counted(limit, 'video')} that wait or are being made: "
                "try again when one of them has ended.",
                retry_after_s=30,
                code="video_queue_full",
            )
        return turn

    def _too_late(self, account_id: str, video_id: str) -> Conflict:
        """Raises `NotFound` when it was deleted at this very moment."""
        with self._db.read() as tx:
            video = self._owned(tx, account_id, video_id)
        return Conflict(
            f"This video is {video.status} already: there is nothing to cancel.",
            code="video_ended",
        )

    def _owned(self, tx: Tx, account_id: str, video_id: str) -> Video:
        video = queries.owned(tx, account_id, video_id)
        if video is None:
            raise NotFound("There is no such video.", param="video_id")
        return video

    def _answer(self, tx: Tx, video: Video) -> VideoAnswer:
        position = None
        if video.status == "processing":
            position = 0 if video.started_at else 1 + queries.ahead_of(tx, video)
        return VideoAnswer.of(
            video, self._storage.url, queue_position=position, keep=self._endings.keep
        )
