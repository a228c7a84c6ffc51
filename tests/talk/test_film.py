"""Pictures are drawn when they are asked for, for now: late ones are left out, never caught up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiortc.mediastreams import MediaStreamError
from av import VideoFrame
from fastapi.testclient import TestClient

from bench.skew import skew
from charafy.characters.service import Draft
from charafy.conversations.models import Admitted
from charafy.house import House
from charafy.talk.faces import Face, loads
from charafy.talk.film import FPS, Films, FilmTrack
from charafy.talk.node import Node, Offer
from charafy.talk.pace import Pace
from charafy.talk.phrases import Phrases
from charafy.talk.run import guests_of, makes
from tests.support import virtual_time
from tests.support.caller import Caller
from tests.support.conversations import asked, row
from tests.support.images import portrait
from tests.support.mouthing import BeatingCrew, Lamp
from tests.support.videos import Customer

MOST_S = 0.125
"""Sound and picture further apart are noticed."""
ALIKE = 0.6
"""A mouth that follows the sound reaches 0.9, a face that only moves its head 0.4 at most."""


def filmed(seconds: float, *, each_takes_s: float) -> list[float]:
    """When the pictures of a track were for, by their own timestamps."""

    async def main() -> list[float]:
        loop = asyncio.get_running_loop()

        async def shot() -> VideoFrame:
            await asyncio.sleep(each_takes_s)
            return VideoFrame(64, 64, "yuv420p")

        track, stamps = FilmTrack(shot, loop.time), []
        while loop.time() < seconds:
            frame = await track.recv()
            assert frame.pts is not None and frame.time_base is not None
            stamps.append(float(frame.pts * frame.time_base))
        return stamps

    return virtual_time.run(main())


def test_there_are_25_pictures_a_second_stamped_with_their_time() -> None:
    stamps = filmed(10.0, each_takes_s=0.005)
    assert stamps == pytest.approx([number / FPS for number in range(len(stamps))], abs=0.001)
    assert len(stamps) == pytest.approx(250, abs=2)


def test_who_draws_slowly_shows_fewer_pictures_and_stays_on_time() -> None:
    stamps = filmed(10.0, each_takes_s=0.1)
    assert len(stamps) == pytest.approx(100, abs=2)
    assert stamps[-1] == pytest.approx(10.0, abs=0.2)


def test_a_track_that_was_stopped_gives_nothing() -> None:
    async def main() -> None:
        async def shot() -> VideoFrame:
            raise AssertionError("nobody may ask")

        track = FilmTrack(shot, lambda: 0.0)
        track.stop()
        with pytest.raises(MediaStreamError):
            await track.recv()

    asyncio.run(main())


def watch(
    house: House,
    token: str,
    play: Callable[[Caller, Node], Awaitable[None]],
    load: Callable[[Admitted], Face],
    *,
    faces: int = 2,
    render: str | None = "server",
    video: bool = True,
) -> Caller:
    """Call for video, `play`, hang up, and let the node settle it."""

    async def main() -> Caller:
        crew = BeatingCrew(heard=["I like tea."], answers=["Yes."])
        phrases = Phrases(crew)
        films = Films(load, capacity=faces)
        node = Node(
            "talk-test",
            house.conversation_room.sessions,
            house.conversation_room.succession,
            makes(crew, Pace(rate=3.0), phrases, guests_of(house)),
            capacity=2,
            idle_s=60.0,
            prepare=phrases.prepare,
            films=films,
        )
        caller = Caller(video=video)
        try:
            offer = Offer(token=token, sdp=await caller.offer(), render=render)
            await caller.answered(await node.connect(offer))
            await caller.told("bot-ready")
            await play(caller, node)
        finally:
            await caller.hang_up()
            await node.drain(10)
            assert films.count == 0
            films.close()
        return caller

    return asyncio.run(main())


@pytest.fixture
def minted(client: TestClient, who: Customer) -> dict[str, Any]:
    answer: dict[str, Any] = asked(client, who, mode="video", greeting="Hello!")
    return answer


async def hang_up(caller: Caller, _node: Node) -> None:
    caller.send("disconnect-bot")
    await caller.told("ended")


async def look(caller: Caller, node: Node) -> None:
    await caller.told("speech-ended")
    await hang_up(caller, node)


async def watch_an_answer(caller: Caller, node: Node) -> None:
    """Once there is a picture."""
    async with asyncio.timeout(60):
        while not caller.seen:
            await asyncio.sleep(0.1)
    caller.seen.clear()
    caller.send("send-text", content="Do you like tea?")
    before = len(caller.of("speech-ended"))
    await caller.told("speech-ended", times=before + 1)
    await hang_up(caller, node)


def test_who_asks_for_video_gets_vp8_in_time_with_the_sound(
    house: House, minted: dict[str, Any]
) -> None:
    caller = watch(house, minted["token"], look, lambda _who: Lamp())
    assert caller.of("bot-ready")[0]["render"] == "server"
    assert caller.codec("video") == "video/VP8"
    between = skew(caller.seen, caller.heard)
    assert between["agreement"] > ALIKE
    assert abs(between["late_s"]) < MOST_S


@pytest.mark.parametrize(
    ("render", "video", "who_draws"),
    [
        (None, True, "server"),
        ("server", True, "server"),
        ("client", True, "client"),
        (None, False, "client"),
        ("server", False, "client"),
    ],
)
def test_the_face_is_drawn_here_for_who_takes_video_and_does_not_draw_it(
    house: House, minted: dict[str, Any], render: str | None, video: bool, who_draws: str
) -> None:
    caller = watch(house, minted["token"], hang_up, lambda _who: Lamp(), render=render, video=video)
    assert caller.of("bot-ready")[0]["render"] == who_draws


def test_a_conversation_of_voices_has_no_face(
    house: House, client: TestClient, who: Customer
) -> None:
    token = asked(client, who, mode="audio-only")["token"]
    caller = watch(house, token, hang_up, lambda _who: Lamp())
    assert caller.of("bot-ready")[0]["render"] == "client"


def test_with_more_faces_than_it_can_draw_the_client_draws_and_pays_for_video(
    house: House, minted: dict[str, Any]
) -> None:
    caller = watch(house, minted["token"], look, lambda _who: Lamp(), faces=0)
    assert caller.of("bot-ready")[0]["render"] == "client"
    assert not caller.seen
    ended = row(house, minted["conversation_id"])
    assert ended.video_seconds is None
    assert ended.charged == -(-ended.rate * ended.seconds // 60)


def test_a_face_that_breaks_leaves_the_voice_and_its_price(
    house: House, minted: dict[str, Any]
) -> None:
    lamp = Lamp()

    async def play(caller: Caller, node: Node) -> None:
        while len(caller.seen) < 20:
            await asyncio.sleep(0.02)
        lamp.broken = True
        assert await caller.told("video-stopped") == {"t": "video-stopped", "reason": "failed"}
        caller.send("client-message", t="say", d={"text": "I am still here."})
        await caller.told("speech-ended", times=2, within_s=30)
        await hang_up(caller, node)

    caller = watch(house, minted["token"], play, lambda _who: lamp)
    assert not caller.of("speech-ended")[1]["interrupted"]
    ended = row(house, minted["conversation_id"])
    assert ended.reason == "hang_up"
    assert ended.video_seconds is not None
    assert 0.5 < ended.video_seconds < ended.seconds - 2.0
    voice_s = ended.seconds - ended.video_seconds
    owed = (ended.video_seconds * ended.rate + voice_s * ended.audio_rate) / 60
    assert ended.charged == -(-owed // 1)


def test_a_photo_without_a_face_is_said_so_and_charged_as_voice(
    house: House, minted: dict[str, Any]
) -> None:
    def refuse(_who: Admitted) -> Face:
        raise ValueError("no face was found")

    async def play(caller: Caller, node: Node) -> None:
        await caller.told("video-stopped")
        await look(caller, node)

    caller = watch(house, minted["token"], play, refuse)
    assert caller.of("video-stopped")[0]["reason"] == "no_face"
    assert any(loud > 3000 for _, loud in caller.heard)
    ended = row(house, minted["conversation_id"])
    assert ended.video_seconds == 0.0
    assert ended.charged == -(-ended.audio_rate * ended.seconds // 60)


@pytest.mark.slow
def test_a_real_photo_that_shows_nobody_is_said_so(house: House, minted: dict[str, Any]) -> None:
    async def play(caller: Caller, node: Node) -> None:
        await caller.told("video-stopped", within_s=90)
        await hang_up(caller, node)

    caller = watch(house, minted["token"], play, loads(house))
    assert caller.of("video-stopped")[0]["reason"] == "no_face"


def test_who_comes_back_sees_the_face_again(house: House, minted: dict[str, Any]) -> None:
    async def play(first: Caller, node: Node) -> None:
        while not first.seen:
            await asyncio.sleep(0.02)
        [pc_id] = node.connections
        await first.hang_up()
        second = Caller(video=True)
        try:
            again = Offer(token=minted["token"], sdp=await second.offer(), pc_id=pc_id)
            await second.answered(await node.connect(again))
            async with asyncio.timeout(10):
                while len(second.seen) < 20:
                    await asyncio.sleep(0.02)
            await hang_up(second, node)
        finally:
            await second.hang_up()

    watch(house, minted["token"], play, lambda _who: Lamp())
    assert row(house, minted["conversation_id"]).video_seconds is not None


def test_every_beat_says_how_long_there_was_a_face(
    house: House, minted: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is charged if the process dies after it."""
    monkeypatch.setattr("charafy.talk.session.BEAT_S", 0.5)
    lamp = Lamp()
    told: list[float | None] = []

    async def play(caller: Caller, node: Node) -> None:
        while len(caller.seen) < 50:
            await asyncio.sleep(0.02)
        lamp.broken = True
        await caller.told("video-stopped")
        for _ in range(2):
            await asyncio.sleep(0.8)
            told.append(row(house, minted["conversation_id"]).video_seconds)
        await hang_up(caller, node)

    watch(house, minted["token"], play, lambda _who: lamp)
    assert told[0] == told[1]
    ended = row(house, minted["conversation_id"])
    assert ended.video_seconds == pytest.approx(told[0], abs=0.001)
    assert told[0] == pytest.approx(2.0, abs=0.8)


@pytest.mark.slow
def test_the_face_of_a_photo_opens_its_mouth_while_it_is_heard(
    house: House, client: TestClient, who: Customer
) -> None:
    voice = next(v for v in house.voices.available(who.account_id) if v.language == "en")
    character = house.characters.create(
        who.account_id, Draft("Emma", voice.voice_id, "en"), portrait(), limit=5
    )
    token = asked(client, who, character_id=character.character_id, mode="video", greeting="")[
        "token"
    ]

    caller = watch(house, token, watch_an_answer, loads(house))
    assert caller.seen[0][1].shape == (512, 512)
    between = skew(caller.seen, caller.heard)
    assert between["agreement"] > ALIKE
    assert abs(between["late_s"]) < MOST_S
