"""A developer's program with the JavaScript client, at a real server."""

from __future__ import annotations

import base64
import json
import time

import pytest

from tests.support import recordings
from tests.support.images import portrait
from tests.support.webhooks import Receiver
from tests.web.client.conftest import Developer

PATIENCE_S = 60.0


def test_speech_comes_as_a_blob_or_as_a_stream(developer: Developer) -> None:
    found = developer.run(
        "speak",
        character_id=developer.character,
    )
    assert found["contentType"] == found["type"] == "audio/wav"
    assert found["creditsUsed"] == 3 and found["creditsRemaining"] > 0 and found["requestId"]
    assert found["size"] > 44 and found["same"]


def test_speech_has_its_times_and_a_blob_to_play(developer: Developer) -> None:
    found = developer.run(
        "timed",
        character_id=developer.character,
    )
    assert found["words"] == ["Good", "evening"]
    assert found["played"] == pytest.approx(found["told"], abs=0.1)


def test_a_character_is_made_of_a_picture_changed_and_deleted(developer: Developer) -> None:
    found = developer.run(
        "makeCharacter",
        photo=base64.b64encode(portrait()).decode(),
    )
    assert found["usable"] and found["renamed"] == found["name"] == "Ada L."
    assert found["embed"] == found["same"] and found["embed"]["embed_daily_limit_seconds"] == 600
    assert found["today"] == 0 and not found["sprite_ready"]
    gone = found["gone"]
    assert (gone["name"], gone["status"], gone["code"]) == ("NotFoundError", 404, "not_found")


def test_a_voice_is_cloned_from_a_recording_that_is_uploaded(developer: Developer) -> None:
    found = developer.run(
        "cloneVoice",
        sound=base64.b64encode(recordings.speech()).decode(),
    )
    assert found == {
        "usable": True,
        "used": 100,
        "kept": "Reader",
        "renamed": "Narrator",
        "isLeft": False,
    }


def test_a_film_is_waited_for_and_downloaded_without_the_key(developer: Developer) -> None:
    found = developer.run(
        "film",
        character_id=developer.character,
    )
    assert found["early"]["name"] == "TimeoutError"
    assert found["early"]["code"] == "video_not_ready"
    assert found["seen"][0] == "processing" and found["seen"][-1] == "completed"
    assert (found["head"], found["type"], found["isListed"]) == ("ftyp", "video/mp4", True)
    (file,) = developer.line.of(found["path"])
    assert "x-api-key" not in file.headers


def test_a_film_that_is_given_up_tells_who_waits(developer: Developer) -> None:
    found = developer.run(
        "cancelFilm",
        character_id=developer.character,
    )
    assert [one["name"] for one in found] == ["VideoFailedError", "CharafyError"]
    assert [one["code"] for one in found] == ["cancelled", "video_not_ready"]


def test_a_page_s_conversation_is_begun_looked_at_and_deleted(developer: Developer) -> None:
    found = developer.run(
        "beginConversation",
        character_id=developer.character,
    )
    assert found["token"]["token"] and found["token"]["connect_url"].endswith("/connect")
    assert found["isListed"] and found["kept"]["visitor_name"] == "Kim"
    assert found["kept"]["transcript"] == [] and found["gone"]["status"] == 404


def test_a_list_is_read_item_by_item_page_by_page_or_in_part(developer: Developer) -> None:
    for _ in range(5):
        developer.ask("POST", "/tts", json={"character_id": developer.character, "text": "One"})
    found = developer.run("readLists")
    all_of_them = developer.ask("GET", "/credits/transactions?limit=100")["transactions"]
    assert found["ids"] == [one["id"] for one in all_of_them]
    assert set(found["sizes"][:-1]) == {2} and sum(found["sizes"]) == len(all_of_them)
    assert found["three"] == all_of_them[:3] and found["none"] == []
    assert found["second"] == found["from"] == all_of_them[2:4]
    assert found["plain"] is None and found["balance"] == developer.credits


def test_keys_come_and_go(developer: Developer) -> None:
    found = developer.run("useKeys")
    assert found["email"] == "owner@localhost" and found["revoked"]
    assert found["after"]["name"] == "UnauthorizedError"


def test_a_webhook_is_ours_or_is_refused(developer: Developer, receiver: Receiver) -> None:
    made = developer.run(
        "makeEndpoint",
        url=receiver.url,
    )
    until = time.monotonic() + PATIENCE_S
    while not receiver.received and time.monotonic() < until:
        time.sleep(0.1)
    hook = receiver.received[0]
    found = developer.run(
        "verifyHook",
        secret=made["secret"],
        headers=hook.headers,
        body=hook.body.decode(),
        sentAt=int(hook.headers["webhook-timestamp"]),
    )
    assert found["event"] == json.loads(hook.body)
    assert found["asHeaders"] == found["rotated"] == "webhook.test"
    failures = {name: one for name, one in found.items() if "message" in one}
    refused = {name: one["code"] for name, one in failures.items()}
    assert refused == {
        "changed": "signature_wrong",
        "foreign": "signature_wrong",
        "later": "signature_expired",
        "earlier": "signature_expired",
        "undated": "signature_expired",
        "unsigned": "signature_missing",
    }
    assert {one["name"] for one in failures.values()} == {"SignatureError"}


def test_an_endpoint_is_kept_in_order(developer: Developer, receiver: Receiver) -> None:
    found = developer.run(
        "keepEndpoints",
        url=receiver.url,
    )
    assert found["same"] and found["other"] and found["isListed"] and not found["enabled"]
    assert found["gone"]["code"] == "not_found"


def test_errors_are_of_kinds_and_say_what_the_api_says(developer: Developer) -> None:
    found = developer.run(
        "fail",
        character_id=developer.character,
    )
    kinds = {
        name: (one["name"], one["status"], one["code"])
        for name, one in found.items()
        if one is not True
    }
    assert kinds["key"] == ("UnauthorizedError", 401, "unauthorized")
    assert kinds["credits"] == ("InsufficientCreditsError", 402, "insufficient_credits")
    assert kinds["field"] == ("BadRequestError", 400, "invalid_request")
    assert kinds["reused"] == ("ConflictError", 409, "idempotency_key_reused")
    assert kinds["bought"][1] >= 400
    assert found["field"]["param"] == "text" and found["field"]["requestId"] and found["family"]
    for name in ("key", "credits", "field"):
        assert len(developer.line.of("/tts")) <= 4, name  # nothing of this is tried again


def test_no_id_leads_to_another_address(developer: Developer) -> None:
    found = developer.run("leadAstray")
    assert [one["name"] for one in found] == ["TypeError"] * 3 + ["NotFoundError"]
    (asked,) = [one for one in developer.line.passed if one.path.startswith("/api/")]
    assert asked.path == "/api/v1/characters/..%2Fcredits%3Fx%3D%23"


def test_a_browser_is_refused_a_key_unless_that_is_wanted(developer: Developer) -> None:
    found = developer.run("openInBrowser")
    assert found["page"]["code"] == found["truthy"]["code"] == found["worker"] == "key_in_browser"
    assert found["noKey"]["code"] == "key_missing"
    assert found["noAddress"]["code"] == "base_url_missing"
    assert found["otherAddress"]["name"] == "TypeError"


def test_addresses_may_name_the_api(developer: Developer) -> None:
    found = developer.run("nameAddresses")
    assert set(found) == {"owner@localhost"} and len(found) == 6


def test_who_logs_a_client_shows_no_key(developer: Developer) -> None:
    found = developer.run("lookForKey")
    assert found == [False, True]
