"""A stranger can't make the server work for bodies that it was never going to accept."""

from __future__ import annotations

from charafy.kernel.http.intake import STRANGERS_BODY_BYTES
from tests.attacks.conftest import MakeHouse, client_of


def test_a_megabyte_without_a_key_is_not_parsed(make_house: MakeHouse) -> None:
    house = make_house()
    content = b'{"text": "%s"}' % (b"a" * STRANGERS_BODY_BYTES)
    json = {"content-type": "application/json"}
    client = client_of(house)

    stranger = client.post("/api/v1/characters", content=content, headers=json)
    forger = client.post("/api/v1/characters", content=content, headers=json | {"x-api-key": "no"})
    assert [stranger.status_code, forger.status_code] == [401, 401]

    account = house.accounts.create("someone@example.com")
    key = house.keys.create(account.account_id, "Key").key
    known = client.post("/api/v1/characters", content=content, headers=json | {"x-api-key": key})
    assert (known.status_code, known.json()["param"]) == (400, "name")


def test_a_form_without_a_key_is_not_parsed_either(make_house: MakeHouse) -> None:
    client = client_of(make_house())
    files = {"audio": ("voice.wav", b"RIFF" + bytes(STRANGERS_BODY_BYTES))}
    for path in ("/voice/clone", "/voice/preview"):
        for headers in ({}, {"x-api-key": "no"}):
            answer = client.post(f"/api/v1{path}", files=files, headers=headers)
            assert answer.status_code == 401


def test_a_form_of_very_many_parts_is_refused(make_house: MakeHouse) -> None:
    house = make_house()
    account = house.accounts.create("someone@example.com")
    headers = {"x-api-key": house.keys.create(account.account_id, "Key").key}
    for part in (b'name="a"', b'name="audio"; filename="a"'):
        one = b"--x\r\nContent-Disposition: form-data; " + part + b"\r\n\r\n1\r\n"
        answer = client_of(house).post(
            "/api/v1/voice/preview",
            content=one * 20_000 + b"--x--\r\n",
            headers=headers | {"content-type": "multipart/form-data; boundary=x"},
        )
        assert answer.status_code == 400, answer.text
