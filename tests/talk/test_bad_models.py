"""A character's own model is down, slow or talks garbage: the visitor hears of it and pays nothing.

A real WebRTC call, a real HTTP server that misbehaves byte by byte, the real ledger.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi.testclient import TestClient

from charafy.app import build_app
from charafy.characters.service import OwnModel
from charafy.engines.language.remote import RemoteChat, Waits
from charafy.house import House, build_house
from charafy.kernel.db import Database
from charafy.kernel.judged import JudgedTransport
from charafy.kernel.settings import Settings
from charafy.talk.guests import Guests
from charafy.talk.node import Node, Offer
from charafy.talk.pace import Pace
from charafy.talk.phrases import APOLOGY, Phrases
from charafy.talk.run import makes
from tests.support.caller import Caller
from tests.support.conversations import asked, row
from tests.support.fake_llm import HEAD, Script, Server, chunk, event, saying, silent_after
from tests.support.talking import ScriptedCrew
from tests.support.videos import API, Customer, customer

KEY = "sk-nobody-else-may-see"
WELL = saying(event("I was at the harbour. "), event("And you?", "stop"))


@dataclass
class Moody:
    """A server that does something else when it is told to."""

    script: Script = WELL
    server: Server = field(init=False)

    def __post_init__(self) -> None:
        self.server = Server(self._serve)

    def _serve(self, connection: socket.socket, over: threading.Event) -> None:
        self.script(connection, over)


@pytest.fixture
def llm() -> Iterator[Moody]:
    made = Moody()
    yield made
    made.server.close()


@pytest.fixture
def house(settings: Settings, db: Database, llm: Moody) -> Iterator[House]:
    db.close()
    here = (f"127.0.0.1:{llm.server.port}",)
    house = build_house(settings.model_copy(update={"llm_allowed_hosts": here}))
    yield house
    house.close()


@pytest.fixture
def minted(house: House, client: TestClient, llm: Moody) -> dict[str, Any]:
    """A conversation with a character that has a model of its own."""
    who: Customer = customer(house)
    own = {"llm_base_url": llm.server.url, "llm_model": "m", "llm_api_key": KEY}
    changed = client.patch(
        f"{API}/characters/{who.character_id}", json=own, headers={"x-api-key": who.key}
    )
    assert changed.status_code == 200, changed.text
    answer: dict[str, Any] = asked(client, who, greeting="")
    return answer


@pytest.fixture
def client(house: House) -> TestClient:
    return TestClient(build_app(house), base_url=house.settings.base_url)


def node_of(house: House) -> Node:
    def invite(model: OwnModel) -> RemoteChat:
        waits = Waits(connect_s=1, first_s=1.5, between_s=0.5)
        return RemoteChat(
            model.base_url,
            model.model,
            model.api_key,
            waits=waits,
            transport=JudgedTransport(house.to_models),
        )

    crew = ScriptedCrew(heard=[""], rate=100.0, speak_s=0.01)
    phrases = Phrases(crew)
    make = makes(crew, Pace(rate=3.0), phrases, Guests(invite, threads=2))
    return Node(
        "talk-test",
        house.conversation_room.sessions,
        house.conversation_room.succession,
        make,
        capacity=1,
        idle_s=60,
        prepare=phrases.prepare,
    )


async def turns(house: House, token: str, *texts: str, before_last: Any = None) -> Caller:
    """Type these, each once what was said to the one before is over; then hang up."""
    node, caller = node_of(house), Caller()
    try:
        offer = Offer(token=token, sdp=await caller.offer())
        await caller.answered(await node.connect(offer))
        await caller.told("bot-ready")
        await asyncio.sleep(1.8)  # the apology is made by now
        for number, text in enumerate(texts, 1):
            if number == len(texts) and before_last is not None:
                before_last()
            caller.send("send-text", content=text)
            listening = 1 + sum(s["state"] == "listening" for s in caller.of("state"))
            async with asyncio.timeout(15):
                while sum(s["state"] == "listening" for s in caller.of("state")) < listening:
                    await asyncio.sleep(0.02)
            await asyncio.sleep(0.5)  # an apology begins to be heard
        caller.send("disconnect-bot")
        await caller.told("ended")
    finally:
        await caller.hang_up()
        await node.drain(10)
    return caller


def test_a_character_answers_with_its_own_model_and_key(
    house: House, minted: dict[str, Any], llm: Moody
) -> None:
    caller = asyncio.run(turns(house, minted["token"], "Where were you?"))
    heard = [said["heard"].strip() for said in caller.of("speech-ended")]
    assert heard == ["I was at the harbour. And you?"]
    [(head, body)] = llm.server.requests
    assert f"authorization: bearer {KEY}" in head.lower()
    assert body["model"] == "m"
    assert KEY not in str(caller.messages)


@pytest.mark.parametrize(
    ("name", "script"),
    [
        ("refuses", saying(head=b"HTTP/1.1 500 Oh\r\ncontent-length: 0\r\n\r\n", end=b"")),
        ("is silent", silent_after()),
        ("keeps the line open with nothing", silent_after(keep_alive=b": still here\n\n")),
        ("sends garbage", saying(b"data: {garbage\n\n", b"\x00\xff" * 999)),
        ("sends a page", saying(b"<html>no model here</html>")),
        ("ends without a word", saying(event(None, "stop"))),
        ("hangs up", lambda connection, _: connection.close()),
    ],
)
def test_it_is_apologised_for_costs_nothing_and_the_next_turn_is_answered(
    house: House, minted: dict[str, Any], llm: Moody, name: str, script: Script
) -> None:
    llm.script = script

    def recover() -> None:
        llm.script = WELL

    caller = asyncio.run(turns(house, minted["token"], "Hello?", "And now?", before_last=recover))
    assert [error["code"] for error in caller.of("error")] == ["reply_failed"], name
    assert not any(error["fatal"] for error in caller.of("error"))
    assert APOLOGY["en"] in [said["text"] for said in caller.of("speech")]
    assert caller.of("speech-ended")[-1]["heard"].strip() == "I was at the harbour. And you?"
    ended = row(house, minted["conversation_id"])
    assert ended.reason == "hang_up"
    assert ended.charged <= -(-5 * ended.seconds // 60)


def test_one_that_is_down_is_apologised_for_and_the_wait_is_not_paid(
    house: House, minted: dict[str, Any], llm: Moody
) -> None:
    llm.server.close()
    caller = asyncio.run(turns(house, minted["token"], "Hello?"))
    assert [error["code"] for error in caller.of("error")] == ["reply_failed"]
    assert row(house, minted["conversation_id"]).reason == "hang_up"


def test_one_that_breaks_off_in_a_reply_is_heard_up_to_there(
    house: House, minted: dict[str, Any], llm: Moody
) -> None:
    def half(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(HEAD + chunk(event("I was at the harbour, early. And then ")))
        over.wait(2.0)
        connection.close()

    llm.script = half
    caller = asyncio.run(turns(house, minted["token"], "Where were you?"))
    assert caller.of("speech-ended")[-1]["heard"].strip() == "I was at the harbour, early."
