"""One turn of a conversation from end to end: say one thing, hear what is answered."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import httpx
import numpy as np

from charafy.client.conversation import Conversation, ConversationFailed, Data, Told
from charafy.client.recording import Heard, Recording
from charafy.client.ticket import Ticket
from charafy.kernel.media.audio import SAMPLE_RATE, Pcm

_BEFORE_S: Final = 0.5
_AFTER_S: Final = 1.0
"""Of a film: the face at rest, before it is spoken to and when the mouth has closed."""
_TAIL_S: Final = 1.5
"""Of silence after what is said: a microphone stays open, and only silence ends a turn."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of it."""

    heard: str
    """What the character understood; empty for what was typed."""
    text: str
    """What it answered."""
    pcm: Pcm
    """The same, float32 mono at `SAMPLE_RATE`, from the end of what was said on."""
    first_sound_s: float
    """From the end of what was said to the first sound that is louder than silence."""
    stages: Mapping[str, float]
    """Seconds of each stage, as the server counts them."""
    heard_all: Heard = ()
    """All sound of the conversation, as `Recording.save` takes it."""
    over: float = 0.0
    """When it was over (`time.monotonic()`)."""


async def take_turn(
    ticket: Ticket,
    said: str | Pcm,
    *,
    patience_s: float,
    http: httpx.AsyncClient | None = None,
    recording: Recording | None = None,
) -> Answered:
    """Connect, say it (typed, or float32 mono at `SAMPLE_RATE`), listen to the answer, hang up.

    `recording` gets the pictures; nothing is said before there is one. Raises
    `ConversationFailed`, after `patience_s` of waiting for the answer at the latest.
    """
    async with Conversation(
        ticket,
        http=http,
        render="client" if recording is None else "server",
        on_picture=None if recording is None else recording.see,
    ) as talk:
        if recording is not None:
            await _face(talk, recording, patience_s)
        since = len(talk.told)
        if isinstance(said, str):
            talk.send_text(said)
        else:
            talk.microphone.say(_trimmed(said))
            await talk.microphone.drained()
            talk.microphone.say(np.zeros(round(_TAIL_S * SAMPLE_RATE), np.float32))
        over = time.monotonic()
        done = await talk.wait_for("bot-stopped-speaking", timeout_s=patience_s, since=since)
        told = [one for one in talk.told[since:] if one.at <= done.at]
        if recording is not None:
            await asyncio.sleep(_AFTER_S)
        sounded = talk.ears.first_sound(over)
        return Answered(
            heard=" ".join(str(d["text"]) for d in _all(told, "user-transcription") if d["final"]),
            text=" ".join(str(d["text"]) for d in _all(told, "bot-transcription")),
            pcm=talk.ears.since(over),
            first_sound_s=(sounded if sounded is not None else done.at) - over,
            stages=next((dict(d["stages"]) for d in _all(told, "metrics")), {}),
            heard_all=talk.ears.pieces,
            over=time.monotonic(),
        )


async def _face(talk: Conversation, recording: Recording, patience_s: float) -> None:
    """Until there is a picture: a face that was never drawn has to be made of its photo first."""
    if talk.about.get("render") == "server":
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(talk.eyes.opened.wait(), patience_s)
    if recording.began is None:
        raise ConversationFailed("no_picture", "The server shows no face in this conversation.")
    await asyncio.sleep(_BEFORE_S)


def _all(told: list[Told], name: str) -> list[Data]:
    return [one.data for one in told if one.name == name]


def _trimmed(pcm: Pcm, threshold: float = 0.01) -> Pcm:
    """Without silence at its end: the turn ends with the last word, not with the file."""
    loud = np.flatnonzero(np.abs(pcm) > threshold)
    return pcm[: loud[-1] + 1] if len(loud) else pcm
