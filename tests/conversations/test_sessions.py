"""Each token opens one conversation, once, and whoever leads it settles it exactly once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from charafy.conversations.models import Ending, TurnRecord
from charafy.conversations.sessions import LEASE, Sessions
from charafy.conversations.tokens import LIFE
from charafy.house import House
from charafy.kernel.errors import CharafyError, Conflict, Unauthorized
from tests.support.clock import ManualClock
from tests.support.conversations import asked, listen, row, spent, told
from tests.support.videos import API, Customer, Money, customer, money

LIFE_S = LIFE.total_seconds()
LEASE_S = LEASE.total_seconds()


def minted(client: TestClient, who: Customer, **more: Any) -> tuple[str, str]:
    """A token and the id of its conversation."""
    answer = asked(client, who, **more)
    return answer["token"], answer["conversation_id"]


def talking(client: TestClient, who: Customer, sessions: Sessions, **more: Any) -> str:
    """The id of a conversation that goes on."""
    token, conversation_id = minted(client, who, **more)
    sessions.admit(token, "node")
    sessions.reached(conversation_id)
    return conversation_id


def test_who_is_admitted_learns_all_it_takes_to_lead_the_conversation(
    client: TestClient, house: House, who: Customer, sessions: Sessions
) -> None:
    token, conversation_id = minted(client, who, greeting="Hello!", visitor_name="Mika")
    admitted = sessions.admit(token, "node")
    assert admitted.conversation_id == conversation_id
    assert (admitted.account_id, admitted.mode, admitted.limit_s, admitted.is_test) == (
        who.account_id,
        "audio-only",
        600,
        False,
    )
    assert (admitted.greeting, admitted.visitor) == ("Hello!", "Mika")
    character = house.characters.get(who.account_id, who.character_id)
    voice = house.voices.get(who.account_id, character.voice_id)
    talker = admitted.character
    assert (talker.name, talker.language, talker.engine_voice, talker.photo_key) == (
        "Aria",
        "en",
        voice.engine_voice,
        character.photo_key,
    )
    now = row(house, conversation_id)
    assert (now.state, now.node, now.connected_at) == ("live", "node", None)
    sessions.reached(conversation_id)
    assert row(house, conversation_id).connected_at == house.clock.now()


def test_a_token_admits_once(client: TestClient, who: Customer, sessions: Sessions) -> None:
    token, conversation_id = minted(client, who)
    sessions.admit(token, "node")
    with pytest.raises(Conflict):
        sessions.admit(token, "other")
    sessions.end(conversation_id, Ending("hang_up", 1.0))
    with pytest.raises(Conflict):
        sessions.admit(token, "node")


def test_of_many_that_come_with_one_token_one_is_admitted(
    client: TestClient, who: Customer, sessions: Sessions
) -> None:
    token, _ = minted(client, who)

    def come(number: int) -> bool:
        try:
            sessions.admit(token, f"node{number}")
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(come, range(16))) == 1


def test_an_expired_token_admits_nobody(
    client: TestClient, who: Customer, sessions: Sessions, clock: ManualClock
) -> None:
    token, _ = minted(client, who)
    clock.advance(LIFE_S)
    with pytest.raises(Unauthorized, match="expired"):
        sessions.admit(token, "node")


def test_forged_and_foreign_tokens_admit_nobody(
    client: TestClient, who: Customer, sessions: Sessions
) -> None:
    token, _ = minted(client, who)
    head, body, signature = token.split(".")
    other = asked(client, who)["token"].split(".")
    for forged in (
        "",
        "nonsense",
        "a.b.c",
        "é.é.é",
        f"{head}.{body}.",
        f"{head}.{other[1]}.{signature}",
        f"eyJhbGciOiJub25lIn0.{body}.",
        token + "x" * 5_000,
    ):
        with pytest.raises(Unauthorized):
            sessions.admit(forged, "node")


def test_a_token_of_a_deleted_conversation_admits_nobody(
    client: TestClient, house: House, who: Customer, sessions: Sessions
) -> None:
    token, conversation_id = minted(client, who)
    client.delete(f"{API}/conversations/{conversation_id}", headers=who.headers)
    with pytest.raises(Unauthorized):
        sessions.admit(token, "node")
    assert money(house, who) == Money(1_000, 0)


def test_a_token_of_a_deleted_character_admits_nobody_and_costs_nothing(
    client: TestClient, house: House, who: Customer, sessions: Sessions
) -> None:
    token, conversation_id = minted(client, who)
    house.characters.delete(who.account_id, who.character_id)
    with pytest.raises(Unauthorized):
        sessions.admit(token, "node")
    assert row(house, conversation_id).reason == "never_connected"
    assert money(house, who) == Money(1_000, 0)


@pytest.mark.parametrize(
    ("mode", "ending", "charged"),
    [
        ("audio-only", Ending("hang_up", 120.0), 10),
        ("audio-only", Ending("hang_up", 120.0, 0.0), 10),
        ("audio-only", Ending("hang_up", 120.1), 11),
        ("audio-only", Ending("hang_up", 12.0), 1),
        ("audio-only", Ending("hang_up", 0.5), 1),
        ("audio-only", Ending("hang_up", 0.0), 0),
        ("audio-only", Ending("limit", 600.0), 50),
        ("audio-only", Ending("limit", 601.3), 50),
        ("audio-only", Ending("failed", 60.0, dead_s=60.0), 0),
        ("audio-only", Ending("failed", 60.0, dead_s=36.0), 2),
        ("audio-only", Ending("failed", -5.0), 0),
        ("audio-only", Ending("failed", float("nan")), 0),
        ("video", Ending("hang_up", 60.0), 8),
        ("video", Ending("hang_up", 60.0, 60.0), 8),
        ("video", Ending("hang_up", 60.0, 0.0), 5),
        ("video", Ending("hang_up", 120.0, 60.0), 13),
        ("video", Ending("hang_up", 60.0, 9_999.0), 8),
    ],
)
def test_time_is_charged_and_the_rest_comes_back(
    client: TestClient,
    house: House,
    who: Customer,
    sessions: Sessions,
    mode: str,
    ending: Ending,
    charged: int,
) -> None:
    conversation_id = talking(client, who, sessions, mode=mode)
    assert sessions.end(conversation_id, ending)
    assert money(house, who) == Money(1_000 - charged, 0)
    assert [-entry.amount for entry in spent(house, who)] == ([charged] if charged else [])
    over = row(house, conversation_id)
    assert (over.state, over.reason, over.charged) == ("ended", ending.reason, charged)
    assert over.ended_at == house.clock.now()


def test_it_is_settled_once_however_many_end_it(
    client: TestClient, house: House, who: Customer, sessions: Sessions, clock: ManualClock
) -> None:
    listen(house, who)
    conversation_id = talking(client, who, sessions)
    clock.advance(LEASE_S + 1)

    def end(number: int) -> bool:
        if number % 2:
            house.conversation_room.chores.end_lapsed()
            return False
        return sessions.end(conversation_id, Ending("hang_up", 60.0))

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(end, range(16))) <= 1
    over = row(house, conversation_id)
    assert over.reason in {"hang_up", "node_lost"}
    assert money(house, who) == Money(1_000 - over.charged, 0)
    assert [event["reason"] for event in told(house)] == [over.reason]


def test_what_was_not_begun_cannot_be_ended(
    client: TestClient, house: House, who: Customer, sessions: Sessions
) -> None:
    _, conversation_id = minted(client, who)
    assert not sessions.end(conversation_id, Ending("hang_up", 60.0))
    assert not sessions.end("0d6a2a35-4a4f-4a57-9d0e-0a5b0f1c7a11", Ending("hang_up", 60.0))
    assert money(house, who) == Money(950, 50)


def test_webhooks_are_told_what_it_came_to(
    client: TestClient, house: House, who: Customer, sessions: Sessions
) -> None:
    listen(house, who)
    conversation_id = talking(client, who, sessions, visitor_name="Mika")
    sessions.turn(conversation_id, TurnRecord("user", "A secret.", False, 1.0, {}))
    sessions.end(conversation_id, Ending("hang_up", 61.5))
    (event,) = told(house)
    assert event["conversation_id"] == conversation_id
    assert (event["status"], event["reason"], event["duration_s"]) == ("ended", "hang_up", 61.5)
    assert (event["credits_used"], event["visitor_name"]) == (6, "Mika")
    assert "A secret." not in str(event)


def test_it_goes_on_as_long_as_its_node_says_so(
    client: TestClient, house: House, who: Customer, sessions: Sessions, clock: ManualClock
) -> None:
    conversation_id = talking(client, who, sessions)
    for _ in range(10):
        clock.advance(LEASE_S - 1)
        assert sessions.beat(conversation_id)
        house.sweeper.sweep()
    assert row(house, conversation_id).state == "live"
    assert money(house, who) == Money(950, 50)


def test_what_nobody_leads_any_more_is_charged_up_to_the_last_sign_of_life(
    client: TestClient, house: House, who: Customer, sessions: Sessions, clock: ManualClock
) -> None:
    conversation_id = talking(client, who, sessions, mode="video")
    clock.advance(40)
    sessions.beat(conversation_id)
    clock.advance(20)
    sessions.beat(conversation_id, video_seconds=30.0)
    clock.advance(3_600)
    house.sweeper.sweep()
    over = row(house, conversation_id)
    assert (over.state, over.reason, over.seconds) == ("ended", "node_lost", 60.0)
    assert over.charged == 7  # half a minute at 8 and half a one at 5
    assert not sessions.beat(conversation_id)
    assert not sessions.end(conversation_id, Ending("hang_up", 600.0))
    assert money(house, who) == Money(993, 0)


def test_it_is_settled_even_when_nobody_swept_for_a_day(
    client: TestClient, house: House, who: Customer, sessions: Sessions, clock: ManualClock
) -> None:
    conversation_id = talking(client, who, sessions)
    clock.advance(30)
    sessions.beat(conversation_id)
    clock.advance(24 * 3_600)
    house.sweeper.sweep()
    assert row(house, conversation_id).charged == 3
    assert money(house, who) == Money(997, 0)


def test_credits_that_went_back_by_themselves_are_not_taken(
    client: TestClient, house: House, who: Customer, sessions: Sessions, clock: ManualClock
) -> None:
    conversation_id = talking(client, who, sessions)
    clock.advance(3 * 24 * 3_600)
    house.credits.release_expired()
    assert sessions.end(conversation_id, Ending("hang_up", 60.0))
    assert row(house, conversation_id).charged == 0
    assert money(house, who) == Money(1_000, 0)


def test_a_token_that_nobody_uses_costs_nothing(
    client: TestClient, house: House, who: Customer, clock: ManualClock
) -> None:
    _, conversation_id = minted(client, who)
    clock.advance(LIFE_S)
    house.sweeper.sweep()
    assert row(house, conversation_id).state == "minted"
    clock.advance(1)
    house.sweeper.sweep()
    over = row(house, conversation_id)
    assert (over.state, over.reason, over.seconds, over.charged) == (
        "ended",
        "never_connected",
        0.0,
        0,
    )
    assert money(house, who) == Money(1_000, 0)


def test_a_client_and_the_sweeper_never_both_get_a_token_of_the_last_moment(
    client: TestClient, house: House, who: Customer, sessions: Sessions, clock: ManualClock
) -> None:
    """The token is read in time; the sweeper is quicker; who is admitted late is refused."""
    token, _ = minted(client, who)
    clock.advance(LIFE_S - 1)
    conversation = sessions.waiting(token)
    clock.advance(2)
    house.sweeper.sweep()
    clock.advance(-2)
    with pytest.raises(Conflict):
        sessions.admit(token, "node")
    assert row(house, conversation.conversation_id).reason == "never_connected"


def test_what_is_said_is_kept_in_order(
    client: TestClient, who: Customer, sessions: Sessions
) -> None:
    conversation_id = talking(client, who, sessions)
    said = [
        TurnRecord("user", "こんにちは\0", False, 0.5, {}),
        TurnRecord("assistant", "x" * 20_000, True, 2.25, {"audible": 0.90049}),
    ]
    for turn in said:
        sessions.turn(conversation_id, turn)
    answer = client.get(f"{API}/conversations/{conversation_id}", headers=who.headers).json()
    assert answer["transcript"] == [
        {
            "role": "user",
            "text": "こんにちは",
            "interrupted": False,
            "started_s": 0.5,
            "latency": {},
        },
        {
            "role": "assistant",
            "text": "x" * 10_000,
            "interrupted": True,
            "started_s": 2.25,
            "latency": {"audible": 0.9},
        },
    ]


def test_turns_of_many_at_once_all_get_their_place(
    client: TestClient, who: Customer, sessions: Sessions
) -> None:
    conversation_id = talking(client, who, sessions)
    with ThreadPoolExecutor(8) as pool:
        list(
            pool.map(
                lambda n: sessions.turn(conversation_id, TurnRecord("user", str(n), False, n, {})),
                range(20),
            )
        )
    answer = client.get(f"{API}/conversations/{conversation_id}", headers=who.headers).json()
    assert sorted(int(turn["text"]) for turn in answer["transcript"]) == list(range(20))


def test_deleting_a_live_one_ends_it_and_keeps_nothing_of_what_is_said_after(
    client: TestClient, house: House, who: Customer, sessions: Sessions, clock: ManualClock
) -> None:
    listen(house, who)
    conversation_id = talking(client, who, sessions, visitor_name="Mika")
    sessions.turn(conversation_id, TurnRecord("user", "Hi.", False, 1.0, {}))
    clock.advance(60)
    url = f"{API}/conversations/{conversation_id}"
    assert client.delete(url, headers=who.headers).json()["deleted"]
    assert not sessions.beat(conversation_id)
    assert not sessions.end(conversation_id, Ending("hang_up", 61.0))
    sessions.turn(conversation_id, TurnRecord("user", "Hi.", False, 1.0, {}))
    assert money(house, who) == Money(995, 0)
    assert [event["reason"] for event in told(house)] == ["deleted"]
    assert client.get(url, headers=who.headers).status_code == 404
    assert client.delete(url, headers=who.headers).status_code == 404
    assert row(house, conversation_id).visitor is None


def test_a_client_that_never_came_through_costs_nothing_when_it_is_deleted(
    client: TestClient, house: House, who: Customer, sessions: Sessions, clock: ManualClock
) -> None:
    listen(house, who)
    token, conversation_id = minted(client, who)
    sessions.admit(token, "node")
    clock.advance(19)
    url = f"{API}/conversations/{conversation_id}"
    assert client.delete(url, headers=who.headers).json()["deleted"]
    assert money(house, who) == Money(1_000, 0)
    [event] = told(house)
    assert (event["duration_s"], event["credits_used"], event["connected_at"]) == (0, 0, None)


def test_nor_when_its_node_is_lost(
    client: TestClient, house: House, who: Customer, sessions: Sessions, clock: ManualClock
) -> None:
    token, conversation_id = minted(client, who)
    sessions.admit(token, "node")
    clock.advance(10)
    assert sessions.beat(conversation_id)
    clock.advance(60)
    house.sweeper.sweep()
    ended = row(house, conversation_id)
    assert (ended.reason, ended.seconds, ended.charged) == ("node_lost", 0.0, 0)
    assert money(house, who) == Money(1_000, 0)


def test_one_that_came_through_late_is_paid_from_then_and_only_the_first_time_counts(
    client: TestClient, house: House, who: Customer, sessions: Sessions, clock: ManualClock
) -> None:
    token, conversation_id = minted(client, who)
    sessions.admit(token, "node")
    clock.advance(15)
    sessions.reached(conversation_id)
    clock.advance(5)
    sessions.reached(conversation_id)
    clock.advance(60)
    house.sweeper.sweep()  # lost before its first beat
    ended = row(house, conversation_id)
    assert (ended.reason, ended.seconds) == ("node_lost", 0.0)
    sessions.reached(conversation_id)
    assert row(house, conversation_id) == ended


def test_a_node_that_ends_before_it_could_say_that_somebody_came_says_so_by_the_time(
    client: TestClient, house: House, who: Customer, sessions: Sessions, clock: ManualClock
) -> None:
    token, conversation_id = minted(client, who)
    sessions.admit(token, "node")
    clock.advance(15)
    assert sessions.end(conversation_id, Ending("hang_up", 3.0))
    ended = row(house, conversation_id)
    assert ended.connected_at == clock.now() - timedelta(seconds=3)
    assert ended.charged == 1


def test_deleting_an_account_ends_its_conversations(
    client: TestClient, house: House, who: Customer, sessions: Sessions
) -> None:
    conversation_id = talking(client, who, sessions)
    sessions.turn(conversation_id, TurnRecord("user", "Hi.", False, 1.0, {}))
    token, _ = minted(client, who)
    house.accounts.delete(who.account_id)
    assert not sessions.beat(conversation_id)
    assert not sessions.end(conversation_id, Ending("hang_up", 61.0))
    with pytest.raises(Unauthorized):
        sessions.admit(token, "node")


def test_a_client_that_lost_its_line_finds_its_conversation_again(
    client: TestClient, who: Customer, sessions: Sessions, clock: ManualClock
) -> None:
    token, conversation_id = minted(client, who)
    with pytest.raises(CharafyError):
        sessions.going_on(token)
    clock.advance(LIFE_S - 1)
    sessions.admit(token, "node")
    clock.advance(2)
    assert sessions.going_on(token).conversation_id == conversation_id
    sessions.end(conversation_id, Ending("hang_up", 2.0))
    with pytest.raises(Conflict):
        sessions.going_on(token)


def test_accounts_do_not_see_each_other(
    client: TestClient, house: House, who: Customer, sessions: Sessions
) -> None:
    conversation_id = talking(client, who, sessions)
    other = customer(house)
    url = f"{API}/conversations/{conversation_id}"
    assert client.get(url, headers=other.headers).status_code == 404
    assert client.delete(url, headers=other.headers).status_code == 404
    assert client.get(f"{API}/conversations", headers=other.headers).json()["conversations"] == []
