"""Characters that bring a model along: each asks its own, and waits for nobody else's."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Iterator
from contextlib import ExitStack, aclosing
from dataclasses import dataclass

import pytest

from charafy.characters.service import OwnModel
from charafy.engines.language import Asked, Chat, ChatFailed, Message
from charafy.engines.language.scripted import ScriptedChat
from charafy.kernel.outside import Outside
from charafy.minds import guest_of
from charafy.talk.crew import Thinker
from charafy.talk.guests import KEPT, Guests
from tests.support.fake_llm import Server, event, saying, silent_after

ASKED = Asked((Message("user", "Hi!"),), "en")


async def said(thinker: Thinker) -> str:
    async with aclosing(thinker.think(ASKED)) as words:
        return "".join([word async for word in words])


@pytest.fixture
def servers() -> Iterator[list[Server]]:
    with ExitStack() as stack:
        made = [Server(saying(event(f"I am {n}.", "stop"))) for n in ("one", "two")]
        for server in made:
            stack.callback(server.close)
        yield made


def guests(*servers: Server, threads: int = 2) -> Guests:
    outside = Outside(allowed_hosts=[f"127.0.0.1:{server.port}" for server in servers])
    return Guests(lambda model: guest_of(outside, model), threads=threads)


def test_each_asks_its_own_model_with_its_own_key(servers: list[Server]) -> None:
    async def main() -> list[str]:
        room = guests(*servers)
        models = [OwnModel(server.url, "m", f"key-{n}") for n, server in enumerate(servers)]
        return [await said(room.thinker(model)) for model in models]

    assert asyncio.run(main()) == ["I am one.", "I am two."]
    for number, server in enumerate(servers):
        [(head, body)] = server.requests
        assert f"authorization: bearer key-{number}" in head.lower()
        assert body["model"] == "m"


def test_the_same_model_is_asked_over_the_same_connection(servers: list[Server]) -> None:
    async def main() -> None:
        room = guests(*servers)
        for _ in range(3):
            await said(room.thinker(OwnModel(servers[0].url, "m")))

    asyncio.run(main())
    assert (servers[0].connections, len(servers[0].requests)) == (1, 3)


def test_an_address_of_this_machine_is_not_asked_unless_the_operator_says_so(
    servers: list[Server],
) -> None:
    async def main() -> None:
        with pytest.raises(ChatFailed):
            await said(guests().thinker(OwnModel(servers[0].url, "m")))

    asyncio.run(main())
    assert servers[0].connections == 0


def test_who_leaves_a_silent_model_holds_up_nobody() -> None:
    silent, other = Server(silent_after()), Server(saying(event("Hello.", "stop")))

    async def main() -> float:
        room = guests(silent, other, threads=1)
        waiting = asyncio.create_task(said(room.thinker(OwnModel(silent.url, "m"))))
        while not silent.requests:
            await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.wait([waiting])
        began = time.monotonic()
        assert await said(room.thinker(OwnModel(other.url, "m"))) == "Hello."
        return time.monotonic() - began

    assert asyncio.run(main()) < 3
    silent.close()
    other.close()


@dataclass
class Closing(ScriptedChat):
    """Counts how many there are."""

    open: list[OwnModel]
    model: OwnModel

    def close(self) -> None:
        self.open.remove(self.model)


def test_few_are_kept_and_none_is_closed_that_a_conversation_uses() -> None:
    there: list[OwnModel] = []

    def invite(model: OwnModel) -> Chat:
        there.append(model)
        return Closing(there, model)

    room = Guests(invite, threads=1)
    models = [OwnModel("https://llm.example.com/v1", f"model {n}") for n in range(3 * KEPT)]
    used = room.thinker(models[0])
    for model in models[1:]:
        assert room.thinker(model) is room.thinker(model)
    gc.collect()
    assert there == [models[0], *models[-KEPT:]]
    assert room.thinker(models[0]) is used
    del used
    for model in models[1:]:
        room.thinker(model)
    gc.collect()
    assert there == models[-KEPT:]
    assert asyncio.run(said(room.thinker(models[0]))) == "I heard: Hi!. Please tell me more."
