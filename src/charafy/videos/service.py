"""Ordering videos, looking at them and forgetting them: the customer's side.

What an order brings along (a recording, a picture) is fetched and decoded before any transaction,
and its files are written before the row that names them. Then one unit of work holds the credits
and keeps the row; a worker finds it there. A file without a row is removed at once, or by
`Chores.remove_orphans` if the process died in between.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import Response

from charafy.characters.service import Characters
from charafy.credits.service import Credits
from charafy.engines.voice import FrontEnd, NothingToSay
from charafy.kernel.clock import Clock
from charafy.kernel.cursors import cursor_after
from charafy.kernel.db import Database, Tx, one_at_a_time
from charafy.kernel.errors import BadRequest, Conflict, NotFound, TooManyRequests
from charafy.kernel.http.caller import Caller
from charafy.kernel.http.idempotency import Idempotency, Replay, Ticket
from charafy.kernel.ids import new_id
from charafy.kernel.media.audio import SAMPLE_RATE
from charafy.kernel.settings import Prices, Settings
from charafy.kernel.storage import Storage
from charafy.speech.service import DailyAllowance, Speech
from charafy.videos import queries, sound
from charafy.videos.chores import HOLD_LEASE, LEASE
from charafy.videos.endings import Endings
from charafy.videos.estimate import longest_s, price
from charafy.videos.filming import frames_of
from charafy.videos.inputs import Inputs, is_picture
from charafy.videos.models import Failure, Order, Page, Status, Video, folder, speech_key
from charafy.videos.schemas import CreatedVideo, CreateVideo, VideoAnswer

__all__ = ["Order", "Page", "Video", "Videos"]

LEASE_S = 240.0
"""Of an Idempotency-Key: longer than fetching and decoding all that an order brings."""
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class _Draft:
    """An order whose parts have been checked, and for how long it may speak."""

    order: Order
    longest_s: float


class Videos:
    """The videos of all accounts. Thread-safe."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        *,
        characters: Characters,
        speech: Speech,
        front_end: FrontEnd,
        credits: Credits,
        idempotency: Idempotency,
        storage: Storage,
        inputs: Inputs,
        endings: Endings,
        settings: Settings,
    ) -> None:
        self._db = db
        self._clock = clock
        self._characters = characters
        self._speech = speech
        self._front_end = front_end
        self._credits = credits
        self._idempotency = idempotency
        self._storage = storage
        self._inputs = inputs
        self._endings = endings
        self._settings = settings
        self._allowance = DailyAllowance(
            clock, "Test keys have {limit:,} seconds of video made a day"
        )

    def order(self, caller: Caller, request: Request, body: CreateVideo) -> Response:
        """Set the credits aside and have the video made; the answer as JSON, or a replay of it.

        Raises, before any credits are held: `BadRequest`, `NotFound` and what fetching raises;
        then `TooManyRequests` and `InsufficientCredits`.
        """
        ticket = self._idempotency.begin(caller, request, body, lease_s=LEASE_S)
        if isinstance(ticket, Replay):
            return ticket.response()
        video_id = new_id()
        try:
            draft = self._draft(caller, video_id, body)
            content = self._accept(caller, ticket, video_id, body.character_id.lower(), draft)
        except BaseException:  # whatever stopped it: the key is free for a retry, no file stays
            self._idempotency.abandon(ticket)
            self._storage.delete_prefix(folder(video_id))
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
        with self._db.write() as tx:
            video = self._owned(tx, account_id, video_id)
            failed = self._endings.fail(tx, video.video_id, Failure("cancelled"))
            if not failed:
                raise Conflict(
                    f"This video is {video.status} already: there is nothing to cancel.",
                    code="video_ended",
                )
            answer = self._answer(tx, self._owned(tx, account_id, video_id))
        self._storage.delete_prefix(video.folder)  # a worker removes what it still writes
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
        self._storage.delete_prefix(video.folder)
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

    def _draft(self, caller: Caller, video_id: str, body: CreateVideo) -> _Draft:
        """Check every part of the order and keep what it brought along."""
        (width, height), background = body.size(), body.checked_background()
        if (body.text is None) == (body.audio is None):
            raise BadRequest("text: send either a text or a recording (audio).", param="text")
        if body.audio is not None and body.voice_id is not None:
            raise BadRequest("voice_id: a recording speaks for itself.", param="voice_id")
        speaker = self._speech.character(
            caller, body.character_id, voice_id=body.voice_id, language=body.language
        )
        order = Order(
            text=body.text,
            engine_voice="" if body.text is None else speaker.engine_voice,
            language=speaker.language,
            speed=body.speed,
            avatar_type=body.avatar_type,
            width=width,
            height=height,
            fps=body.fps,
            background=background,
            format=body.format,
        )
        spoken_s = self._spoken_s(video_id, order, body.audio)
        if is_picture(background):
            order = replace(order, background=self._keep_picture(video_id, background))
        return _Draft(order, frames_of(spoken_s, order.fps) / order.fps)

    def _spoken_s(self, video_id: str, order: Order, audio: str | None) -> float:
        """Seconds of sound: exactly those of a recording, at most those of a text."""
        if audio is not None:
            pcm = self._inputs.recording(audio)
            self._storage.put(speech_key(video_id), sound.to_wav(pcm), "audio/wav")
            return len(pcm) / SAMPLE_RATE
        try:
            clauses = self._front_end.clauses(order.text or "", order.language)
            return longest_s(clauses, order.speed)
        except NothingToSay:
            raise BadRequest(
                "text: there is nothing to say in it (only spaces, emoji, tags or symbols).",
                code="nothing_to_say",
                param="text",
            ) from None

    def _keep_picture(self, video_id: str, background: str) -> str:
        picture = self._inputs.picture(background)
        key = f"{folder(video_id)}background.{picture.ending}"
        self._storage.put(key, picture.data, picture.content_type)
        return key

    def _accept(
        self, caller: Caller, ticket: Ticket, video_id: str, character_id: str, draft: _Draft
    ) -> bytes:
        """Hold the credits and keep the row and the answer, all in one unit of work."""
        plan = self._settings.plan(caller.plan)
        with self._db.write() as tx:
            one_at_a_time(tx, f"videos:{caller.account_id}")
            turn = self._turn(tx, caller, plan.video_queue_limit)
            if caller.is_test:
                seconds = round(draft.longest_s)
                self._allowance.spend(caller.account_id, seconds, plan.test_video_seconds_per_day)
            # As it is now: it may have been deleted while its recording was fetched.
            self._characters.owned(tx, caller.account_id, character_id)
            video = self._hold(tx, caller, video_id, character_id, draft, turn=turn)
            queries.insert(tx, video, self._clock.now() + LEASE)
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
        draft: _Draft,
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

    def _turn(self, tx: Tx, caller: Caller, limit: int) -> int:
        """How many of the account's videos are under way; `TooManyRequests` when it has `limit`."""
        turn = queries.count_processing(tx, caller.account_id)
        if turn >= limit:
            raise TooManyRequests(
                f"Your plan allows {limit:,} video(s) that wait or are being made: "
                "try again when one of them has ended.",
                retry_after_s=30,
                code="video_queue_full",
            )
        return turn

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
