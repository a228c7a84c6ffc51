"""A house that makes videos of unmoved photos, and a pair of hands that does a worker's work."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from fastapi.testclient import TestClient

from charafy.characters.service import Draft
from charafy.engines.portrait.motion import Cue
from charafy.engines.voice import Pcm
from charafy.house import House
from charafy.kernel.http.caller import ALL_SCOPES, Caller
from charafy.kernel.media.audio import SAMPLE_RATE
from charafy.videos.making import Maker, Studio, Tick, failure_of
from charafy.videos.models import Failure, Video
from charafy.videos.still import StillFaces
from charafy.videos.studio import HouseStudio
from charafy.videos.work import Unwanted
from tests.support.images import jpeg

API = "/api/v1"
TINY: dict[str, Any] = {"width": 128, "height": 128, "fps": 12}


@dataclass(frozen=True, slots=True)
class Customer:
    """An account with an English character, and its keys."""

    account_id: str
    character_id: str
    key: str
    test_key: str

    @property
    def headers(self) -> dict[str, str]:
        return {"x-api-key": self.key}

    @property
    def caller(self) -> Caller:
        return Caller(self.account_id, "standard", None, False, frozenset(ALL_SCOPES))


def customer(house: House, credits: int = 1_000, plan: str = "standard") -> Customer:
    number = len(house.accounts.list(limit=100))
    account = house.accounts.create(
        f"customer{number}@example.com", name="Customer", plan=plan, credits=credits
    )
    voice = next(v for v in house.voices.available(account.account_id) if v.language == "en")
    character = house.characters.create(
        account.account_id, Draft("Aria", voice.voice_id, "en"), jpeg(), limit=5
    )
    return Customer(
        account.account_id,
        character.character_id,
        house.keys.create(account.account_id, "live").key,
        house.keys.create(account.account_id, "test", kind="test").key,
    )


@dataclass(frozen=True, slots=True)
class Money:
    """What an account has."""

    available: int
    held: int


def money(house: House, who: Customer) -> Money:
    with house.db.read() as tx:
        assert house.credits.audit(tx) == []
        balance = house.credits.balance(tx, who.account_id)
    return Money(balance.available, balance.held)


def order(client: TestClient, who: Customer, text: str | None = "Hello!", **more: Any) -> Any:
    """POST /v1/video, tiny unless said otherwise."""
    body = {"character_id": who.character_id, **({"text": text} if text else {}), **TINY, **more}
    return client.post(f"{API}/video", json=body, headers=who.headers)


def ordered(client: TestClient, who: Customer, text: str | None = "Hello!", **more: Any) -> str:
    """The id of a new video."""
    answer = order(client, who, text, **more)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["video_id"])


def look(client: TestClient, who: Customer, video_id: str) -> Any:
    answer = client.get(f"{API}/video/{video_id}", headers=who.headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def recording(seconds: float = 1.0, rate: int = SAMPLE_RATE) -> bytes:
    """A WAV file of a tone."""
    time_s = np.arange(round(seconds * rate)) / rate
    samples = (np.sin(2 * np.pi * 220 * time_s) * 9_000).astype("<i2")
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return written.getvalue()


def open_mouth(pcm: Pcm) -> tuple[Cue, ...]:
    return (Cue("aa", 0.0, len(pcm) / SAMPLE_RATE),)


class Hands:
    """Does what a worker does, in this thread and without its bookkeeping."""

    def __init__(self, house: House, studio: Studio | None = None) -> None:
        self.work = house.video_room.work
        faces = StillFaces(house.characters, house.storage)
        self.studio = studio or HouseStudio(house.speech, house.storage, faces, listen=open_mouth)
        self.maker = Maker(self.work, self.studio, house.storage, house.settings.workshop)

    def make(self, video_id: str, tick: Tick | None = None) -> None:
        """From the beginning to whatever end."""
        try:
            video = self.work.begin(video_id)
            self.steps(video, tick or self.watching(video))
        except Unwanted:
            pass
        except Failure as failure:
            self.work.fail(video_id, failure)
        except Exception as error:  # noqa: BLE001 - as a worker does
            self.work.fail(video_id, failure_of(error))
        self.maker.clean(self.work.find(video_id), video_id)

    def steps(self, video: Video, tick: Tick) -> None:
        self.maker.speak(video, tick)
        duration_s = self.maker.film(video, tick)
        made = self.maker.store(video, duration_s, tick)
        self.maker.settle(video, made)

    def watching(self, video: Video) -> Tick:
        return lambda _done: self.work.require_wanted(video)


def once(then: Callable[[], object]) -> Callable[[float], None]:
    """A tick that does something the first time that it hears of progress."""
    done = False

    def tick(_share: float) -> None:
        nonlocal done
        if not done:
            done = True
            then()

    return tick
