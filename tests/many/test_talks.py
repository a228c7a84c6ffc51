"""Two talk processes behind two APIs: shared, stopped while somebody talks, and killed."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from dataclasses import dataclass

import pytest

from charafy.conversations.models import Conversation
from charafy.house import House
from tests.support.conversations import spent
from tests.support.conversing_many import Call, called
from tests.support.many import Many, Process, free_port, until
from tests.support.videos import Customer, Money, money

pytestmark = pytest.mark.slow

SETTLED_S = 120.0
"""A lease of 45 s since the last beat, then the next round of a sweeper, and a busy machine."""


@dataclass(frozen=True, slots=True)
class Stage:
    house: House
    ports: tuple[int, int]
    talks: tuple[Process, Process]

    def nodes(self, calls: list[Call]) -> list[str]:
        return [str(self.row(call).node) for call in calls]

    def row(self, call: Call) -> Conversation:
        return call.row(self.house)

    def is_over(self, call: Call) -> bool:
        return self.row(call).state == "ended"

    def process_of(self, node: str) -> Process:
        """Names are given in the order of starting."""
        return self.talks[0 if node.endswith("-1") else 1]


@pytest.fixture
def stage(started: Many, house: House) -> Stage:
    ports = (free_port(), free_port())
    apis = [started.start("charafy", "api", "--port", str(port)) for port in ports]
    info = {"CHARAFY_LOG_LEVEL": "info", "CHARAFY_TALK_DRAIN_S": "600"}
    first = started.talk(**info)
    until(lambda: "talk_ready" in first.said(), "the first leads conversations")
    second = started.talk(**info)
    until(lambda: "talk_ready" in second.said(), "the second, too")
    for api, port in zip(apis, ports, strict=True):
        started.ready(api, port)
    return Stage(house, ports, (first, second))


def test_conversations_are_shared_a_stopped_process_drains_and_a_killed_one_is_settled(
    stage: Stage, who: Customer
) -> None:
    calls = asyncio.run(asyncio.wait_for(_play(stage, who), 300))
    until(lambda: all(map(stage.is_over, calls)), "the lost ones are settled", SETTLED_S)
    rows = [stage.row(call) for call in calls]
    assert Counter(one.reason for one in rows) == {"hang_up": 3, "node_lost": 2}
    charged = sum(one.charged for one in rows)
    assert charged == -sum(entry.amount for entry in spent(stage.house, who))
    assert money(stage.house, who) == Money(10_000 - charged, 0)


async def _play(stage: Stage, who: Customer) -> list[Call]:
    calls = [await called(stage.ports[number % 2], who) for number in range(4)]
    nodes = stage.nodes(calls)
    assert sorted(Counter(nodes).values()) == [2, 2]  # the emptier one each time

    stopped, other = nodes[0], next(node for node in nodes if node != nodes[0])
    staying = [call for call, node in zip(calls, nodes, strict=True) if node == stopped]
    process = stage.process_of(stopped)
    process.signal(signal.SIGTERM)
    resting = stage.house.conversation_room.nodes.choose
    while len(await asyncio.to_thread(resting)) == 2:
        await asyncio.sleep(0.1)
    late = await called(stage.ports[0], who)
    assert stage.nodes([late]) == [other]
    for call in staying:
        await call.says("I am still here.")
    for call in staying:
        assert process.popen.poll() is None
        await call.hang_up()
    assert await asyncio.to_thread(process.wait, 60) == 0

    lost = [call for call in calls if call not in staying]
    await late.hang_up()
    while not await asyncio.to_thread(stage.is_over, late):
        await asyncio.sleep(0.1)
    stage.process_of(other).signal(signal.SIGKILL)
    for call in lost:
        await call.caller.hang_up()
    return [*staying, late, *lost]
