"""What strangers may try: at the house's expense, within a day's allowance, whoever comes."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from charafy.app import build_app
from charafy.characters.service import Character
from charafy.demo.sayings import KEPT, Said, Sayings
from charafy.first_start import first_start
from charafy.house import House, build_house
from charafy.kernel.db import Database
from charafy.kernel.errors import NotFound, TooManyRequests
from charafy.kernel.settings import Settings
from charafy.speech.service import Speech
from tests.support.clock import ManualClock

OPEN = {"demo": True, "demo_credits_per_day": 6, "demo_lines_per_minute": 100, "talk": True}
HELLO = "Hello there, how nice to see you."


@dataclass(frozen=True, slots=True)
class Fair:
    """A server with its demo open, and strangers."""

    house: House
    http: TestClient
    clock: ManualClock

    @property
    def cast(self) -> dict[str, Character]:
        return {one.name: one for one in self.house.demo.account.cast()}

    @property
    def emma(self) -> Character:
        return self.cast["Emma"]

    @property
    def left(self) -> int:
        account = self.house.demo.account.account()
        assert account is not None
        with self.house.db.read() as tx:
            return self.house.credits.balance(tx, account.account_id).total

    def post(self, text: str = HELLO, **headers: str) -> Any:
        body = {"character_id": self.emma.character_id, "text": text}
        own = {"origin": self.house.settings.base_url, "sec-fetch-site": "same-origin"}
        return self.http.post("/demo/say", json=body, headers=own | headers)

    def say(self, text: str, address: str = "192.0.2.1") -> Said:
        return self.house.demo.sayings.say(self.emma, text, address)


Open = Callable[..., Fair]


@pytest.fixture
def opened(settings: Settings, clock: ManualClock, db: Database) -> Iterator[Open]:
    del db
    houses: list[House] = []

    def build(**changes: Any) -> Fair:
        house = build_house(settings.model_copy(update=OPEN | changes), clock=clock)
        houses.append(house)
        first_start(house)
        house.demo.account.open()
        return Fair(house, TestClient(build_app(house), base_url=settings.base_url), clock)

    yield build
    for house in houses:
        house.close()


@pytest.fixture
def fair(opened: Open) -> Fair:
    return opened()


def test_a_stranger_hears_their_own_words_with_the_lips_that_go_with_them(fair: Fair) -> None:
    answer = fair.post()
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert base64.b64decode(said["audio"])[:2] == b"\xff\xf3"
    assert said["words"][0][0].startswith("Hello")
    assert said["visemes"][-1]["end_s"] == pytest.approx(said["duration_s"], abs=0.01)
    assert fair.left == 5, "the house paid, by the price of everybody"


def test_nobody_else_pays_and_the_owner_keeps_their_own_characters(fair: Fair) -> None:
    owner = fair.house.accounts.owner()
    assert owner is not None
    with fair.house.db.read() as tx:
        before = fair.house.credits.balance(tx, owner.account_id)
    fair.post()
    with fair.house.db.read() as tx:
        assert fair.house.credits.balance(tx, owner.account_id) == before
        assert not fair.house.credits.audit(tx)
    own = {one.character_id for one in fair.house.characters.list(owner.account_id)}
    assert own.isdisjoint(one.character_id for one in fair.cast.values())


def test_the_same_words_are_spoken_and_paid_once(
    fair: Fair, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = fair.post().json()
    monkeypatch.setattr(Speech, "record", lambda *_, **__: pytest.fail("spoken twice"))
    assert fair.post(f"  {HELLO.replace(' ', '  ')}\n").json() == first
    assert fair.left == 5


@pytest.mark.parametrize(
    ("text", "code"),
    [("x" * 161, "too_long"), (" \n", "nothing_to_say"), ("😀", "nothing_to_say")],
)
def test_a_text_is_looked_at_before_any_work(fair: Fair, text: str, code: str) -> None:
    answer = fair.post(text)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert fair.left == 6


def test_what_is_far_too_long_is_not_even_looked_at(fair: Fair) -> None:
    assert fair.post("x" * 1_001).status_code == 400
    assert fair.post("x" * 600_000).status_code in (401, 413)


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": ""}],
)
def test_other_pages_have_nothing_spoken_here(fair: Fair, headers: dict[str, str]) -> None:
    answer = fair.post(**headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "origin_not_allowed")


def test_only_the_demo_s_own_characters_speak(fair: Fair) -> None:
    owner = fair.house.accounts.owner()
    assert owner is not None
    theirs = fair.house.characters.list(owner.account_id)[0].character_id
    own = {"origin": fair.house.settings.base_url}
    for character_id in (theirs, "x"):
        body = {"character_id": character_id, "text": HELLO}
        assert fair.http.post("/demo/say", json=body, headers=own).status_code == 404


def test_one_address_asks_a_few_times_a_minute(opened: Open) -> None:
    fair = opened(demo_lines_per_minute=2)
    assert [fair.post().status_code for _ in range(3)] == [200, 200, 429]


def test_one_address_has_its_share_of_the_day(opened: Open) -> None:
    fair = opened(demo_lines_per_day=2)
    for text in ("One.", "Two."):
        fair.say(text)
    with pytest.raises(TooManyRequests) as refused:
        fair.say("Three.")
    assert refused.value.code == "demo_enough" and int(refused.value.headers["Retry-After"]) > 0
    fair.say("Two.")  # what was said before is nobody's share
    fair.say("Three.", address="192.0.2.2")
    assert fair.left == 3, "who was refused paid nothing"


def test_strangers_at_the_same_instant_share_one_allowance(opened: Open) -> None:
    fair = opened(demo_credits_per_day=2)
    with ThreadPoolExecutor(4) as many:
        asked = [many.submit(fair.say, f"Number {n}.", f"192.0.2.{n}") for n in range(4)]
        errors = [future.exception(60) for future in asked]
    refused = [error for error in errors if error]
    assert len(refused) == 2
    assert {error.code for error in refused if isinstance(error, TooManyRequests)} == {
        "demo_used_up"
    }
    assert fair.left == 0


def test_what_fails_costs_the_house_nothing(fair: Fair, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("no voice")

    monkeypatch.setattr(Speech, "record", fail)
    with pytest.raises(RuntimeError):
        fair.say(HELLO)
    assert fair.left == 6


def test_each_day_has_an_allowance_of_its_own(fair: Fair) -> None:
    fair.say("One.")
    fair.house.sweeper.sweep()
    assert fair.left == 5, "once a day"
    fair.clock.advance(timedelta(days=1).total_seconds())
    fair.house.sweeper.sweep()
    assert fair.left == 6, "what was left is not saved up"
    fair.clock.advance(timedelta(days=1).total_seconds())
    fair.say("Two.")  # before any chore
    assert fair.left == 5
    with fair.house.db.read() as tx:
        assert not fair.house.credits.audit(tx)


def test_starting_again_changes_nothing(fair: Fair) -> None:
    before, left = dict(fair.cast), fair.left
    fair.house.demo.account.open()
    assert (dict(fair.cast).keys(), fair.left) == (before.keys(), left)


def test_what_was_said_is_forgotten(fair: Fair) -> None:
    sayings: Sayings = fair.house.demo.sayings
    fair.say("One.")
    stored = fair.house.storage.keys("demo/")
    assert len(stored) == 2
    assert sayings.forget_old() == 0
    fair.clock.advance((KEPT + timedelta(hours=2)).total_seconds())
    assert sayings.forget_old() >= 0


def test_it_can_be_turned_off(opened: Open) -> None:
    opened()
    fair = opened(demo_credits_per_day=0)
    answer = fair.post()
    assert (answer.status_code, answer.json()["code"]) == (403, "demo_closed")
    assert not any(one.embed_enabled for one in fair.cast.values())


def test_an_operator_who_suspends_the_account_closes_it(fair: Fair) -> None:
    account = fair.house.demo.account.account()
    assert account is not None
    emma = fair.emma
    fair.house.accounts.suspend(account.account_id)
    fair.house.demo.account.open()
    assert fair.house.demo.account.cast() == ()
    with pytest.raises(NotFound):
        fair.house.embed_room.visits.find(emma.character_id)


@pytest.mark.parametrize(
    ("changes", "talks"),
    [
        ({}, True),
        ({"talk": False}, False),
        ({"talk": False, "demo_talk": "on"}, True),
        ({"demo_talk": "off"}, False),
    ],
)
def test_strangers_talk_where_the_installation_allows(
    opened: Open, changes: dict[str, Any], talks: bool
) -> None:
    assert opened(**changes).emma.embed_enabled is talks


def test_all_characters_together_have_a_few_places(opened: Open) -> None:
    fair = opened(demo_credits_per_day=1_000, demo_talk_places=2)
    visits = fair.house.embed_room.visits
    people = [one.character_id for one in fair.cast.values()] * 2

    def come(character_id: str, visitor: int) -> str:
        try:
            visits.open(character_id, origin=None, address=f"192.0.2.{visitor}")
        except TooManyRequests as error:
            return error.code or ""
        return "in"

    with ThreadPoolExecutor(6) as many:
        said = sorted(many.map(come, people, range(6)))
    assert said == ["embed_full"] * 4 + ["in"] * 2


def test_a_stranger_s_conversation_is_short_and_on_our_pages_alone(opened: Open) -> None:
    fair = opened(demo_credits_per_day=1_000)
    opened_one = fair.house.embed_room.visits.open(fair.emma.character_id, origin=None)
    assert opened_one.session_limit_s == 120
    page = f"/embed/{fair.emma.character_id}"
    foreign = fair.http.get(page, headers={"referer": "https://evil.example/"})
    assert foreign.status_code == 403
    ours = fair.http.get(page, headers={"referer": fair.house.settings.base_url})
    assert ours.status_code == 200
