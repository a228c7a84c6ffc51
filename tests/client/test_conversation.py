"""The Python client against a real WebRTC peer: sound both ways, events, and clear failures."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import httpx
import numpy as np
import pytest

from charafy.client.conversation import LABEL, VERSION, Conversation, ConversationFailed
from charafy.client.ticket import Ticket
from charafy.client.turn import take_turn
from charafy.kernel.media.audio import SAMPLE_RATE
from tests.support.conversing import ConversationPeer
from tests.web.conversation.test_modules import MODULES, table

TICKET = Ticket("a.b.c", "http://charafy.test/api/v1/conversation/connect")


class Desk:
    """The HTTP side: hands offers to the peer."""

    def __init__(self, peer: ConversationPeer) -> None:
        self._peer = peer
        self.requests: list[httpx.Request] = []

    async def answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        offer = json.loads(request.content)
        return httpx.Response(200, json=await asyncio.to_thread(self._peer.connect, offer))

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self.answer))


@pytest.fixture
def peer() -> Iterator[ConversationPeer]:
    there = ConversationPeer()
    try:
        yield there
    finally:
        there.close()


@pytest.fixture
def desk(peer: ConversationPeer) -> Desk:
    return Desk(peer)


def voice(seconds: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    times = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (0.3 * np.sin(2 * np.pi * 300 * times)).astype(np.float32)


def test_both_ends_hear_each_other_and_every_wish_arrives(
    desk: Desk, peer: ConversationPeer
) -> None:
    async def talk() -> float:
        async with desk.client() as http, Conversation(TICKET, http=http) as conversation:
            assert conversation.about["character"]["name"] == "Emma"
            conversation.microphone.say(voice(1.0))
            conversation.send_text("good evening")
            conversation.say("Exactly this.")
            conversation.interrupt()
            conversation.push_to_talk(True)
            conversation.hold(True)
            conversation.set_name("蒼")
            await conversation.microphone.drained()
            await asyncio.to_thread(peer.wait_until, lambda: peer.loudness(0.5) > 0.05)
            heard = conversation.ears.since(0)
            return float(np.sqrt(np.mean(heard[len(heard) // 2 :] ** 2)))

    assert asyncio.run(talk()) == pytest.approx(0.25 / np.sqrt(2), rel=0.15), "the peer's tone"
    assert desk.requests[0].headers["authorization"] == "Bearer a.b.c"
    assert peer.messages("client-ready")[0]["version"] == VERSION
    assert peer.messages("send-text") == [{"content": "good evening"}]
    assert peer.asked("say") == [{"text": "Exactly this."}]
    assert peer.asked("mode") == [{"push_to_talk": True}]
    assert peer.asked("push-to-talk") == [{"on": True}]
    assert peer.asked("name") == [{"name": "蒼"}]
    peer.wait_until(lambda: bool(peer.messages("disconnect-bot")))


def test_a_turn_is_spoken_and_its_answer_is_heard(desk: Desk, peer: ConversationPeer) -> None:
    def answer() -> None:
        peer.wait_until(lambda: peer.loudness(0.3) > 0.05)
        peer.wait_until(lambda: peer.loudness(0.3) < 0.01)
        peer.say("user-transcription", text="Hel", final=False, timestamp="")
        peer.say("user-transcription", text="Hello.", final=True, timestamp="")
        peer.say("bot-transcription", reply="r1", text="Hi there,")
        peer.say("bot-transcription", reply="r1", text="friend.")
        peer.say("metrics", turn=1, stages={"total": 0.7})
        peer.say("bot-stopped-speaking", reply="r1")

    async def talk() -> None:
        async with desk.client() as http:
            said = np.concatenate([voice(0.8), np.zeros(SAMPLE_RATE, np.float32)])
            answering = asyncio.create_task(asyncio.to_thread(answer))
            answered = await take_turn(TICKET, said, patience_s=15, http=http)
            await answering
        assert (answered.heard, answered.text) == ("Hello.", "Hi there, friend.")
        assert answered.stages == {"total": 0.7}
        assert len(answered.pcm) > 0.2 * SAMPLE_RATE and answered.first_sound_s < 1

    asyncio.run(talk())


def test_what_is_refused_says_why() -> None:
    async def talk(answer: httpx.Response) -> None:
        transport = httpx.MockTransport(lambda _request: answer)
        http = httpx.AsyncClient(transport=transport)
        async with http, Conversation(TICKET, http=http):
            raise AssertionError("there is nobody")

    used = httpx.Response(409, json={"error": "The token was used.", "code": "token_used"})
    with pytest.raises(ConversationFailed, match=r"The token was used\.") as refused:
        asyncio.run(talk(used))
    assert (refused.value.code, refused.value.status) == ("token_used", 409)
    with pytest.raises(ConversationFailed) as garbled:
        asyncio.run(talk(httpx.Response(200, text="<html>")))
    assert garbled.value.code == "refused"


def test_waiting_ends_with_the_conversation(desk: Desk, peer: ConversationPeer) -> None:
    async def talk() -> None:
        async with desk.client() as http, Conversation(TICKET, http=http) as conversation:
            with pytest.raises(ConversationFailed) as silent:
                await conversation.wait_for("metrics", timeout_s=0.05)
            assert silent.value.code == "silent"
            peer.send("no json")
            peer.tell("ended", reason="limit")
            with pytest.raises(ConversationFailed, match=r"its time was over \(limit\)"):
                await conversation.wait_for("metrics", timeout_s=10)

    asyncio.run(talk())


def test_both_clients_speak_the_same_protocol() -> None:
    protocol = MODULES["protocol.js"]
    assert f'LABEL = "{LABEL}"' in protocol and f'VERSION = "{VERSION}"' in protocol
    assert "client-message/say" in table("From the client")


def test_who_wants_the_face_drawn_by_the_server_offers_to_watch(
    desk: Desk, peer: ConversationPeer
) -> None:
    async def talk() -> None:
        async with (
            desk.client() as http,
            Conversation(TICKET, http=http, render="server") as conversation,
        ):
            assert conversation.eyes.latest is None

    asyncio.run(talk())
    assert peer.offers[0]["render"] == "server"
    assert "m=video" in peer.offers[0]["sdp"]
