"""Cloning voices, looking at them, changing and deleting them: the customer's side.

Credits are held, the recording is read and judged, the voice is cloned, files are written, and then
one unit of work keeps the row, the consent and the answer and captures the credits. What fails on
the way releases the credits and removes the files; a process that dies in between leaves a hold
whose lease ends and files that `Chores.remove_orphans` finds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy.exc import IntegrityError
from starlette.requests import Request
from starlette.responses import Response

from charafy.credits.service import Credits, Pay, Till
from charafy.engines.voice.cloning import Progress
from charafy.engines.voice.cloning.quality import Quality
from charafy.kernel.clock import Clock
from charafy.kernel.db import Database, Tx, one_at_a_time
from charafy.kernel.errors import BadRequest, Conflict, Forbidden, Unauthorized
from charafy.kernel.http.caller import Caller
from charafy.kernel.http.idempotency import Idempotency, Replay, Ticket
from charafy.kernel.ids import new_id
from charafy.kernel.settings import Settings
from charafy.kernel.storage import Storage
from charafy.kernel.wording import counted
from charafy.voices import queries
from charafy.voices.catalogue import Voices
from charafy.voices.chores import Chores
from charafy.voices.listening import Heard, Listening
from charafy.voices.making import Made, Making, forget_samples, nobody
from charafy.voices.models import Changes, Clone, Consent, GivenBy, VoiceInfo, Wanted
from charafy.voices.queries import Row
from charafy.voices.schemas import ClonedVoice, OneVoiceAnswer, QualityAnswer, fingerprint
from charafy.voices.till import LEASE_S

Emit = Callable[[Tx, str, str, Mapping[str, object]], None]
"""Account, type of event, data: tells the account's webhooks once the unit of work commits."""
Speakers = Callable[[Tx, str, str], int]
"""Account and voice -> how many of its characters speak with it."""

_JSON = "application/json"
T = TypeVar("T")


class RecordingRefused(BadRequest):
    """No voice can be cloned from it; the code is that of the first fatal problem."""

    def __init__(self, quality: Quality) -> None:
        problem = next(problem for problem in quality.problems if problem.fatal)
        report = QualityAnswer.of(quality).model_dump(mode="json")
        super().__init__(
            problem.message, code=problem.code, param="audio", details={"quality": report}
        )
        self.quality = quality


@dataclass(frozen=True, slots=True)
class Draft:
    """A voice that is made and not kept yet."""

    row: Row
    consent: str | None
    audio_sha256: str


class Clones:
    """The cloned voices of all accounts. Thread-safe."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        *,
        voices: Voices,
        storage: Storage,
        listening: Listening,
        making: Making,
        till: Till,
        credits: Credits,
        idempotency: Idempotency,
        chores: Chores,
        emit: Emit,
        speakers: Speakers,
        settings: Settings,
    ) -> None:
        self._db = db
        self._clock = clock
        self._voices = voices
        self._storage = storage
        self._listening = listening
        self._making = making
        self._till = till
        self._credits = credits
        self._idempotency = idempotency
        self._chores = chores
        self._emit = emit
        self._speakers = speakers
        self._settings = settings

    def preview(self, audio: bytes) -> Quality:
        """Whether a voice could be cloned from a recording. Raises what `Listening.hear` raises."""
        return self._listening.hear(audio).quality

    def clone(
        self, caller: Caller, request: Request, wanted: Wanted, *, key: str | None = None
    ) -> Response:
        """Clone a voice for its price; the answer as JSON, or a replay of it.

        `key` stands for the Idempotency-Key of forms that can't send one. Raises, before any work:
        `BadRequest` without the consent that the server wants, `Forbidden` at the plan's number of
        voices, `InsufficientCredits`, `TooManyRequests`; then `RecordingRefused` and what reading
        and cloning raise. Whatever it raises, nothing is charged and nothing stays.
        """
        self._require_consent(wanted)
        ticket = self._idempotency.begin(
            caller, request, fingerprint(wanted), lease_s=LEASE_S, key=key
        )
        if isinstance(ticket, Replay):
            return ticket.response()
        try:
            with self._db.read() as tx:
                self._require_room(tx, caller)
            with self._till.paying(caller, "Voice clone") as pay:
                content = self._make(
                    caller.account_id,
                    wanted,
                    nobody,
                    lambda tx, draft: self._answer(tx, caller, draft, ticket, pay),
                )
        except BaseException:  # whatever stopped it, the key must be free for a retry
            self._idempotency.abandon(ticket)
            raise
        return Response(content, 200, media_type=_JSON)

    def clone_for_operator(
        self, account_id: str, wanted: Wanted, progress: Progress = nobody
    ) -> VoiceInfo:
        """Clone a voice on the server's own command line: free. Raises as `clone`."""
        self._require_consent(wanted)

        def keep(tx: Tx, draft: Draft) -> VoiceInfo:
            return self._keep(tx, draft, "operator", None)

        return self._make(account_id, wanted, progress, keep)

    def get(self, account_id: str, voice_id: str) -> tuple[VoiceInfo, Consent | None]:
        """A voice that the account may use, and the consent to it. Raises `NotFound`."""
        with self._db.read() as tx:
            voice = self._voices.require(tx, account_id, voice_id)
            return voice, queries.consent_to(tx, voice.voice_id)

    def consents(self, account_id: str) -> list[Consent]:
        """What was consented to, newest first: for the operator."""
        with self._db.read() as tx:
            return queries.consents_of(tx, account_id)

    def update(self, account_id: str, voice_id: str, changes: Changes) -> VoiceInfo:
        """Set what `changes` holds. Raises `NotFound`, and `Forbidden` for a preset."""
        with self._db.write() as tx:
            before = self._own(tx, account_id, voice_id)
            queries.update(tx, before.voice_id, **changes, updated_at=self._clock.now())
            after = self._voices.require(tx, account_id, before.voice_id)
        if before.sample_text != after.sample_text:
            forget_samples(self._storage, before.voice_id)
        return after

    def delete(self, account_id: str, voice_id: str) -> str:
        """Remove it with its files, here and at a service; answers its id as it is spelled here.

        Raises `NotFound`, `Forbidden` for a preset, and `Conflict` while characters speak with it.
        """
        with self._db.write() as tx:
            # As characters count theirs: nobody gives this voice to one in this very moment.
            one_at_a_time(tx, account_id)
            voice = self._own(tx, account_id, voice_id)
            if speakers := self._speakers(tx, account_id, voice.voice_id):
                raise _in_use(speakers)
            now = self._clock.now()
            queries.update(tx, voice.voice_id, deleted_at=now, updated_at=now)
            queries.end_consent(tx, voice.voice_id, now)
        self._chores.clear(voice.voice_id)
        return voice.voice_id

    def erase(self, tx: Tx, account_id: str) -> None:
        """Remove the rows of an account that is being deleted; its files go by `erase_files`."""
        queries.erase(tx, account_id)

    def erase_files(self, account_id: str) -> None:
        self._chores.clear_account(account_id)

    def _make(
        self, account_id: str, wanted: Wanted, progress: Progress, keep: Callable[[Tx, Draft], T]
    ) -> T:
        """Read, judge, clone and write; then `keep` what came of it in one unit of work."""
        heard = self._listening.hear(wanted.audio)
        if not heard.quality.usable:
            raise RecordingRefused(heard.quality)
        voice_id = new_id()
        made = self._making.make(voice_id, heard, wanted, progress)
        row = self._row(account_id, voice_id, wanted, heard, made)
        try:
            with self._db.write() as tx:
                return keep(tx, Draft(row, wanted.consent, heard.sha256))
        except IntegrityError:  # no account any more; live keys miss their credits first
            self._making.discard(made)
            raise Unauthorized("This account was deleted meanwhile.") from None
        except BaseException:  # whatever stopped it: no files without their row
            self._making.discard(made)
            raise

    def _row(self, account_id: str, voice_id: str, wanted: Wanted, heard: Heard, made: Made) -> Row:
        now = self._clock.now()
        return Row(
            voice_id=voice_id,
            name=wanted.name,
            language=wanted.language,
            engine_voice=made.engine_voice,
            clone=Clone(
                account_id=account_id,
                method=made.clone.method,
                similarity=made.clone.similarity,
                refinement="waiting" if made.reference_key else "none",
                quality=QualityAnswer.of(heard.quality).model_dump(mode="json"),
                created_at=now,
                updated_at=now,
            ),
            reference_key=made.reference_key,
        )

    def _answer(self, tx: Tx, caller: Caller, draft: Draft, ticket: Ticket, pay: Pay) -> bytes:
        """Keep the voice, pay for it and keep the answer, all in one unit of work."""
        one_at_a_time(tx, f"voices:{caller.account_id}")
        self._require_room(tx, caller)
        used = pay(tx)
        voice = self._keep(tx, draft, "key" if caller.key_id else "session", caller.key_id)
        left = self._credits.balance(tx, caller.account_id).available
        content = ClonedVoice.of(voice, used, left).model_dump_json().encode()
        kept = self._idempotency.finish(ticket, 200, {"content-type": _JSON}, body=content, tx=tx)
        if ticket.id and not kept:
            raise Conflict(
                "This request took so long that another with its Idempotency-Key took over.",
                code="idempotency_in_flight",
            )
        return content

    def _keep(self, tx: Tx, draft: Draft, given_by: GivenBy, key_id: str | None) -> VoiceInfo:
        row, consent = draft.row, None
        queries.insert(tx, row)
        if draft.consent:
            consent = Consent(
                voice_id=row.voice_id,
                account_id=row.clone.account_id,
                statement=draft.consent,
                audio_sha256=draft.audio_sha256,
                given_by=given_by,
                key_id=key_id,
                given_at=row.clone.created_at,
            )
            queries.keep_consent(tx, consent)
        voice = self._voices.of(row)
        told = OneVoiceAnswer.whole(voice, consent).model_dump(mode="json")
        self._emit(tx, row.clone.account_id, "voice.cloned", told)
        return voice

    def _require_consent(self, wanted: Wanted) -> None:
        if self._settings.clone_consent == "required" and not wanted.consent:
            raise BadRequest(
                "consent: this server clones a voice only with a statement that the person who "
                "speaks agrees.",
                code="consent_required",
                param="consent",
            )

    def _require_room(self, tx: Tx, caller: Caller) -> None:
        limit = self._settings.plan(caller.plan).max_voices
        if queries.count(tx, caller.account_id) >= limit:
            raise Forbidden(
                f"Your plan allows {limit:,} cloned voices, and you have as many: "
                "delete one first.",
                code="voice_limit_reached",
            )

    def _own(self, tx: Tx, account_id: str, voice_id: str) -> VoiceInfo:
        voice = self._voices.require(tx, account_id, voice_id)
        if voice.is_preset:
            raise Forbidden("A preset voice is everyone's: it stays as it is.", code="preset_voice")
        return voice


def _in_use(speakers: int) -> Conflict:
    return Conflict(
        f"{counted(speakers, 'character')} still {'speaks' if speakers == 1 else 'speak'} "
        "with this voice: choose another one there first.",
        code="voice_in_use",
        details={"characters": speakers},
    )
