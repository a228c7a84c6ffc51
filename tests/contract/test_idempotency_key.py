"""Every operation that says it takes an Idempotency-Key keeps the promise of the guide."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from fastapi.testclient import TestClient

from charafy.reference.names import IDEMPOTENT, OPERATIONS
from tests.contract.conftest import Developer
from tests.support import recordings
from tests.support.routes import API

PATHS = {name: API + path for _, path, name in OPERATIONS}
METHODS = {name: method.upper() for method, _, name in OPERATIONS}
ELSEWHERE = {"buy_credits", "rotate_secret", "send_test", "redeliver"}
"""Buying needs a payment provider, and the webhooks' tests have those that take no body."""
TESTED = sorted(IDEMPOTENT - ELSEWHERE)


@pytest.fixture(params=TESTED)
def operation(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def bodies(
    operation: str, character_id: str, voice_id: str, photo: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A request of the operation, and the same with something else in it."""
    speech = {"character_id": character_id, "text": "Hello!"}
    requests: dict[str, tuple[dict[str, Any], str]] = {
        "create_character": ({"name": "Emma", "image": photo, "voice_id": voice_id}, "name"),
        "generate_avatar": ({"avatar_type": "motion", "kind": "auto"}, "kind"),
        "clone_voice": ({"name": "Emma", "language": "en"}, "name"),
        "speak": (speech, "text"),
        "speak_with_timestamps": (speech, "text"),
        "generate_video": (speech, "text"),
        "create_speech": ({"model": "kokoro", "voice": character_id, "input": "Hello!"}, "input"),
        "create_conversation_token": (
            {"character_id": character_id, "mode": "audio-only"},
            "greeting",
        ),
        "create_key": ({"name": "spare"}, "name"),
        "create_endpoint": ({"url": "https://example.com/hook"}, "description"),
        "grant_credits": ({"amount": 5, "description": "Thanks"}, "description"),
    }
    first, other = requests[operation]
    changed = "photo" if operation == "generate_avatar" else "Something else"
    return first, {**first, other: changed}


@pytest.fixture
def caller(operation: str, operator: Developer, developer: Developer) -> Developer:
    return operator if operation == "grant_credits" else developer


def test_sent_again_it_is_answered_again_and_done_once(
    http: TestClient,
    operation: str,
    bodies: tuple[dict[str, Any], dict[str, Any]],
    caller: Developer,
    developer: Developer,
    character_id: str,
) -> None:
    url = url_of(operation, developer, character_id)
    headers = {**caller.headers, "Idempotency-Key": str(uuid.uuid4())}
    first = send(http, operation, url, bodies[0], headers)
    assert first.status_code == 200, first.text
    before = state(http, developer)

    again = send(http, operation, url, bodies[0], headers)

    assert again.status_code == 200
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    if operation == "create_key":
        assert (first.json().pop("key")[:8], again.json()["key"]) == ("ck_live_", None)
        assert again.json()["key_id"] == first.json()["key_id"]
    elif operation == "create_endpoint":
        assert first.json()["secret"].startswith("whsec_")
        assert again.json() == {**first.json(), "secret": None}
    else:
        assert again.content == first.content
        assert again.headers["content-type"] == first.headers["content-type"]
    assert state(http, developer) == before


def test_sent_again_with_another_body_it_is_a_conflict(
    http: TestClient,
    operation: str,
    bodies: tuple[dict[str, Any], dict[str, Any]],
    caller: Developer,
    developer: Developer,
    character_id: str,
) -> None:
    url = url_of(operation, developer, character_id)
    headers = {**caller.headers, "Idempotency-Key": str(uuid.uuid4())}
    first = send(http, operation, url, bodies[0], headers)
    assert first.status_code == 200, first.text
    before = state(http, developer)

    other = send(http, operation, url, bodies[1], headers)

    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert state(http, developer) == before


@pytest.mark.parametrize("key", ["", "é", "x" * 256, "a\tb"])
def test_a_key_that_is_no_key_is_bad_input(
    http: TestClient, developer: Developer, character_id: str, key: str
) -> None:
    headers = [(b"x-api-key", developer.key.encode()), (b"idempotency-key", key.encode())]
    body = {"character_id": character_id, "text": "Hello!"}
    assert http.post(f"{API}/tts", json=body, headers=headers).status_code == 400


def send(
    http: TestClient, operation: str, url: str, body: dict[str, Any], headers: dict[str, str]
) -> Any:
    if operation == "clone_voice":
        audio = {"audio": recordings.speech()}
        return http.post(url, files=audio, data=body, headers=headers)
    return http.request(METHODS[operation], url, json=body, headers=headers)


def url_of(operation: str, developer: Developer, character_id: str) -> str:
    url = PATHS[operation].replace("{account_id}", developer.account_id)
    return url.replace("{character_id}", character_id)


def state(http: TestClient, developer: Developer) -> tuple[Any, ...]:
    """What doing something twice would change."""
    headers = developer.headers
    return (
        http.get(f"{API}/credits", headers=headers).json(),
        http.get(f"{API}/characters", headers=headers).json(),
        http.get(f"{API}/voices", headers=headers).json(),
        len(http.get(f"{API}/keys", headers=headers).json()["keys"]),
        http.get(f"{API}/webhooks", headers=headers).json(),
    )
