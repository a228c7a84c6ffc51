"""What the speech routes take and answer."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from charafy.engines.voice import MAX_SPEED, MIN_SPEED, Mark
from charafy.engines.voice.visemes import Shape, Viseme
from charafy.kernel.http.schema import Answer, Body
from charafy.kernel.media.audio import AudioFormat

MAX_CHARS = 5_000

Text = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_CHARS,
        description='What to say (1-5,000 characters). Pauses: `<break time="500ms"/>`.',
        examples=["Hello!"],
    ),
]
Speed = Annotated[
    float,
    Field(
        ge=MIN_SPEED,
        le=MAX_SPEED,
        allow_inf_nan=False,
        description="0.5 (half as fast) to 2 (twice as fast).",
    ),
]


class SpeechBody(Body):
    model_config = ConfigDict(
        json_schema_extra={
            "example": {"character_id": "5f0c1f0e-58a9-4f3e-9d0a-6c1f6d3f2a11", "text": "Hello!"}
        }
    )

    character_id: str = Field(
        max_length=100,
        description="UUID of the character who speaks.",
        examples=["5f0c1f0e-58a9-4f3e-9d0a-6c1f6d3f2a11"],
    )
    text: Text
    format: AudioFormat = Field("mp3", description="The audio's format; pcm: 16 bit, 24 kHz, mono.")
    speed: Speed = 1.0
    voice_id: str | None = Field(
        None, max_length=100, description="Another voice than the character's, this time."
    )
    language: Literal["ja", "en"] | None = Field(
        None,
        description="How digits and characters that both languages use are read; "
        "default: the character's language.",
    )


class Timed(Answer):
    """A stretch of the audio, in seconds from its first sample."""

    text: str = Field(examples=["Hello"])
    start_s: float = Field(examples=[0.075])
    end_s: float = Field(examples=[0.425])

    @classmethod
    def of(cls, mark: Mark) -> Timed:
        return cls(text=mark.text, start_s=round(mark.start_s, 4), end_s=round(mark.end_s, 4))


class MouthShape(Answer):
    """A shape of the mouth, in seconds from the first sample."""

    viseme: Shape = Field(description="Oculus' names.", examples=["PP"])
    start_s: float = Field(examples=[0.075])
    end_s: float = Field(examples=[0.125])

    @classmethod
    def of(cls, viseme: Viseme) -> MouthShape:
        start_s, end_s = round(viseme.start_s, 4), round(viseme.end_s, 4)
        return cls(viseme=viseme.shape, start_s=start_s, end_s=end_s)


class TimestampsAnswer(Answer):
    audio: str = Field(description="The audio file, base64.")
    format: AudioFormat
    duration_s: float = Field(examples=[1.475])
    words: list[Timed] = Field(description="As written in the text.")
    phonemes: list[Timed] = Field(
        description="Sounds in IPA, as the voice spoke them, stress before the sound that bears it."
    )
    visemes: list[MouthShape] = Field(description="From 0 to the end, without gaps.")
    credits_used: int = Field(examples=[1])
    credits_remaining: int = Field(examples=[999])


class VoiceReference(Body):
    id: str = Field(min_length=1, max_length=100)


class OpenAiSpeechBody(Body):
    model_config = ConfigDict(
        json_schema_extra={"example": {"model": "kokoro", "voice": "af_heart", "input": "Hello!"}}
    )

    model: str = Field(max_length=100, description="One of GET /v1/models.", examples=["kokoro"])
    input: Text
    voice: str | VoiceReference = Field(
        description="A voice's name (af_heart, Hinata), an OpenAI voice name (alloy, nova, …), "
        "a voice_id or a character_id.",
        examples=["af_heart"],
    )
    response_format: AudioFormat = "mp3"
    speed: Speed = 1.0
    instructions: str | None = Field(None, description="Accepted and not followed.")
    stream_format: Literal["audio"] | None = Field(
        None, description="Audio bytes are streamed; server-sent events are not offered."
    )

    @property
    def voice_name(self) -> str:
        return self.voice if isinstance(self.voice, str) else self.voice.id


class Model(Answer):
    id: str = Field(examples=["kokoro"])
    object: Literal["model"] = "model"
    created: int = Field(description="Unix time.", examples=[1767225600])
    owned_by: str = Field(examples=["charafy"])


class Models(Answer):
    object: Literal["list"] = "list"
    data: list[Model]
