"""What a conversation's client may send, bitten into: answered, refused or passed over; no more.

CHARAFY_TEST_EXAMPLES says how many of each kind (`tests/support/fuzz.py`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, Final, cast

import pytest
from fastapi.testclient import TestClient
from hypothesis import strategies as st

from charafy.conversations.models import Admitted
from charafy.house import House
from charafy.kernel.errors import BadRequest, NotFound, Unauthorized
from charafy.talk.events import Event
from charafy.talk.line import Line
from charafy.talk.offers import Candidate, Candidates, Offer
from charafy.talk.session import Session
from tests.support import virtual_time
from tests.support.caller import Caller
from tests.support.conversations import asked
from tests.support.fuzz import Bites, bites, bitten, fuzzed, json_values, scalars, spoilt, texts
from tests.support.talking import ScriptedCrew, Talk
from tests.support.videos import Customer
from tests.talk.test_node import node_of

KINDS: Final = ("send-text", "client-message", "disconnect-bot", "signalling")
TOPICS: Final = ("say", "interrupt", "mode", "push-to-talk", "name")
FIELDS: Final = ("text", "name", "on", "push_to_talk", "content", "t", "d")
STRANGER: Final = "e30.e30.e30"

about: Final = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(
        ("text", "name", "on", "push_to_talk", "content", "t", "d"), json_values
    ),
)
messages: Final = json_values | st.fixed_dictionaries(
    {"type": st.sampled_from(KINDS) | json_values},
    optional={
        "label": scalars,
        "id": scalars,
        "again": scalars,
        "data": about
        | json_values
        | st.fixed_dictionaries(
            {"t": st.sampled_from(TOPICS), "d": about},
        )
        | st.fixed_dictionaries({"content": texts}),
    },
)


class Wire:
    """Where a session's messages come from, instead of a line."""

    def __init__(self) -> None:
        self.messages: asyncio.Queue[Any] = asyncio.Queue()
        self.told: list[Event] = []

    def tell(self, event: Event) -> None:
        self.told.append(event)

    async def message(self) -> Any:
        return await self.messages.get()


def obeying(scene: Talk, wire: Wire) -> Session:
    """A session that has nothing but its messages and its dialogue."""
    nothing = cast(Any, None)
    return Session(
        cast(Admitted, SimpleNamespace(before=None)),
        cast(Line, wire),
        scene.dialogue,
        nothing,
        now=scene.now,
        idle_s=60.0,
        hang_up=nothing,
    )


@fuzzed(80, said=st.lists(messages, min_size=1, max_size=8))
def test_whatever_a_client_says_it_is_answered_afterwards(said: Sequence[Any]) -> None:
    async def main() -> None:
        scene, wire = Talk(ScriptedCrew(heard=["I like tea."])), Wire()
        obeys = asyncio.create_task(obeying(scene, wire)._obey())
        try:
            for message in said:
                # As it arrives: what no JSON can hold does not.
                wire.messages.put_nowait(json.loads(json.dumps(message)))
                await asyncio.sleep(1)
            await asyncio.sleep(60)
            wire.messages.put_nowait({"type": "send-text", "data": {"content": "And now?"}})
            await asyncio.sleep(10)
            assert not obeys.done(), obeys.exception()
            assert scene.turns[-1].role == "assistant"
            assert "And now?" in [turn.text for turn in scene.turns]
            for event in [*(event for _, event in scene.out.events), *wire.told]:
                json.dumps(event).encode("ascii")
        finally:
            obeys.cancel()
            await scene.close()

    virtual_time.run(main())


@pytest.fixture(scope="module")
def offered() -> str:
    """A good offer."""

    async def main() -> str:
        caller = Caller()
        try:
            return await caller.offer()
        finally:
            await caller.hang_up()

    return asyncio.run(main())


@fuzzed(60, what=bites)
def test_an_offer_is_answered_or_refused(house: House, offered: str, what: Bites) -> None:
    async def main() -> None:
        node = node_of(house, ScriptedCrew(heard=[""]))
        # However whole it may be, it is a stranger's.
        try:
            offer = Offer(token=STRANGER, sdp=bitten(offered, what))
        except ValueError:  # it is no text, says the schema
            return
        with pytest.raises((BadRequest, Unauthorized)):
            await node.connect(offer)
        assert node.count == 0

    asyncio.run(main())


def test_a_candidate_is_taken_or_refused(
    house: House, client: TestClient, who: Customer, offered: str
) -> None:
    minted = asked(client, who)
    good = [line[2:] for line in offered.splitlines() if line.startswith("a=candidate:")]
    assert good
    found: list[str] = []

    @fuzzed(200, one=spoilt(good), mid=texts | st.none(), index=st.integers() | st.none())
    def gather(one: str, mid: str | None, index: int | None) -> None:
        found.append(json.dumps([one, mid, index]))

    gather()

    async def main() -> None:
        node = node_of(house, ScriptedCrew(heard=[""]))
        caller = Caller()
        try:
            offer = Offer(token=minted["token"], sdp=await caller.offer())
            answer = await node.connect(offer)
            await caller.answered(answer)
            for one, mid, index in map(json.loads, found):
                try:
                    candidate = Candidate(candidate=one, sdp_mid=mid, sdp_mline_index=index)
                except ValueError:  # it is no text, or too much of it, says the schema
                    continue
                try:
                    await node.trickle(Candidates(pc_id=answer["pc_id"], candidates=[candidate]))
                except BadRequest:
                    continue
            await caller.told("bot-ready")  # it is there as before
            with pytest.raises(NotFound):
                await node.trickle(Candidates(pc_id="another", candidates=[]))
        finally:
            await caller.hang_up()
            await node.drain(10)

    asyncio.run(main())
