"""Two machines, as far as one can be two: no folder in common, and another address each."""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path

import pytest

from charafy.house import House, build_house
from tests.support.conversing_many import called
from tests.support.many import Many, free_port, until
from tests.support.videos import Customer, customer

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


@pytest.mark.parametrize("process", ["api", "worker", "talk"])
def test_a_machine_that_made_its_own_secret_does_not_start(
    started: Many, tmp_path: Path, process: str
) -> None:
    with_the_secret = started.talk(CHARAFY_LOG_LEVEL="info")
    until(lambda: "talk_ready" in with_the_secret.said(), "one has the database belong to it")
    env = {"CHARAFY_PORT": "0", "CHARAFY_START_WAIT_S": "60"}
    there = started.start("charafy", process, home=tmp_path / "there", env=env)
    assert there.wait() == 1
    said = " ".join(there.said().split())
    assert "is not the one that this database's keys, sessions and links were made with" in said
    assert "`charafy migrate --new-secret`" in said
    assert "start_waits" not in said
    assert "Traceback" not in said


def test_a_talk_process_that_kept_the_secret_before_gets_no_conversations(
    started: Many, house: House, tmp_path: Path
) -> None:
    talk = started.talk(CHARAFY_LOG_LEVEL="info")
    until(lambda: "talk_ready" in talk.said(), "the talk process waits")
    there = started.start("charafy", "migrate", "--new-secret", home=tmp_path / "there")
    assert there.wait() == 0, there.said()
    port, changed = free_port(), {"home": tmp_path / "there"}
    with closing(build_house(house.settings.model_copy(update=changed))) as anew:
        who = customer(anew, credits=10_000)
    api = started.start("charafy", "api", "--port", str(port), home=tmp_path / "there")
    started.ready(api, port)
    with pytest.raises(AssertionError, match="talk_unavailable"):
        asyncio.run(asyncio.wait_for(called(port, who), 300))
    until(lambda: "another CHARAFY_SECRET" in api.said(), "the log says why")
