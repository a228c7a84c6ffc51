"""Nobody sees, changes or deletes what belongs to another account.

The walk goes over the app's own routes: a route with an id in its path that this file has never
heard of fails until it is decided here what a stranger may get there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from charafy.dashboard.door import SESSION_COOKIE
from charafy.house import House
from tests.contract.conftest import HOOK, Developer
from tests.support import recordings
from tests.support.routes import API, Route, routes

OWNED = {
    "character_id",
    "voice_id",
    "key_id",
    "video_id",
    "endpoint_id",
    "delivery_id",
    "conversation_id",
}
"""Ids of things that belong to an account."""
COMMON = {"model"}
"""Ids of things that everyone may see."""
OPERATORS = {"account_id"}
"""Ids that only the operator may use."""
TO_HEAR = f"GET {API}/voices/{{voice_id}}/sample.mp3"
"""Open to whoever knows the id, which nobody can guess."""
BODIES: Mapping[str, dict[str, Any]] = {
    f"PATCH {API}/characters/{{character_id}}": {"name": "Mine now"},
    f"PUT {API}/characters/{{character_id}}/avatar": {"avatar_type": "motion"},
    f"PUT {API}/characters/{{character_id}}/embed": {"embed_enabled": True},
    f"PATCH {API}/voices/{{voice_id}}": {"name": "Mine now"},
    f"PATCH {API}/webhooks/{{endpoint_id}}": {"url": "https://example.com/mine-now"},
}
SECRET = "Only Emma knows this."
NOBODY = "00000000-0000-4000-8000-000000000000"


@dataclass(frozen=True, slots=True)
class Belongings:
    """What one account has, and every text by which it would be recognised elsewhere."""

    ids: Mapping[str, str]
    traces: tuple[str, ...]


@pytest.fixture(scope="module")
def belongings(
    http: TestClient, shared_house: House, developer: Developer, voice_id: str, photo: str
) -> Belongings:
    body = {
        "name": "Emma-of-the-developer",
        "image": photo,
        "voice_id": voice_id,
        "language": "en",
        "system_prompt": SECRET,
    }
    created = http.post(f"{API}/characters", json=body, headers=developer.headers).json()
    character_id = created["character_id"]
    http.post(
        f"{API}/tts",
        json={"character_id": character_id, "text": "Hello!"},
        headers=developer.headers,
    )
    video = http.post(
        f"{API}/video",
        json={"character_id": character_id, "text": "Hello!"},
        headers=developer.headers,
    ).json()
    talk = http.post(
        f"{API}/conversation/token",
        json={"character_id": character_id, "visitor_name": "Visitor-of-the-developer"},
        headers=developer.headers,
    ).json()
    voice = http.post(
        f"{API}/voice/clone",
        files={"audio": recordings.speech()},
        data={"name": "Voice-of-the-developer", "consent": SECRET},
        headers=developer.headers,
    ).json()
    key = http.post(f"{API}/keys", json={"name": "spare"}, headers=developer.headers).json()
    hook = http.post(f"{API}/webhooks", json={"url": HOOK}, headers=developer.headers).json()
    told = http.post(f"{API}/webhooks/{hook['endpoint_id']}/test", headers=developer.headers).json()
    transactions = http.get(f"{API}/credits", headers=developer.headers).json()["transactions"]
    assert transactions
    return Belongings(
        {
            "character_id": character_id,
            "voice_id": voice["voice_id"],
            "key_id": key["key_id"],
            "endpoint_id": hook["endpoint_id"],
            "delivery_id": told["delivery_id"],
            "video_id": video["video_id"],
            "conversation_id": talk["conversation_id"],
            "account_id": developer.account_id,
        },
        (
            character_id,
            voice["voice_id"],
            voice["name"],
            key["key_id"],
            hook["endpoint_id"],
            hook["secret"],
            told["delivery_id"],
            HOOK,
            video["video_id"],
            talk["conversation_id"],
            talk["token"],
            "Visitor-of-the-developer",
            developer.account_id,
            "developer@example.com",
            body["name"],
            SECRET,
            *(transaction["id"] for transaction in transactions),
        ),
    )


@pytest.fixture(scope="module")
def walk(http: TestClient) -> list[Route]:
    assert isinstance(http.app, FastAPI)
    return [
        route
        for route in routes(http.app)
        if route.is_api and route.parameters and str(route) != TO_HEAR
    ]


def test_every_id_in_a_path_is_known_to_this_walk(walk: list[Route]) -> None:
    assert {name for route in walk for name in route.parameters} <= OWNED | COMMON | OPERATORS
    assert sum(bool(OWNED & set(route.parameters)) for route in walk) >= 6


def test_a_stranger_gets_404_for_everything_that_is_owned(
    http: TestClient, walk: list[Route], belongings: Belongings, stranger: Developer
) -> None:
    for route in walk:
        if not OWNED & set(route.parameters):
            continue
        for key in (stranger.key, stranger.test_key):
            answer = http.request(
                route.method,
                route.url(**belongings.ids),
                json=BODIES.get(str(route)),
                headers={"x-api-key": key},
            )
            assert answer.status_code == 404, f"{route}: {answer.status_code} {answer.text[:200]}"
            assert_no_trace(answer.text, belongings, but=route.url(**belongings.ids))


def test_what_is_owned_and_what_does_not_exist_look_the_same(
    http: TestClient, walk: list[Route], belongings: Belongings, stranger: Developer
) -> None:
    nothing = dict.fromkeys(belongings.ids, NOBODY)
    for route in walk:
        if not set(route.parameters) <= belongings.ids.keys():
            continue
        answers = [
            http.request(
                route.method,
                route.url(**ids),
                json=BODIES.get(str(route), {"amount": 1}),
                headers=stranger.headers,
            )
            for ids in (belongings.ids, nothing)
        ]
        seen, unseen = ({**answer.json(), "request_id": ""} for answer in answers)
        assert answers[0].status_code == answers[1].status_code, str(route)
        assert seen == unseen, str(route)


def test_nothing_changed_for_its_owner(
    http: TestClient,
    walk: list[Route],
    belongings: Belongings,
    developer: Developer,
    stranger: Developer,
) -> None:
    def owned() -> list[Any]:
        paths = (
            f"{API}/characters/{belongings.ids['character_id']}",
            f"{API}/characters/{belongings.ids['character_id']}/embed",
            f"{API}/voices/{belongings.ids['voice_id']}",
            f"{API}/webhooks/{belongings.ids['endpoint_id']}",
            f"{API}/conversations/{belongings.ids['conversation_id']}",
            f"{API}/account",
        )
        answers = [http.get(path, headers=developer.headers) for path in paths]
        assert [answer.status_code for answer in answers] == [200] * len(paths)
        keys = http.get(f"{API}/keys", headers=developer.headers).json()["keys"]
        standing = {key["key_id"]: key["revoked_at"] for key in keys}
        return [*(answer.json() for answer in answers), standing]

    before = owned()
    for route in walk:
        if set(route.parameters) <= belongings.ids.keys():
            http.request(
                route.method,
                route.url(**belongings.ids),
                json=BODIES.get(str(route), {"amount": 1}),
                headers=stranger.headers,
            )
    assert owned() == before


def test_a_stranger_who_is_signed_in_gets_404_on_every_page_of_what_is_owned(
    http: TestClient, shared_house: House, belongings: Belongings, stranger: Developer
) -> None:
    assert isinstance(http.app, FastAPI)
    pages = [
        route
        for route in routes(http.app)
        if route.path.startswith(("/dashboard/", "/try/")) and OWNED & set(route.parameters)
    ]
    assert len(pages) >= 28
    session = shared_house.account_services.sessions.begin(stranger.account_id)
    signed_in = {"cookie": f"{SESSION_COOKIE}={session.token}"}
    keys = http.get("/dashboard/keys", headers=signed_in).text
    tokens = dict(re.findall(r'name="(csrf_token|form)" value="([^"]+)"', keys))
    for route in pages:
        answer = http.request(
            route.method,
            route.url(**belongings.ids),
            data=tokens if route.method == "POST" else None,
            headers=signed_in,
            follow_redirects=False,
        )
        assert answer.status_code == 404, f"{route}: {answer.status_code} {answer.text[:300]}"
        assert_no_trace(answer.text, belongings, but=route.url(**belongings.ids))


@pytest.mark.parametrize("path", ["/tts", "/tts/timestamps"])
def test_a_stranger_cannot_let_another_account_s_character_speak(
    http: TestClient, belongings: Belongings, stranger: Developer, path: str
) -> None:
    body = {"character_id": belongings.ids["character_id"], "text": "Hello!"}
    answer = http.post(f"{API}{path}", json=body, headers=stranger.headers)
    assert answer.status_code == 404


def test_a_stranger_cannot_speak_through_openai_s_door_either(
    http: TestClient, belongings: Belongings, stranger: Developer
) -> None:
    body = {"model": "kokoro", "voice": belongings.ids["character_id"], "input": "Hello!"}
    answer = http.post(f"{API}/audio/speech", json=body, headers=stranger.headers)
    assert answer.status_code in (400, 404)


def test_a_stranger_cannot_speak_with_another_account_s_voice(
    http: TestClient, belongings: Belongings, stranger: Developer, photo: str
) -> None:
    voice_id = belongings.ids["voice_id"]
    for name in (voice_id, "Voice-of-the-developer"):
        body = {"model": "kokoro", "voice": name, "input": "Hello!"}
        answer = http.post(f"{API}/audio/speech", json=body, headers=stranger.headers)
        assert answer.status_code == 400
    body = {"name": "Emma", "image": photo, "voice_id": voice_id}
    answer = http.post(f"{API}/characters", json=body, headers=stranger.headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_voice")


def test_lists_show_nothing_of_others(
    http: TestClient, belongings: Belongings, stranger: Developer
) -> None:
    assert isinstance(http.app, FastAPI)
    lists = [r for r in routes(http.app) if r.is_api and r.method == "GET" and not r.parameters]
    assert len(lists) >= 7
    shown = 0
    for route in lists:
        answer = http.get(route.path, headers=stranger.headers)
        assert answer.status_code in (200, 403), f"{route}: {answer.text[:200]}"
        assert_no_trace(answer.text, belongings)
        shown += answer.status_code == 200
    assert shown >= 6


def test_another_account_s_page_is_not_a_place_to_continue_from(
    http: TestClient, belongings: Belongings, developer: Developer, stranger: Developer
) -> None:
    """A foreign cursor gives the stranger an error or what is their own, nothing else."""
    page = http.get(f"{API}/credits/transactions?limit=1", headers=developer.headers).json()
    cursor = page["next_cursor"] or page["transactions"][0]["id"]
    answer = http.get(f"{API}/credits/transactions?cursor={cursor}", headers=stranger.headers)
    assert answer.status_code in (200, 400, 404)
    assert_no_trace(answer.text, belongings)


def test_a_photo_needs_the_signature_of_its_link(
    http: TestClient, belongings: Belongings, developer: Developer, stranger: Developer
) -> None:
    path = f"{API}/characters/{belongings.ids['character_id']}"
    link = http.get(path, headers=developer.headers).json()["photo_url"]
    assert http.get(link).status_code == 200
    unsigned = http.get(link.partition("?")[0], headers=stranger.headers)
    assert unsigned.status_code in (403, 404)
    assert unsigned.headers["content-type"] == "application/json"


def test_a_signed_in_stranger_reaches_nothing_through_the_pages(
    http: TestClient, shared_house: House, belongings: Belongings, stranger: Developer
) -> None:
    assert isinstance(http.app, FastAPI)
    session = shared_house.account_services.sessions.begin(stranger.account_id)
    pages = [
        route
        for route in routes(http.app)
        if not route.is_api and set(route.parameters) & belongings.ids.keys()
    ]
    assert len(pages) >= 4
    for page in pages:
        answer = http.request(
            page.method,
            page.url(**belongings.ids),
            data={"csrf_token": session.csrf, "amount": "5"},
            headers={"cookie": f"charafy_session={session.token}"},
            follow_redirects=False,
        )
        assert answer.status_code in (403, 404), f"{page}: {answer.status_code}"
        assert_no_trace(answer.text, belongings)
    key = shared_house.keys.get(belongings.ids["account_id"], belongings.ids["key_id"])
    assert key.revoked_at is None


def test_the_same_idempotency_key_of_two_accounts_means_two_requests(
    http: TestClient, developer: Developer, stranger: Developer, photo: str, voice_id: str
) -> None:
    body = {"name": "Emma", "image": photo, "voice_id": voice_id}
    mine, theirs = (
        http.post(
            f"{API}/characters",
            json=body,
            headers={**who.headers, "Idempotency-Key": "the-same-for-both"},
        )
        for who in (developer, stranger)
    )
    assert mine.status_code == theirs.status_code == 200
    assert mine.json()["character_id"] != theirs.json()["character_id"]
    assert "idempotent-replayed" not in theirs.headers


def assert_no_trace(text: str, belongings: Belongings, *, but: str = "") -> None:
    """None of the belongings shows; what the stranger sent may be repeated."""
    for trace in belongings.traces:
        assert trace not in text or trace in but, f"{trace} in {text[:300]}"
