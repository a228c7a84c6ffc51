"""A photo, a text, and the real engines in between: the film shows a face that speaks."""

from __future__ import annotations

import base64
import io
from itertools import pairwise

import av
import numpy as np
import pytest
from fastapi.testclient import TestClient

from charafy.characters.service import Draft
from charafy.engines.portrait.rendering import RigRenderer
from charafy.engines.voice import SAMPLE_RATE
from charafy.engines.voice.heard import heard
from charafy.house import House
from charafy.videos.studio import AvatarFaces, HouseStudio
from tests.support.images import jpeg, portrait
from tests.support.videos import Customer, Hands, Money, look, money, order, ordered, recording

pytestmark = pytest.mark.slow


@pytest.fixture
def hands(house: House) -> Hands:
    faces = AvatarFaces(house.avatars, RigRenderer)
    return Hands(
        house,
        HouseStudio(house.speech, house.storage, faces, listen=lambda pcm: heard(pcm, SAMPLE_RATE)),
    )


def with_face(house: House, who: Customer, picture: bytes) -> str:
    """Another character of the customer's; its id."""
    voice = next(v for v in house.voices.available(who.account_id) if v.language == "en")
    draft = Draft("Emma", voice.voice_id, "en")
    return house.characters.create(who.account_id, draft, picture, limit=5).character_id


def changes(film: bytes) -> float:
    """How much neighbouring frames differ on average, in levels of grey."""
    with av.open(io.BytesIO(film), "r") as container:
        frames = [f.to_ndarray(format="gray").astype(np.int16) for f in container.decode(video=0)]
    assert len(frames) > 10
    return float(np.mean([np.abs(b - a).mean() for a, b in pairwise(frames)]))


@pytest.mark.parametrize("avatar_type", ["motion", "sprite"])
def test_the_face_speaks(
    house: House, client: TestClient, who: Customer, hands: Hands, avatar_type: str
) -> None:
    character_id = with_face(house, who, portrait())
    size = {"width": 256, "height": 256, "avatar_type": avatar_type}
    video_id = ordered(client, who, "Mama, papa, hello!", character_id=character_id, **size)
    still = ordered(client, who, "Mama, papa, hello!", **size)
    hands.make(video_id)
    Hands(house).make(still)  # the unmoved picture, for comparison
    done = look(client, who, video_id)
    assert (done["status"], done["error"]) == ("completed", None)
    film = client.get(done["output_url"]).content
    unmoved = client.get(look(client, who, still)["output_url"]).content
    # How much depends on when it blinks, which is another film's each time: 0.097 was seen.
    assert changes(film) > 10 * changes(unmoved) + 0.05


def test_a_recording_moves_the_mouth_by_what_is_heard(
    house: House, client: TestClient, who: Customer, hands: Hands
) -> None:
    character_id = with_face(house, who, portrait())
    audio = "data:audio/wav;base64," + base64.b64encode(recording(2.0)).decode()
    video_id = ordered(client, who, None, character_id=character_id, audio=audio)
    hands.make(video_id)
    done = look(client, who, video_id)
    assert (done["status"], done["error"]) == ("completed", None)


def test_a_picture_without_a_face_is_said_so_and_costs_nothing(
    house: House, client: TestClient, who: Customer, hands: Hands
) -> None:
    created = order(client, who, character_id=with_face(house, who, jpeg())).json()
    hands.make(created["video_id"])
    failed = look(client, who, created["video_id"])
    assert failed["error_code"] == "picture_unusable"
    assert len(failed["error"]) > 80  # with what was seen and what to do
    assert money(house, who) == Money(1_000, 0)
