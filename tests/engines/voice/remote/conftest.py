"""Both services, each as a fake on this machine, with a speaker and a cloner that know it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import httpx
import numpy as np
import pytest

from charafy.engines.voice import SAMPLE_RATE, FrontEnd, Language, SpeechChunk, Voice
from charafy.engines.voice.cloning import Clone, Cloner, Reference
from charafy.engines.voice.cloning.clonefile import unpack
from charafy.engines.voice.remote.cloner import Score
from charafy.engines.voice.remote.elevenlabs import ElevenLabsCloner, ElevenLabsSpeaker, Options
from charafy.engines.voice.remote.openai import Dialect, OpenAICloner, OpenAISpeaker
from charafy.engines.voice.remote.service import Service, Waits
from charafy.engines.voice.remote.speaking import Speaking
from charafy.engines.voice.router import CloneSpeaker
from charafy.engines.voice.text import TextFrontEnd
from tests.support.fake_voice_services import KEY, FakeService, fake_elevenlabs, fake_openai

Kind = Literal["openai", "elevenlabs"]
PATIENT = Waits(connect_s=5.0, read_s=10.0, total_s=30.0)
HASTY = Waits(connect_s=0.5, read_s=0.3, total_s=0.6)


@dataclass
class Remote:
    """One service and what this house has for it."""

    kind: Kind
    fake: FakeService
    front_end: FrontEnd
    waits: Waits = PATIENT
    key: str = KEY
    dialect: Dialect = field(default_factory=Dialect)
    options: Options = field(default_factory=Options)
    score: Score | None = None
    words: str | None = None
    slept: list[float] = field(default_factory=list)
    clients: list[httpx.Client] = field(default_factory=list)

    def service(self) -> Service:
        address = self.fake.url + ("/v1" if self.kind == "openai" else "")
        name = "Authorization" if self.kind == "openai" else "xi-api-key"
        value = f"Bearer {self.key}" if self.kind == "openai" else self.key
        # Proxies of the machine are none of a test's business.
        client = httpx.Client(trust_env=False)
        self.clients.append(client)
        return Service(
            address, {name: value}, client=client, waits=self.waits, sleep=self.slept.append
        )

    @property
    def speaker(self) -> CloneSpeaker:
        speaking = Speaking(self.front_end)
        if self.kind == "openai":
            return OpenAISpeaker(self.service(), self.dialect, speaking)
        return ElevenLabsSpeaker(self.service(), self.options, speaking)

    @property
    def cloner(self) -> Cloner:
        speaking = Speaking(self.front_end)
        if self.kind == "openai":
            return OpenAICloner(
                self.service(),
                self.dialect,
                speaking,
                score=self.score,
                transcribe=lambda _: self.words,
            )
        return ElevenLabsCloner(self.service(), self.options, speaking, score=self.score)

    def but(self, **changes: Any) -> Remote:
        return replace(self, **changes)

    def cloned(self) -> dict[str, Any]:
        """The fields of a new clone's file."""
        return unpack(self.clone().data)[1]

    def clone(self, seconds: float = 6.0, language: Language = "en") -> Clone:
        return self.cloner.clone(recording(seconds, language), "Mio", lambda _: None)

    def speak(self, text: str, language: Language = "en", speed: float = 1.0) -> list[SpeechChunk]:
        """With a clone that is already there; the requests of its making are forgotten."""
        fields = self.cloned()
        self.fake.asked.clear()
        return list(self.speaker.speak(fields, text, language, speed))


def recording(seconds: float = 6.0, language: Language = "en") -> Reference:
    """Something to recognise: a tone that rises."""
    times = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    pcm = 0.4 * np.sin(2 * np.pi * (150 + 20 * times) * times)
    return Reference(pcm.astype(np.float32), language)


@pytest.fixture(scope="session")
def front_end() -> TextFrontEnd:
    return TextFrontEnd()


MakeRemote = Callable[..., Remote]


@pytest.fixture
def make_remote(front_end: TextFrontEnd) -> Iterator[MakeRemote]:
    with ExitStack() as stack:
        made: list[Remote] = []

        def make(kind: Kind, voice: Voice | None = None, **changes: Any) -> Remote:
            serving = fake_openai if kind == "openai" else fake_elevenlabs
            fake = stack.enter_context(serving(voice))
            made.append(Remote(kind, fake, front_end, **changes))
            return made[-1]

        yield make
        for remote in made:
            for client in remote.clients:
                client.close()


@pytest.fixture(params=["openai", "elevenlabs"])
def remote(request: pytest.FixtureRequest, make_remote: MakeRemote) -> Remote:
    """Each of the two in turn."""
    return make_remote(request.param)
