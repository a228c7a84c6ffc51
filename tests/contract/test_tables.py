"""The contract's tables against the document, the price book and the server's own answers."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from charafy.house import House
from charafy.kernel.settings import Prices
from charafy.reference.errors import ERRORS
from charafy.reference.openapi import build
from charafy.reference.operations import Operation, chapters
from tests.contract.conftest import Developer
from tests.contract.test_curl_lines import BUILT, ENDPOINTS
from tests.support import contract
from tests.support.routes import API

INSTEAD = {("POST /v1/video", "text")}
"""What the contract requires and something beyond it may replace: here a recording."""
WITH_PARAMETERS = [name for name in BUILT if ENDPOINTS[name].parameters]
WITHOUT_LIMITS = {"PUT /v1/characters/CHAR_ID/avatar"}
"""What the contract states neither limits nor defaults for."""


@pytest.fixture(scope="module")
def documented(http: TestClient, shared_house: House) -> dict[str, Operation]:
    """Operations by the contract's name for them."""
    assert isinstance(http.app, FastAPI)
    document = build(http.app, shared_house.settings)
    return {
        f"{operation.method} {operation.path.removeprefix('/api')}".replace(
            "{character_id}", "CHAR_ID"
        ): operation
        for chapter in chapters(document)
        for operation in chapter.operations
    }


def test_what_is_built_of_the_contract_is_documented(documented: dict[str, Operation]) -> None:
    assert set(BUILT) <= documented.keys()


@pytest.mark.parametrize("name", WITH_PARAMETERS)
def test_parameters_have_the_contract_s_names_types_and_requirements_in_order(
    documented: dict[str, Operation], name: str
) -> None:
    ours = documented[name].body[: len(ENDPOINTS[name].parameters)]
    theirs = ENDPOINTS[name].parameters

    assert [field.name for field in ours] == [p.name for p in theirs]
    assert [field.required or (name, field.name) in INSTEAD for field in ours] == [
        p.required for p in theirs
    ]
    assert [field.type.replace("integer", "number") for field in ours] == [p.type for p in theirs]


@pytest.mark.parametrize("name", WITH_PARAMETERS)
def test_parameters_beyond_the_contract_are_optional(
    documented: dict[str, Operation], name: str
) -> None:
    extra = documented[name].body[len(ENDPOINTS[name].parameters) :]
    # What is inside of an optional object may be needed to make sense of it.
    assert not any(field.required for field in extra if "." not in field.name)


@pytest.mark.parametrize("name", WITH_PARAMETERS)
def test_parameters_have_the_contract_s_limits_and_defaults(
    documented: dict[str, Operation], name: str
) -> None:
    compared = 0
    fields = {field.name: field for field in documented[name].body}
    for parameter in ENDPOINTS[name].parameters:
        field = fields[parameter.name]
        stated = re.search(r"\((?:max )?\d[\d,]*(?:-\d[\d,]*)?(?: chars)?\)", parameter.description)
        if stated:
            assert numbers(field.limits) == numbers(stated[0]), parameter.name
            compared += 1
        if default := re.search(r'Default: ("\w+")', parameter.description):
            assert field.default == default[1], parameter.name
            compared += 1
    assert compared or name in WITHOUT_LIMITS


def numbers(text: str) -> list[int]:
    """The limits in a text; a lower limit of 1 character or 0 items goes without saying."""
    found = [int(number.replace(",", "")) for number in re.findall(r"\d[\d,]*", text)]
    return found if len(found) == 2 else [found[-1]]


def test_the_price_book_is_the_contract_s_price_table() -> None:
    book = Prices()
    table = {name: int(credits.split("/")[0]) for name, credits in contract.prices().items()}

    assert list(table.values()) == [
        book.tts_per_100_chars,
        book.conversation_audio_per_minute,
        book.conversation_video_per_minute,
        book.avatar,
        book.video_per_second,
        book.voice_clone,
    ]
    assert len(table) == 6


def test_the_documented_errors_are_the_contract_s_statuses_and_two_of_ours() -> None:
    ours = {kind.status: kind for kind in ERRORS}
    assert ours.keys() - contract.statuses().keys() == {409, 503}
    for status, description in contract.statuses().items():
        title, _, meaning = description.partition(" — ")
        assert ours[status].title == title
        first_words = re.split(r"[(.]", meaning)[0].strip()
        assert ours[status].meaning.startswith(first_words), status


@pytest.mark.parametrize(
    ("chars", "credits"),
    [(1, 1), (99, 1), (100, 1), (101, 2), (200, 2), (201, 3), (4_999, 50), (5_000, 50)],
)
def test_speech_costs_one_credit_per_started_hundred_characters(
    http: TestClient, developer: Developer, character_id: str, chars: int, credits: int
) -> None:
    before = balance(http, developer)
    answer = speak(http, developer, character_id, "a " * (chars // 2) + "a" * (chars % 2))

    assert answer.status_code == 200
    assert answer.headers["x-credits-used"] == str(credits)
    assert answer.headers["x-character-count"] == str(chars)
    assert before - balance(http, developer) == credits


def test_a_test_key_pays_nothing(http: TestClient, developer: Developer, character_id: str) -> None:
    before = balance(http, developer)
    answer = http.post(
        f"{API}/tts",
        json={"character_id": character_id, "text": "Hello! " * 50},
        headers={"x-api-key": developer.test_key},
    )

    assert (answer.status_code, answer.headers["x-credits-used"]) == (200, "0")
    assert balance(http, developer) == before


def test_the_balance_is_the_sum_of_its_transactions(
    http: TestClient, developer: Developer, shared_house: House
) -> None:
    total, cursor = 0, None
    for _ in range(100):
        query = {"limit": 50, **({"cursor": cursor} if cursor else {})}
        page = http.get(
            f"{API}/credits/transactions", params=query, headers=developer.headers
        ).json()
        total += sum(transaction["amount"] for transaction in page["transactions"])
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert cursor is None
    with shared_house.db.read() as tx:
        books = shared_house.credits.balance(tx, developer.account_id)
    assert (books.total, books.available) == (total, balance(http, developer))


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"name": "a"}, 200),
        ({"name": "あ" * 100}, 200),
        ({"name": ""}, 400),
        ({"name": "a" * 101}, 400),
        ({"language": "ja"}, 200),
        ({"language": "en"}, 200),
        ({"language": "fr"}, 400),
        ({"avatar_type": "none"}, 200),
        ({"avatar_type": "sprite"}, 200),
        ({"avatar_type": "motion"}, 200),
        ({"avatar_type": "video"}, 400),
        ({"system_prompt": "a" * 10_000}, 200),
        ({"system_prompt": "a" * 10_001}, 400),
        ({"image": "not an image"}, 400),
        ({"image": "data:image/png;base64,AAAA"}, 400),
        ({"voice_id": "00000000-0000-4000-8000-000000000000"}, 400),
        ({"unheard_of": True}, 200),
    ],
    ids=lambda value: str(value)[:40],
)
def test_limits_of_creating_a_character(
    http: TestClient,
    developer: Developer,
    voice_id: str,
    photo: str,
    changed: dict[str, Any],
    status: int,
) -> None:
    body = {"name": "Emma", "image": photo, "voice_id": voice_id, **changed}
    answer = http.post(f"{API}/characters", json=body, headers=developer.headers)

    assert answer.status_code == status, answer.text
    if status == 200:
        path = f"{API}/characters/{answer.json()['character_id']}"
        http.delete(path, headers=developer.headers)
    else:
        assert answer.json()["param"] == next(iter(changed))


def test_a_character_is_japanese_and_without_avatar_unless_told_otherwise(
    http: TestClient, developer: Developer, voice_id: str, photo: str
) -> None:
    body = {"name": "Sakura", "image": photo, "voice_id": voice_id}
    created = http.post(f"{API}/characters", json=body, headers=developer.headers).json()
    path = f"{API}/characters/{created['character_id']}"
    character = http.get(path, headers=developer.headers).json()

    assert (character["language"], character["avatar_type"]) == ("ja", "none")
    assert created["credits_used"] == 0
    http.delete(path, headers=developer.headers)


@pytest.mark.parametrize(
    ("text", "status"),
    [("a", 200), ("あ" * 5_000, 200), ("", 400), ("a" * 5_001, 400), ("   ", 400), ("😀", 400)],
    ids=["1", "5,000", "none", "5,001", "spaces", "emoji"],
)
def test_limits_of_speech(
    http: TestClient, developer: Developer, character_id: str, text: str, status: int
) -> None:
    before = balance(http, developer)
    answer = speak(http, developer, character_id, text)

    assert answer.status_code == status
    if status == 200:
        assert answer.headers["content-type"] == "audio/mpeg"
    else:
        assert answer.json()["param"] == "text"
        assert balance(http, developer) == before


@pytest.mark.parametrize(
    ("field", "least", "most"),
    [
        ("embed_session_limit_seconds", 60, 3_600),
        ("embed_daily_limit_seconds", 60, 86_400),
        ("embed_monthly_limit_seconds", 3_600, 2_592_000),
        ("embed_max_concurrent", 1, 100),
    ],
)
def test_limits_of_embed_settings(
    http: TestClient, developer: Developer, character_id: str, field: str, least: int, most: int
) -> None:
    for value, status in ((least, 200), (most, 200), (least - 1, 400), (most + 1, 400)):
        answer = embed(http, developer, character_id, {field: value})
        assert answer.status_code == status, value
        if status == 200:
            assert answer.json()[field] == value
        else:
            assert answer.json()["param"] == field


@pytest.mark.parametrize(
    ("origins", "status"),
    [
        ([], 200),
        (["https://example.com"], 200),
        ([f"https://{n}.example.com" for n in range(20)], 200),
        ([f"https://{n}.example.com" for n in range(21)], 400),
        (["http://example.com"], 400),
        (["example.com"], 400),
        (["https://example.com/page"], 400),
        ("https://example.com", 400),
    ],
    ids=lambda value: str(value)[:30],
)
def test_origins_of_embed_settings(
    http: TestClient, developer: Developer, character_id: str, origins: Any, status: int
) -> None:
    answer = embed(http, developer, character_id, {"allowed_origins": origins})

    assert answer.status_code == status, answer.text
    if status == 200:
        assert answer.json()["allowed_origins"] == origins


def balance(http: TestClient, developer: Developer) -> int:
    answer = http.get(f"{API}/credits", headers=developer.headers)
    return int(answer.json()["credits_remaining"])


def speak(http: TestClient, developer: Developer, character_id: str, text: str) -> Any:
    body = {"character_id": character_id, "text": text}
    return http.post(f"{API}/tts", json=body, headers=developer.headers)


def embed(http: TestClient, developer: Developer, character_id: str, body: dict[str, Any]) -> Any:
    path = f"{API}/characters/{character_id}/embed"
    return http.put(path, json=body, headers=developer.headers)
