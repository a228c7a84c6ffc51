"""The playground of speech: a text spoken at once, its words in time, the file to keep."""

from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Form, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from charafy.dashboard.cast import CastMember, introduce
from charafy.dashboard.door import Door, Visitor
from charafy.dashboard.making import FOR_SCRIPT, Makers, checked, factor, refusal, voice_groups
from charafy.engines.voice import MAX_SPEED, MIN_SPEED
from charafy.kernel.errors import CharafyError
from charafy.kernel.http.schema import Body
from charafy.kernel.media.audio import AudioFormat
from charafy.speech.answers import Begin, streamed, timestamped
from charafy.speech.schemas import MAX_CHARS, Speed, Text
from charafy.web.pages import language_of

FORMATS: Final[tuple[AudioFormat, ...]] = ("mp3", "wav", "flac", "opus")
"""What browsers can play as well as keep."""

Sent = Annotated[str, Form(max_length=20_000)]
Part = Annotated[str, Query(max_length=20)]


class Line(Body):
    """What is to be said, and by whom: a voice_id or a character_id."""

    text: Text
    speaker: str
    format: AudioFormat = "mp3"
    speed: Speed = 1.0


class Playground:
    """The handlers of this page."""

    def __init__(self, door: Door, makers: Makers) -> None:
        self._door = door
        self._makers = makers

    def add_to(self, api: APIRouter) -> None:
        door = self._door

        @api.get("/dashboard/speech")
        def show(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.member)],
            speaker: Annotated[str, Query(max_length=100)] = "",
        ) -> Response:
            return self._page(request, visitor, speaker=speaker)

        @api.post("/dashboard/speech")
        async def speak(
            request: Request,
            visitor: Annotated[Visitor, Depends(door.member_sender)],
            *,
            part: Part = "",
            text: Sent = "",
            speaker: Sent = "",
            format: Sent = "mp3",
            speed: Sent = "1",
        ) -> Response:
            """The audio with its timeline for the script; without scripts, the file."""
            try:
                line = _line(text, speaker, format, speed)
                begin = self._beginning(visitor, request, line)
                if part == FOR_SCRIPT:
                    return await timestamped(self._makers.speech, request.receive, begin)
                answer = await streamed(self._makers.speech, begin)
            except CharafyError as error:
                if part == FOR_SCRIPT:
                    return await run_in_threadpool(refusal, door, request, error)
                return await run_in_threadpool(
                    partial(self._page, request, visitor, speaker=speaker, error=error, text=text)
                )
            name = f"speech.{line.format}"
            answer.headers["content-disposition"] = f'attachment; filename="{name}"'
            return answer

    def _beginning(self, visitor: Visitor, request: Request, line: Line) -> Begin:
        speech, caller = self._makers.speech, visitor.member.caller()
        return partial(
            speech.begin,
            caller,
            request,
            line,
            partial(speech.by_name, caller, line.speaker),
            text=line.text,
            audio_format=line.format,
            speed=line.speed,
        )

    def _page(
        self,
        request: Request,
        visitor: Visitor,
        *,
        speaker: str = "",
        error: CharafyError | None = None,
        text: str = "",
    ) -> Response:
        makers, account_id = self._makers, visitor.member.account_id
        people = introduce(makers.characters.list(account_id), makers.voices)
        groups = voice_groups(makers.voices, account_id)
        response = self._door.page(
            request,
            visitor,
            "speech",
            error.status if error else 200,
            said=self._door.words(request, error) if error else "",
            text=text,
            people=people,
            groups=groups,
            speaker=speaker or _first(people, language_of(request)),
            formats=FORMATS,
            speeds=(MIN_SPEED, MAX_SPEED),
            most=MAX_CHARS,
            rate=makers.prices.tts_per_100_chars,
            spendable=makers.credits_left(account_id),
        )
        response.headers.update(error.headers if error else {})
        return response


def _first(people: list[CastMember], language: str) -> str:
    """A character of the reader's language, else any."""
    native = [person for person in people if person.language == language]
    return next((person.character_id for person in native or people), "")


def _line(text: str, speaker: str, audio_format: str, speed: str) -> Line:
    sent = {"text": text, "speaker": speaker, "format": audio_format, "speed": factor(speed)}
    return checked(Line, sent)
