"""The steps of a video: done twice without harm, and honest about what stops them."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from charafy.engines.voice import Mark
from charafy.house import House
from charafy.kernel.errors import TooManyRequests, UpstreamFailed
from charafy.speech.service import Spoken
from charafy.videos import sound
from charafy.videos.making import Studio, failure_of, may_pass
from charafy.videos.models import Failure, Order, Video
from charafy.videos.still import StillFaces
from charafy.videos.studio import HouseStudio
from charafy.videos.work import Unwanted
from tests.support.images import jpeg
from tests.support.videos import (
    Customer,
    Hands,
    Money,
    look,
    money,
    open_mouth,
    ordered,
    recording,
)


def nothing(_done: float) -> None:
    """A tick that never stops anything."""


class CountingStudio:
    """The house's studio, and how often it was used."""

    def __init__(self, house: House) -> None:
        faces = StillFaces(house.characters, house.storage)
        self._studio = HouseStudio(house.speech, house.storage, faces, listen=open_mouth)
        self.spoken = self.filmed = 0

    def speak(self, order: Order, on_chunk: Callable[[float], None]) -> Spoken:
        self.spoken += 1
        return self._studio.speak(order, on_chunk)

    def film(
        self, video: Video, speech: Spoken, path: Path, on_frame: Callable[[float], None]
    ) -> float:
        self.filmed += 1
        return self._studio.film(video, speech, path, on_frame)


@pytest.fixture
def studio(house: House) -> CountingStudio:
    return CountingStudio(house)


def test_what_was_spoken_is_not_spoken_again(
    house: House, client: TestClient, who: Customer, studio: CountingStudio
) -> None:
    hands = Hands(house, studio)
    video = hands.work.begin(ordered(client, who))
    hands.maker.speak(video, nothing)
    hands.maker.speak(video, nothing)
    assert studio.spoken == 1


def test_a_film_whose_machine_is_gone_is_made_again(
    house: House, client: TestClient, who: Customer, studio: CountingStudio
) -> None:
    hands = Hands(house, studio)
    video = hands.work.begin(ordered(client, who))
    hands.maker.speak(video, nothing)
    duration_s = hands.maker.film(video, nothing)
    hands.maker.clean(None, "elsewhere")
    for path in (house.settings.workshop / video.video_id).iterdir():
        path.unlink()
    made = hands.maker.store(video, duration_s, nothing)
    assert studio.filmed == 2
    assert made == hands.maker.store(video, duration_s, nothing)
    assert studio.filmed == 2


def test_progress_only_goes_forward(client: TestClient, who: Customer, hands: Hands) -> None:
    shares: list[float] = []
    hands.make(ordered(client, who, "One, two, three, four, five, six."), shares.append)
    assert len(shares) > 20
    assert shares == sorted(shares)
    assert 0 <= shares[0] < 0.6 < shares[-1] == 1.0


def test_a_recording_is_filmed_as_it_is_and_has_no_subtitles(
    client: TestClient, who: Customer, hands: Hands
) -> None:
    audio = "data:audio/wav;base64," + base64.b64encode(recording(1.5)).decode()
    video_id = ordered(client, who, None, audio=audio)
    hands.make(video_id)
    done = look(client, who, video_id)
    assert (done["status"], done["subtitles"]) == ("completed", None)
    assert 1.5 <= done["duration_s"] <= 1.9
    assert done["credits_used"] == 12


@pytest.mark.parametrize(
    "look_of_it",
    [
        {"background": "blur"},
        {"background": "#F5efe6"},
        {"background": "data:image/jpeg;base64," + base64.b64encode(jpeg((40, 300))).decode()},
        {"background": "transparent", "format": "webm"},
        {"format": "webm"},
        {"avatar_type": "sprite"},
    ],
)
def test_every_look_can_be_made(
    client: TestClient, who: Customer, hands: Hands, look_of_it: dict[str, Any]
) -> None:
    video_id = ordered(client, who, **look_of_it)
    hands.make(video_id)
    done = look(client, who, video_id)
    assert (done["status"], done["error"]) == ("completed", None)
    kind = look_of_it.get("format", "mp4")
    assert client.get(done["output_url"]).headers["content-type"] == f"video/{kind}"


def test_a_full_disk_ends_the_video_with_that_reason_and_costs_nothing(
    house: House, client: TestClient, who: Customer, hands: Hands
) -> None:
    video_id = ordered(client, who)
    unfinished = house.settings.workshop / video_id / "film.part.mp4"
    unfinished.parent.mkdir(parents=True)
    unfinished.symlink_to("/dev/full")  # every write there meets a full disk

    hands.make(video_id)

    assert look(client, who, video_id)["error_code"] == "disk_full"
    assert money(house, who) == Money(1_000, 0)
    assert house.storage.keys("videos/") == []
    assert not unfinished.parent.exists()


def test_what_no_picture_can_be_made_of_is_said_with_its_hint(
    house: House, client: TestClient, who: Customer, studio: CountingStudio
) -> None:
    class Refusing(CountingStudio):
        def film(self, *_arguments: Any) -> float:
            raise Failure("picture_unusable", "Nobody is in it.")

    refusing: Studio = Refusing(house)
    video_id = ordered(client, who)
    Hands(house, refusing).make(video_id)
    failed = look(client, who, video_id)
    assert failed["error_code"] == "picture_unusable"
    assert failed["error"].endswith("Nobody is in it.")


def test_only_what_may_pass_is_tried_again() -> None:
    busy = TooManyRequests("Busy.", retry_after_s=1)
    assert all(map(may_pass, (UpstreamFailed("No answer."), busy, ConnectionError())))
    full = OSError(28, "No space left on device")
    broken = RuntimeError("a bug")
    assert not any(map(may_pass, (full, broken, Failure("internal"), Unwanted())))


def test_the_reason_is_found_behind_other_errors() -> None:
    def wrapped(inner: Exception) -> Exception:
        try:
            raise RuntimeError("the encoder failed") from inner
        except RuntimeError as outer:
            return outer

    assert failure_of(wrapped(OSError(28, "No space left on device"))).code == "disk_full"
    assert failure_of(wrapped(Failure("nothing_to_say"))).code == "nothing_to_say"
    assert failure_of(wrapped(ValueError("secret words"))).code == "internal"
    assert "secret" not in failure_of(ValueError("secret words")).message


def test_sound_and_timeline_come_back_from_their_files() -> None:
    pcm = np.linspace(-1.2, 1.2, 2_400, dtype=np.float32)
    back = sound.from_wav(sound.to_wav(pcm))
    assert back.dtype == np.float32
    assert np.abs(back - np.clip(pcm, -1, 1)).max() < 1 / 32_000
    marks = (Mark("word", "花", 0.0, 0.25), Mark("phoneme", "h", 0.0, 0.1))
    assert sound.from_json(sound.to_json(marks)) == marks
