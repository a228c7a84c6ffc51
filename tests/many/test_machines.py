"""Two machines, as far as one can be two: no folder in common, and another address each."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from charafy.house import House
from tests.support.conversing_many import called
from tests.support.many import Many, free_port, until
from tests.support.videos import Customer

pytestmark = pytest.mark.slow

HERE, THERE = "127.0.0.1", "127.0.0.2"


def test_an_api_here_has_a_talk_process_there_lead_a_conversation(
    started: Many, house: House, who: Customer, tmp_path: Path
) -> None:
    secret = (started.home / "secret").read_bytes().hex()
    port = free_port()
    api = started.api(port)
    talk = started.start(
        "charafy",
        "talk",
        home=tmp_path / "there",
        env={
            "CHARAFY_SECRET": secret,
            "CHARAFY_TALK_HOST": THERE,
            "CHARAFY_TALK_NAME": "there",
            "CHARAFY_LOG_LEVEL": "info",
        },
    )
    until(lambda: "talk_ready" in talk.said(), "the talk process leads conversations")
    node = house.conversation_room.nodes.find("there")
    assert node is not None
    assert node.url.startswith(f"http://{THERE}:")

    async def converse() -> str:
        call = await called(port, who)
        await call.says("I am far away.")
        leader = call.row(house).node
        await call.hang_up()
        return str(leader)

    assert asyncio.run(asyncio.wait_for(converse(), 300)) == "there"
    assert not (tmp_path / "there" / "secret").exists()
    assert secret not in api.said() + talk.said()


def test_a_talk_process_with_another_secret_gets_no_conversations(
    started: Many, house: House, who: Customer, tmp_path: Path
) -> None:
    talk = started.start(
        "charafy", "talk", home=tmp_path / "there", env={"CHARAFY_LOG_LEVEL": "info"}
    )
    until(lambda: "talk_ready" in talk.said(), "the talk process waits")
    port = free_port()
    api = started.api(port)
    with pytest.raises(AssertionError, match="talk_unavailable"):
        asyncio.run(asyncio.wait_for(called(port, who), 300))
    until(lambda: "another CHARAFY_SECRET" in api.said(), "the log says why")
