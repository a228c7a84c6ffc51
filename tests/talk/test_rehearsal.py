"""What is asked with a test key: a scripted engine answers, and nobody pays."""

from __future__ import annotations

from fastapi.testclient import TestClient

from charafy.house import House
from charafy.talk.node import Node
from tests.support.caller import Caller
from tests.support.conversations import asked, row
from tests.support.videos import Customer
from tests.talk.test_node import call


def test_a_test_key_is_answered_by_the_script_and_told_so(
    house: House, client: TestClient, who: Customer
) -> None:
    async def play(caller: Caller, node: Node) -> None:
        ready = await caller.told("bot-ready")
        assert ready["is_test"] is True
        caller.send("send-text", content="Blue is my colour.")
        await caller.told("speech-ended")
        caller.send("disconnect-bot")
        await caller.told("ended")

    minted = asked(client, who, test=True, greeting="")
    caller = call(house, minted["token"], play)
    [said] = caller.of("speech-ended")
    assert said["heard"].strip().endswith("Blue is my colour. Please tell me more.")
    assert row(house, minted["conversation_id"]).charged == 0


def test_a_live_key_is_answered_by_the_language_model(
    house: House, client: TestClient, who: Customer
) -> None:
    async def play(caller: Caller, node: Node) -> None:
        ready = await caller.told("bot-ready")
        assert ready["is_test"] is False
        caller.send("send-text", content="Blue is my colour.")
        await caller.told("speech-ended")

    caller = call(house, asked(client, who, greeting="")["token"], play)
    assert caller.of("speech-ended")[0]["heard"].strip() == "That is nice. Tell me more about it."
