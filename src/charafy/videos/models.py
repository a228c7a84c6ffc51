"""What enters and leaves the videos feature: frozen values, never rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Final, Literal

from charafy.engines.voice import Language
from charafy.kernel.media.video import VideoFormat

Status = Literal["processing", "completed", "failed"]
AvatarType = Literal["sprite", "motion"]
FailureCode = Literal[
    "nothing_to_say",
    "character_deleted",
    "voice_deleted",
    "picture_unusable",
    "disk_full",
    "cancelled",
    "expired",
    "internal",
]

REASONS: Final[Mapping[FailureCode, str]] = {
    "nothing_to_say": "There is nothing to say in the text (only spaces, emoji, tags or symbols).",
    "character_deleted": "The character was deleted while its video was being made.",
    "voice_deleted": "The voice was deleted before the video was spoken.",
    "picture_unusable": "No face that can be animated was found in the character's photo.",
    "disk_full": "The server has no room left for the video: tell its operator.",
    "cancelled": "The video was cancelled.",
    "expired": "The video waited too long for a worker.",
    "internal": "The video could not be made: something went wrong on our end.",
}
"""What the customer reads. Nothing is charged for a failed video, whatever the reason."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be made: all that a worker needs besides the character's picture."""

    text: str | None
    """None for a recording, which lies in storage as `speech_key`."""
    engine_voice: str
    """Empty for a recording."""
    language: Language
    speed: float
    avatar_type: AvatarType
    width: int
    height: int
    """Pixels, even."""
    fps: int
    background: str
    """"keep", "blur", "transparent", "#rrggbb", or the storage key of a picture."""
    format: VideoFormat
    voice_id: str | None = None
    """Whose `engine_voice` it was when it was ordered; None for a recording."""
    trace: str | None = None
    """The span that ordered it, as `traceparent`, where that was traced."""

    def as_json(self) -> dict[str, object]:
        return asdict(self)

    @classmethod
    def of_json(cls, data: Mapping[str, object]) -> Order:
        """What `as_json` gave, perhaps by a later version with more to say."""
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in data.items() if name in known})  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Video:
    """One video and what became of it."""

    video_id: str
    account_id: str
    character_id: str
    status: Status
    order: Order
    is_test: bool
    hold_id: str
    held: int
    """Credits set aside: the most that it can cost."""
    charged: int
    """Credits taken; 0 until it is completed."""
    turn: int
    """How many of the account's videos were under way when it was ordered: its place in line."""
    progress: float
    """0..1"""
    started_at: datetime | None
    """When a worker first took it up."""
    created_at: datetime
    completed_at: datetime | None
    """When it ended, either way."""
    duration_s: float | None
    output_key: str | None
    srt_key: str | None
    vtt_key: str | None
    error_code: str | None
    error: str | None

    @classmethod
    def unlisted(
        cls, video_id: str, account_id: str, character_id: str, order: Order, now: datetime
    ) -> Video:
        """A video that no row knows of: nobody waits for it and nobody pays."""
        return cls(
            video_id=video_id,
            account_id=account_id,
            character_id=character_id,
            status="processing",
            order=order,
            is_test=False,
            hold_id="",
            held=0,
            charged=0,
            turn=0,
            progress=0.0,
            started_at=None,
            created_at=now,
            completed_at=None,
            duration_s=None,
            output_key=None,
            srt_key=None,
            vtt_key=None,
            error_code=None,
            error=None,
        )

    @property
    def folder(self) -> str:
        return folder(self.video_id)


def folder(video_id: str) -> str:
    """Where everything of a video lies in storage."""
    return f"videos/{video_id}/"


def speech_key(video_id: str) -> str:
    """The sound: synthesised by the worker, or the recording that came with the order."""
    return f"{folder(video_id)}speech.wav"


def marks_key(video_id: str) -> str:
    """The timeline of the sound."""
    return f"{folder(video_id)}marks.json"


@dataclass(frozen=True, slots=True)
class Page:
    videos: tuple[Video, ...]
    next_cursor: str | None
    """Where the next page starts; None at the end."""


class Failure(Exception):
    """The video can't be made, for a reason that the customer is told."""

    def __init__(self, code: FailureCode, hint: str = "") -> None:
        super().__init__(code, hint)  # both, so that it survives being pickled
        self.code: FailureCode = code
        self.message = f"{REASONS[code]} {hint}".strip()
