"""A visitor over a real LiveKit server to a node: scripted engines between, the real ledger."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from livekit import rtc
from numpy.typing import NDArray

from charafy.conversations.models import Admitted
from charafy.engines.voice import Language, SpeechChunk
from charafy.house import House
from charafy.talk.dispatch import Dispatch
from charafy.talk.faces import Face
from charafy.talk.film import Films
from charafy.talk.node import Node
from tests.support.conversations import asked, row, spent
from tests.support.room_visitor import RoomVisitor
from tests.support.talking import ScriptedCrew
from tests.support.videos import Customer, money
from tests.talk.test_node import node_of

LONG = (
    "Behind the old house lies a garden with roses, tulips, and a small pond. "
    "Every morning my grandmother walked there with her cat before breakfast was ready. "
    "She told me the names of all birds that sang in the apple trees around us."
)


class Humming(ScriptedCrew):
    """Speaks in a tone: Opus keeps nothing of the even sound that the others make."""

    async def speak(
        self, text: str, voice: str, language: Language
    ) -> AsyncGenerator[SpeechChunk, None]:
        async with contextlib.aclosing(super().speak(text, voice, language)) as chunks:
            async for chunk in chunks:
                tone = np.sin(np.arange(len(chunk.pcm)) * 0.1) * 0.5
                yield replace(chunk, pcm=tone.astype(np.float32))


def voice(seconds: float) -> NDArray[np.int16]:
    """What the scripted ears take for speech."""
    tone: NDArray[np.float64] = np.sin(np.arange(int(16_000 * seconds)) * 0.2)
    return (tone * 16_000).astype(np.int16)


def visit(
    house: House,
    minted: dict[str, Any],
    play: Callable[[RoomVisitor, Node], Awaitable[None]],
    *,
    crew: ScriptedCrew | None = None,
    microphone: bool = True,
    load: Callable[[Admitted], Face] | None = None,
    **more: Any,
) -> RoomVisitor:
    """Join, `play`, leave, and let the node settle it. `load`: whose face the node draws."""

    async def main() -> RoomVisitor:
        room = house.conversation_room
        assert room.livekit is not None
        films = Films(load, capacity=2) if load is not None else None
        crew_ = crew or ScriptedCrew(heard=["I like tea."])
        node = node_of(house, crew_, films=films, **more)
        dispatch = Dispatch(room.livekit, node, room.sessions, room.nodes)
        serving = asyncio.create_task(dispatch.run())
        visitor = RoomVisitor()
        try:
            await asyncio.wait_for(dispatch.ready.wait(), 20)
            await visitor.join(minted["livekit_url"], minted["token"], microphone=microphone)
            await play(visitor, node)
        finally:
            await visitor.leave()
            await node.drain(10)
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
            if films is not None:
                films.close()
        return visitor

    return asyncio.run(main())


@pytest.fixture
def minted(client: TestClient, who: Customer) -> dict[str, Any]:
    answer: dict[str, Any] = asked(client, who)
    return answer


def test_who_joins_with_the_token_is_greeted_and_pays_by_the_second(
    house: House, who: Customer, minted: dict[str, Any]
) -> None:
    async def play(visitor: RoomVisitor, node: Node) -> None:
        ready = await visitor.told("bot-ready")
        assert ready["conversation_id"] == minted["conversation_id"]
        await visitor.told("speech-ended")
        await visitor.send("send-text", content="What do you like?")
        await visitor.told("speech-ended", times=2)
        await visitor.send("disconnect-bot")
        await visitor.told("ended")

    visitor = visit(house, minted, play)
    assert visitor.of("ended") == [{"t": "ended", "reason": "hang_up"}]
    assert any(loud > 3000 for _, loud in visitor.heard)
    ended = row(house, minted["conversation_id"])
    assert (ended.state, ended.reason) == ("ended", "hang_up")
    assert 1 <= ended.seconds < 60
    assert ended.charged == -(-5 * ended.seconds // 60)
    assert [-entry.amount for entry in spent(house, who)] == [ended.charged]


def test_speech_is_heard_and_answered_with_words_and_mouth_shapes(
    house: House, minted: dict[str, Any]
) -> None:
    async def play(visitor: RoomVisitor, node: Node) -> None:
        await visitor.told("speech-ended")
        visitor.speak(voice(1.0))
        await visitor.told("user-transcription")
        await visitor.told("speech-ended", times=2)
        await visitor.told("metrics")

    visitor = visit(house, minted, play)
    assert visitor.of("user-transcription")[0]["text"] == "I like tea."
    words = [word for said in visitor.of("speech") for word, *_ in said["words"]]
    assert " ".join(words[-8:]) == "That is nice. Tell me more about it."
    assert any(said["visemes"] for said in visitor.of("speech"))
    assert visitor.of("metrics")[0]["stages"]["audible"] > 0


@pytest.mark.parametrize("how", ["button", "voice"])
def test_an_interruption_stops_the_sound(house: House, minted: dict[str, Any], how: str) -> None:
    """A word of the scripted voice takes 0.4 s: unless it is stopped, this answer takes 18."""
    crew = Humming(heard=["Wait, please stop now."], answers=[LONG, "All right."])

    async def play(visitor: RoomVisitor, node: Node) -> None:
        await visitor.told("speech-ended")
        await visitor.send("send-text", content="Tell me all.")
        await visitor.told("bot-started-speaking", times=2)
        await visitor.hears(loud=True)
        if how == "button":
            await visitor.send("client-message", t="interrupt", d={})
        else:
            visitor.speak(voice(1.5))
        await visitor.hears(loud=False, within_s=20)
        await visitor.told("speech-ended", times=2)

    visitor = visit(house, minted, play, crew=crew)
    assert visitor.of("speech-ended")[1]["interrupted"]


def test_who_leaves_has_hung_up_and_the_rest_comes_back(
    house: House, who: Customer, minted: dict[str, Any]
) -> None:
    async def play(visitor: RoomVisitor, node: Node) -> None:
        await visitor.told("speech-ended")
        await visitor.leave()
        async with asyncio.timeout(20):
            while node.count:
                await asyncio.sleep(0.05)

    visit(house, minted, play)
    ended = row(house, minted["conversation_id"])
    assert (ended.state, ended.reason) == ("ended", "hang_up")
    assert money(house, who).held == 0
    assert [-entry.amount for entry in spent(house, who)] == [ended.charged]
    assert 1 <= ended.charged < minted["credits_used"]


def test_silence_ends_it_and_the_visitor_is_sent_out(house: House, minted: dict[str, Any]) -> None:
    async def play(visitor: RoomVisitor, node: Node) -> None:
        await visitor.told("ended", within_s=20)
        async with asyncio.timeout(20):
            while not visitor.gone:
                await asyncio.sleep(0.05)

    visitor = visit(house, minted, play, idle_s=1.0)
    assert visitor.of("ended")[0]["reason"] == "idle"
    assert row(house, minted["conversation_id"]).reason == "idle"
    assert visitor.gone == [rtc.DisconnectReason.ROOM_DELETED]


def test_a_token_opens_one_conversation(house: House, minted: dict[str, Any]) -> None:
    """LiveKit lets the token in again; nobody comes, and its room is closed."""

    async def play(visitor: RoomVisitor, node: Node) -> None:
        await visitor.told("bot-ready")
        await visitor.send("disconnect-bot")
        await visitor.told("ended")
        again = RoomVisitor()
        await again.join(minted["livekit_url"], minted["token"], microphone=False)
        async with asyncio.timeout(20):
            while not again.gone:
                await asyncio.sleep(0.05)
        assert not again.messages
        await again.leave()

    visit(house, minted, play)
    assert row(house, minted["conversation_id"]).reason == "hang_up"


def test_who_finds_every_line_taken_is_told_and_keeps_the_token(
    house: House, who: Customer, minted: dict[str, Any], client: TestClient
) -> None:
    house.conversation_room.nodes.register("talk-test", "http://127.0.0.1:1", 1)
    second = asked(client, who)

    async def play(visitor: RoomVisitor, node: Node) -> None:
        await visitor.told("bot-ready")
        late = RoomVisitor()
        await late.join(second["livekit_url"], second["token"], microphone=False)
        async with asyncio.timeout(20):
            while not late.gone:
                await asyncio.sleep(0.05)
        assert [(said["code"], said["fatal"]) for said in late.of("error")] == [
            ("at_capacity", True)
        ]
        await late.leave()
        await visitor.send("disconnect-bot")
        await visitor.told("ended")
        again = RoomVisitor()
        async with asyncio.timeout(20):
            while node.count:
                await asyncio.sleep(0.05)
        await again.join(second["livekit_url"], second["token"], microphone=False)
        await again.told("bot-ready")
        await again.leave()

    visit(house, minted, play, capacity=1)


def test_what_is_no_message_is_passed_over(house: House, minted: dict[str, Any]) -> None:
    async def play(visitor: RoomVisitor, node: Node) -> None:
        await visitor.told("speech-ended")
        bad: list[Any] = [b"\xff\xfe", b"[", b"", [], 5, {"type": []}, {"data": 3}]
        for nonsense in bad:
            await visitor.say(nonsense)
        await visitor.send("send-text", content="Are you there?")
        await visitor.told("speech-ended", times=2)

    visit(house, minted, play, microphone=False)
