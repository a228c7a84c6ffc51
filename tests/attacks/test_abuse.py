"""What hostile developers and visitors try: odd input, and more of everything than is theirs."""

from __future__ import annotations

import base64
import re

import pytest
from fastapi.testclient import TestClient

from charafy.house import House
from charafy.kernel.ids import new_id
from tests.attacks.conftest import MakeHouse, client_of

PASSWORD = "correct horse battery"


@pytest.fixture
def house(make_house: MakeHouse) -> House:
    return make_house()


@pytest.fixture
def developer(house: House) -> TestClient:
    account = house.accounts.create("sora@example.com", password=PASSWORD)
    client = client_of(house)
    client.headers["x-api-key"] = house.keys.create(account.account_id, "Key").key
    return client


def _csrf(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found
    return found[1]


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_a_cursor_at_the_end_of_time_is_a_bad_cursor(developer: TestClient, moment: str) -> None:
    cursor = base64.urlsafe_b64encode(f"{moment} {new_id()}".encode()).decode().rstrip("=")
    answer = developer.get("/api/v1/characters", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["param"]) == (400, "cursor")


@pytest.mark.parametrize("name", ["a\r\nb", "\0", "a\u202eb"])
def test_keys_have_names_that_can_be_shown(developer: TestClient, name: str) -> None:
    answer = developer.post("/api/v1/keys", json={"name": name})
    assert (answer.status_code, answer.json()["param"]) == (400, "name")


def test_a_key_mails_strangers_only_a_few_times_a_minute(developer: TestClient) -> None:
    answers = [
        developer.patch("/api/v1/account", json={"email": f"stranger{number}@example.com"})
        for number in range(4)
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert int(answers[-1].headers["retry-after"]) > 0


def test_spaces_around_an_address_win_no_further_guesses_of_its_password(house: House) -> None:
    house.accounts.create("sora@example.com", password=PASSWORD)
    statuses = []
    for number in range(11):
        client = TestClient(
            client_of(house).app, base_url="http://testserver", client=(f"192.0.2.{number}", 1)
        )
        form = {
            "csrf_token": _csrf(client.get("/sign-in").text),
            "email": " " * number + "Sora@example.com",
            "password": "a wrong guess",
        }
        statuses.append(client.post("/sign-in", data=form).status_code)
    assert statuses == [401] * 10 + [429]


def test_naming_someones_address_as_an_email_does_not_use_up_their_guesses(house: House) -> None:
    app = client_of(house).app
    attacker = TestClient(app, base_url="http://testserver", client=("192.0.2.66", 1))
    victim = TestClient(app, base_url="http://testserver", client=("192.0.2.1", 1))
    for client, email in [(attacker, "192.0.2.1")] * 10 + [(victim, "sora@example.com")]:
        form = {"csrf_token": _csrf(client.get("/sign-in").text), "email": email}
        status = client.post("/sign-in", data=form).status_code
    assert status != 429
