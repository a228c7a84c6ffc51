"""A token: what it costs, how long it lets one talk, and who may have one."""

from __future__ import annotations

import base64
import hashlib
import hmac
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pydantic import SecretStr

from charafy.app import build_app
from charafy.conversations.ice import ice_servers
from charafy.conversations.models import Ending
from charafy.conversations.sessions import Sessions
from charafy.credits.service import Books
from charafy.house import House
from charafy.kernel.errors import CharafyError
from charafy.kernel.settings import Settings
from tests.support.clock import ManualClock
from tests.support.conversations import ask, asked, row, spent
from tests.support.videos import API, Customer, Money, customer, money


def test_the_answer_is_the_contract_s(client: TestClient, house: House, who: Customer) -> None:
    answer = asked(client, who)
    ours = {"connect_url", "ice_servers", "livekit_url"}
    assert list(answer) == [
        "token",
        "conversation_id",
        "mode",
        "session_limit_seconds",
        "expires_in",
        "credits_used",
        "credits_remaining",
        "billing",
        "connect_url",
        "ice_servers",
        "livekit_url",
    ]
    assert {key: answer[key] for key in answer.keys() - {"token", "conversation_id"} - ours} == {
        "mode": "audio-only",
        "session_limit_seconds": 600,
        "expires_in": 3600,
        "credits_used": 50,
        "credits_remaining": 950,
        "billing": {
            "rate_credits_per_minute": 5,
            "prepaid_credits": 50,
            "note": "Unused credits are refunded when the session ends.",
        },
    }
    assert answer["connect_url"] == f"{house.settings.base_url}{API}/conversation/connect"
    assert money(house, who) == Money(950, 50)
    (hold,) = Books(house.db).holds(who.account_id)
    assert hold.character_id == who.character_id


def test_the_mode_is_video_unless_said_otherwise(client: TestClient, who: Customer) -> None:
    body = {"character_id": who.character_id.upper()}
    answer = client.post(f"{API}/conversation/token", json=body, headers=who.headers).json()
    assert (answer["mode"], answer["credits_used"]) == ("video", 80)
    assert answer["billing"]["rate_credits_per_minute"] == 8


@pytest.mark.parametrize(
    ("credits", "lasts_s", "held"), [(49, 540, 45), (9, 60, 5), (5, 60, 5), (50, 600, 50)]
)
def test_with_few_credits_it_is_shorter(
    client: TestClient, house: House, credits: int, lasts_s: int, held: int
) -> None:
    poor = customer(house, credits=credits)
    answer = asked(client, poor)
    assert (answer["session_limit_seconds"], answer["credits_used"]) == (lasts_s, held)
    assert answer["billing"]["prepaid_credits"] == held
    assert money(house, poor) == Money(credits - held, held)


@pytest.mark.parametrize("credits", [0, 4])
def test_below_a_minute_it_is_402_and_nothing_is_set_aside(
    client: TestClient, house: House, credits: int
) -> None:
    poor = customer(house, credits=credits)
    answer = ask(client, poor)
    assert (answer.status_code, answer.json()["code"]) == (402, "insufficient_credits")
    assert money(house, poor) == Money(credits, 0)
    assert client.get(f"{API}/conversations", headers=poor.headers).json()["conversations"] == []


def test_many_at_once_share_what_there_is(client: TestClient, house: House) -> None:
    poor = customer(house, credits=120)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: ask(client, poor), range(6)))
    got = sorted(answer.json().get("credits_used", 0) for answer in answers)
    assert got == [0, 0, 0, 20, 50, 50]
    assert money(house, poor) == Money(0, 120)


def test_a_shorter_one_may_be_asked_for(client: TestClient, who: Customer) -> None:
    answer = asked(client, who, session_limit_seconds=90)
    assert (answer["session_limit_seconds"], answer["credits_used"]) == (90, 8)
    assert asked(client, who, session_limit_seconds=7_200)["session_limit_seconds"] == 600


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"mode": "audio"}, "mode"),
        ({"mode": None}, "mode"),
        ({"session_limit_seconds": 59}, "session_limit_seconds"),
        ({"session_limit_seconds": "60"}, "session_limit_seconds"),
        ({"greeting": "x" * 501}, "greeting"),
        ({"visitor_name": "x" * 101}, "visitor_name"),
        ({"character_id": 5}, "character_id"),
    ],
)
def test_what_makes_no_sense_is_400_and_names_the_field(
    client: TestClient, house: House, who: Customer, more: dict[str, Any], param: str
) -> None:
    answer = ask(client, who, **more)
    assert (answer.status_code, answer.json()["param"]) == (400, param)
    assert money(house, who) == Money(1_000, 0)


def test_only_one_s_own_characters_talk(client: TestClient, house: House, who: Customer) -> None:
    other = customer(house)
    for character_id in (other.character_id, "nonsense", "\0"):
        assert ask(client, who, character_id=character_id).status_code == 404
    assert money(house, who) == Money(1_000, 0)


def test_a_test_key_is_not_charged(
    client: TestClient, house: House, who: Customer, sessions: Sessions
) -> None:
    answer = asked(client, who, test=True)
    assert (answer["credits_used"], answer["credits_remaining"]) == (0, 1_000)
    assert answer["billing"]["prepaid_credits"] == 0
    assert sessions.admit(answer["token"], "node").is_test
    sessions.end(answer["conversation_id"], Ending("hang_up", 60.0))
    assert spent(house, who) == []
    assert money(house, who) == Money(1_000, 0)


def test_test_keys_talk_a_while_each_day_and_get_back_what_they_did_not_use(
    client: TestClient, house: House, who: Customer, sessions: Sessions, clock: ManualClock
) -> None:
    """20 minutes a day in this house."""
    first = asked(client, who, test=True)
    asked(client, who, test=True)
    full = ask(client, who, test=True)
    assert (full.status_code, full.json()["code"]) == (429, "test_limit_reached")
    assert full.headers["retry-after"] == str(24 * 3_600 + 1)
    sessions.admit(first["token"], "node")
    sessions.end(first["conversation_id"], Ending("hang_up", 60.0))
    assert ask(client, who, test=True).status_code == 429
    asked(client, who, test=True, session_limit_seconds=540)
    # Deleting makes no room, and a live key is not concerned.
    url = f"{API}/conversations/{first['conversation_id']}"
    assert client.delete(url, headers=who.headers).status_code == 200
    assert ask(client, who, test=True, session_limit_seconds=60).status_code == 429
    asked(client, who)
    clock.advance(24 * 3_600)
    asked(client, who, test=True)
    assert row(house, first["conversation_id"]).seconds == 60.0


def test_an_idempotency_key_sets_credits_aside_once(
    client: TestClient, house: House, who: Customer
) -> None:
    body = {"character_id": who.character_id, "mode": "audio-only"}
    headers = {**who.headers, "Idempotency-Key": "once"}
    first, again = (
        client.post(f"{API}/conversation/token", json=body, headers=headers) for _ in range(2)
    )
    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert money(house, who) == Money(950, 50)


def test_scopes_say_who_may_begin_and_who_may_look(
    client: TestClient, house: House, who: Customer
) -> None:
    reader = house.keys.create(who.account_id, "reader", scopes=["conversations:read"]).key
    writer = house.keys.create(who.account_id, "writer", scopes=["conversations:write"]).key
    body = {"character_id": who.character_id}
    token, listing = f"{API}/conversation/token", f"{API}/conversations"
    assert client.post(token, json=body, headers={"x-api-key": reader}).status_code == 403
    assert client.post(token, json=body, headers={"x-api-key": writer}).status_code == 200
    assert client.get(listing, headers={"x-api-key": writer}).status_code == 403
    assert client.get(listing, headers={"x-api-key": reader}).status_code == 200


def test_lists_are_newest_first_and_go_on_where_they_ended(
    client: TestClient, who: Customer, sessions: Sessions, clock: ManualClock
) -> None:
    made = []
    for _ in range(5):
        made.append(asked(client, who, session_limit_seconds=60))
        clock.advance(1)
    sessions.admit(made[0]["token"], "node")
    ids = [answer["conversation_id"] for answer in reversed(made)]

    def page(**query: Any) -> Any:
        answer = client.get(f"{API}/conversations", params=query, headers=who.headers)
        assert answer.status_code == 200
        return answer.json()

    first = page(limit=3)
    rest = page(limit=3, cursor=first["next_cursor"])
    seen = [found["conversation_id"] for found in first["conversations"] + rest["conversations"]]
    assert seen == ids
    assert rest["next_cursor"] is None
    assert [c["conversation_id"] for c in page(status="live")["conversations"]] == ids[-1:]
    assert len(page(character_id=who.character_id.upper())["conversations"]) == 5
    assert page(character_id="nonsense")["conversations"] == []
    assert page(character_id="0d6a2a35-4a4f-4a57-9d0e-0a5b0f1c7a11")["conversations"] == []


def test_what_ended_is_forgotten_after_its_days(
    client: TestClient, house: House, who: Customer, sessions: Sessions, clock: ManualClock
) -> None:
    new = asked(client, who)
    sessions.admit(new["token"], "node")
    sessions.end(new["conversation_id"], Ending("hang_up", 60.0))
    url = f"{API}/conversations/{new['conversation_id']}"
    clock.advance(30 * 24 * 3_600)
    house.sweeper.sweep()
    assert client.get(url, headers=who.headers).status_code == 200
    clock.advance(1)
    house.sweeper.sweep()
    assert client.get(url, headers=who.headers).status_code == 404


def test_clients_learn_of_ice_servers_with_credentials_of_their_own(clock: ManualClock) -> None:
    """As coturn checks them: base64(HMAC-SHA1(secret, "expiry:who"))."""
    settings = Settings(
        stun_urls=("stun:stun.example.com:3478",),
        turn_urls=("turn:turn.example.com:3478", "turns:turn.example.com:5349"),
        turn_secret=SecretStr("shared"),
    )
    stun, turn = ice_servers(settings, clock, "c1")
    assert stun.model_dump(exclude_none=True) == {"urls": ["stun:stun.example.com:3478"]}
    assert turn.urls == list(settings.turn_urls)
    assert turn.username == f"{int(clock.now().timestamp()) + 3_600}:c1"
    mac = hmac.digest(b"shared", turn.username.encode(), hashlib.sha1)
    assert turn.credential == base64.b64encode(mac).decode()
    assert ice_servers(Settings(), clock, "c1") == []


step = st.tuples(
    st.sampled_from(["mint", "mint test", "admit", "beat", "end", "delete", "sweep", "wait"]),
    st.integers(0, 5),
    st.floats(0, 700),
)


@examples(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(step, max_size=25))
def test_whatever_happens_what_is_taken_and_what_comes_back_is_what_was_set_aside(
    house: House, clock: ManualClock, steps: list[tuple[str, int, float]]
) -> None:
    client = TestClient(build_app(house), base_url=house.settings.base_url)
    who, talks = customer(house, credits=200), house.conversation_room
    made: list[Any] = []
    for what, number, seconds in steps:
        if what.startswith("mint"):
            answer = ask(client, who, test=what == "mint test")
            made += [answer.json()] if answer.status_code == 200 else []
        elif what == "wait":
            clock.advance(seconds)
        elif what == "sweep":
            clock.advance(seconds * 10)
            house.sweeper.sweep()
        elif made:
            touch(client, who, talks.sessions, what, made[number % len(made)], seconds)
        check(house, who, made)


def touch(
    client: TestClient,
    who: Customer,
    sessions: Sessions,
    what: str,
    talk: dict[str, Any],
    seconds: float,
) -> None:
    conversation_id = talk["conversation_id"]
    if what == "admit" and admits(sessions, talk["token"]):
        assert not admits(sessions, talk["token"])
    elif what == "beat":
        sessions.beat(conversation_id)
    elif what == "end" and sessions.end(conversation_id, Ending("hang_up", seconds)):
        assert not sessions.end(conversation_id, Ending("hang_up", seconds))
    elif what == "delete":
        client.delete(f"{API}/conversations/{conversation_id}", headers=who.headers)


def admits(sessions: Sessions, token: str) -> bool:
    try:
        sessions.admit(token, "node")
    except CharafyError:
        return False
    return True


def check(house: House, who: Customer, made: list[Any]) -> None:
    """The books are right, and every credit is either held, taken or back."""
    rows = [row(house, talk["conversation_id"]) for talk in made]
    held = sum(found.held for found in rows if found.state != "ended")
    taken = sum(found.charged for found in rows)
    assert -sum(entry.amount for entry in spent(house, who)) == taken
    assert money(house, who) == Money(200 - held - taken, held)
