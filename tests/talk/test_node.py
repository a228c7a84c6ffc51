"""A real WebRTC call to a node: aiortc on both ends, scripted engines between, the real ledger."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from charafy.house import House
from charafy.kernel.errors import BadRequest, Conflict, NotFound, TooManyRequests, Unauthorized
from charafy.talk.node import Candidates, Node, Offer
from charafy.talk.pace import Pace
from charafy.talk.phrases import Phrases
from charafy.talk.run import guests_of, makes
from charafy.talk.watched import Watch
from tests.support.caller import Caller
from tests.support.conversations import asked, row, spent
from tests.support.talking import ScriptedCrew
from tests.support.videos import Customer

ANSWER = "Oh, there are many kinds of it in the shops of this town."


def node_of(house: House, crew: ScriptedCrew, *, watch: Watch | None = None, **more: Any) -> Node:
    phrases = Phrases(crew)
    given: dict[str, Any] = {"capacity": 2, "idle_s": 60.0, "prepare": phrases.prepare} | more
    return Node(
        "talk-test",
        house.conversation_room.sessions,
        house.conversation_room.succession,
        makes(crew, Pace(rate=3.0), phrases, guests_of(house), watch),
        **given,
    )


def call(
    house: House,
    token: str,
    play: Callable[[Caller, Node], Awaitable[None]],
    *,
    crew: ScriptedCrew | None = None,
    **more: Any,
) -> Caller:
    """Connect, `play`, hang up, and let the node settle it."""

    async def main() -> Caller:
        node = node_of(house, crew or ScriptedCrew(heard=["I like tea."]), **more)
        caller = Caller()
        try:
            offer = Offer(token=token, sdp=await caller.offer())
            await caller.answered(await node.connect(offer))
            await play(caller, node)
        finally:
            await caller.hang_up()
            await node.drain(10)
        return caller

    return asyncio.run(main())


@pytest.fixture
def minted(client: TestClient, who: Customer) -> dict[str, Any]:
    answer: dict[str, Any] = asked(client, who)
    return answer


def test_a_typed_turn_is_answered_and_the_conversation_is_paid_by_the_second(
    house: House, who: Customer, minted: dict[str, Any]
) -> None:
    async def play(caller: Caller, node: Node) -> None:
        ready = await caller.told("bot-ready")
        assert ready["conversation_id"] == minted["conversation_id"]
        await caller.told("speech-ended")
        caller.send("send-text", content="What do you like?")
        await caller.told("speech-ended", times=2)
        caller.send("disconnect-bot")
        await caller.told("ended")

    caller = call(house, minted["token"], play)
    assert caller.of("ended") == [{"t": "ended", "reason": "hang_up"}]
    assert any(loud > 3000 for _, loud in caller.heard)
    ended = row(house, minted["conversation_id"])
    assert ended.state == "ended"
    assert ended.reason == "hang_up"
    assert 1 <= ended.seconds < 30
    assert ended.charged == -(-5 * ended.seconds // 60)
    assert [-entry.amount for entry in spent(house, who)] == [ended.charged]


def test_speech_is_heard_and_answered_with_words_and_mouth_shapes(
    house: House, minted: dict[str, Any]
) -> None:
    import numpy as np

    async def play(caller: Caller, node: Node) -> None:
        await caller.told("speech-ended")
        voice = (np.sin(np.arange(16_000) * 0.2) * 16_000).astype(np.int16)
        caller.microphone.speak(voice)
        await caller.told("user-transcription")
        await caller.told("speech-ended", times=2)

    caller = call(house, minted["token"], play)
    assert caller.of("user-transcription")[0]["text"] == "I like tea."
    words = [word for said in caller.of("speech") for word, *_ in said["words"]]
    assert " ".join(words[-8:]) == "That is nice. Tell me more about it."
    assert caller.of("metrics")[0]["stages"]["audible"] > 0


def test_a_token_opens_one_conversation(house: House, minted: dict[str, Any]) -> None:
    async def play(caller: Caller, node: Node) -> None:
        again = Caller()
        with pytest.raises(Conflict):
            await node.connect(Offer(token=minted["token"], sdp=await again.offer()))
        await again.hang_up()
        assert node.count == 1

    call(house, minted["token"], play)


def test_an_offer_that_is_none_costs_nothing_and_the_token_stays_good(
    house: House, minted: dict[str, Any]
) -> None:
    async def main() -> None:
        node = node_of(house, ScriptedCrew(heard=[""]))
        for sdp in ("", "hello", "v=0\r\nm=audio\r\n", "\x00" * 1000):
            with pytest.raises(BadRequest):
                await node.connect(Offer(token=minted["token"], sdp=sdp))
        assert node.count == 0

    asyncio.run(main())
    assert row(house, minted["conversation_id"]).state == "minted"


def test_a_forged_token_opens_nothing(house: House, minted: dict[str, Any]) -> None:
    async def main() -> None:
        node = node_of(house, ScriptedCrew(heard=[""]))
        caller = Caller()
        with pytest.raises(Unauthorized):
            await node.connect(Offer(token=minted["token"][:-4] + "AAAA", sdp=await caller.offer()))
        await caller.hang_up()
        assert node.count == 0

    asyncio.run(main())


def test_a_node_that_is_full_says_so_and_takes_no_token(
    house: House, minted: dict[str, Any]
) -> None:
    async def main() -> None:
        node = node_of(house, ScriptedCrew(heard=[""]), capacity=0)
        caller = Caller()
        with pytest.raises(TooManyRequests) as refused:
            await node.connect(Offer(token=minted["token"], sdp=await caller.offer()))
        assert refused.value.code == "at_capacity"
        await caller.hang_up()

    asyncio.run(main())
    assert row(house, minted["conversation_id"]).state == "minted"


def test_silence_ends_a_conversation(house: House, minted: dict[str, Any]) -> None:
    async def play(caller: Caller, node: Node) -> None:
        await caller.told("ended", within_s=20)

    caller = call(house, minted["token"], play, idle_s=1.0)
    assert caller.of("ended")[0]["reason"] == "idle"
    assert row(house, minted["conversation_id"]).reason == "idle"


def test_a_node_that_is_stopped_settles_what_it_carries(
    house: House, minted: dict[str, Any]
) -> None:
    async def play(caller: Caller, node: Node) -> None:
        await caller.told("bot-ready")
        await node.drain(10)

    call(house, minted["token"], play)
    assert row(house, minted["conversation_id"]).state == "ended"


def test_candidates_for_no_connection_are_refused(house: House) -> None:
    async def main() -> None:
        node = node_of(house, ScriptedCrew(heard=[""]))
        with pytest.raises(NotFound):
            await node.trickle(Candidates(pc_id="nobody", candidates=[]))

    asyncio.run(main())


def test_who_lost_the_line_comes_back_to_the_same_conversation(
    house: House, minted: dict[str, Any]
) -> None:
    async def main() -> tuple[Caller, Caller]:
        node = node_of(house, ScriptedCrew(heard=[""]))
        first, second = Caller(), Caller()
        try:
            answer = await node.connect(Offer(token=minted["token"], sdp=await first.offer()))
            await first.answered(answer)
            await first.told("speech-ended")
            await first.hang_up()
            again = Offer(token=minted["token"], sdp=await second.offer(), pc_id=answer["pc_id"])
            await second.answered(await node.connect(again))
            assert node.count == 1
            second.send("send-text", content="Here I am.")
            await second.told("speech-ended")
            second.send("disconnect-bot")
            await second.told("ended")
        finally:
            await second.hang_up()
            await node.drain(10)
        return first, second

    _, second = asyncio.run(main())
    assert second.of("ended")[0]["reason"] == "hang_up"
    assert any(loud > 3000 for _, loud in second.heard)
    assert row(house, minted["conversation_id"]).reason == "hang_up"


def test_who_lost_the_line_in_the_middle_of_a_reply_hears_the_rest_of_it(
    house: House, minted: dict[str, Any]
) -> None:
    async def main() -> Caller:
        node = node_of(house, ScriptedCrew(heard=[""]))
        first, second = Caller(), Caller()
        try:
            answer = await node.connect(Offer(token=minted["token"], sdp=await first.offer()))
            await first.answered(answer)
            await first.told("bot-started-speaking")
            await first.hang_up()
            again = Offer(token=minted["token"], sdp=await second.offer(), pc_id=answer["pc_id"])
            await second.answered(await node.connect(again))
            await second.told("speech-ended")
            second.send("disconnect-bot")
            await second.told("ended")
        finally:
            await second.hang_up()
            await node.drain(10)
        return second

    second = asyncio.run(main())
    assert not second.of("speech-ended")[0]["interrupted"]
    assert second.of("speech-resumed")
    assert any(loud > 3000 for _, loud in second.heard)


def test_who_closes_the_page_without_a_word_is_waited_for_and_pays_for_none_of_it(
    house: House, minted: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("charafy.talk.session._GRACE_S", 2.0)
    there_s: list[float] = []

    async def play(caller: Caller, node: Node) -> None:
        loop = asyncio.get_running_loop()
        await caller.told("bot-ready")
        began = loop.time()
        await caller.told("speech-ended")
        await caller.hang_up()
        there_s.append(loop.time() - began)
        async with asyncio.timeout(15):
            while node.count:
                await asyncio.sleep(0.05)
        assert loop.time() - began > there_s[0] + 1.5

    call(house, minted["token"], play)
    ended = row(house, minted["conversation_id"])
    assert (ended.state, ended.reason) == ("ended", "disconnected")
    assert ended.seconds < there_s[0] + 1.0


def test_nobody_comes_back_to_the_conversation_of_somebody_else(
    house: House, minted: dict[str, Any]
) -> None:
    async def play(caller: Caller, node: Node) -> None:
        stranger = Caller()
        [pc_id] = node.connections
        offer = Offer(token="e30.e30.e30", sdp=await stranger.offer(), pc_id=pc_id)
        with pytest.raises(NotFound):
            await node.connect(offer)
        await stranger.hang_up()

    call(house, minted["token"], play)


def test_a_client_that_floods_is_answered_now_and_then_and_may_hang_up(
    house: House, minted: dict[str, Any]
) -> None:
    lasted_s = 0.0

    async def play(caller: Caller, node: Node) -> None:
        nonlocal lasted_s
        await caller.told("bot-ready")
        began = time.monotonic()
        for number in range(200):
            caller.send("send-text", content=f"Number {number}.")
        caller.send("disconnect-bot")
        await caller.told("ended")
        lasted_s = time.monotonic() - began

    caller = call(house, minted["token"], play)
    # Ten at once, and two a second.
    assert len(caller.of("user-transcription")) <= 11 + 2 * lasted_s
    assert row(house, minted["conversation_id"]).reason == "hang_up"


def test_an_offer_of_more_than_one_sound_is_refused(house: House, minted: dict[str, Any]) -> None:
    async def main() -> None:
        node = node_of(house, ScriptedCrew(heard=[""]))
        caller = Caller(microphones=2)
        with pytest.raises(BadRequest):
            await node.connect(Offer(token=minted["token"], sdp=await caller.offer()))
        await caller.hang_up()
        assert node.count == 0

    asyncio.run(main())
