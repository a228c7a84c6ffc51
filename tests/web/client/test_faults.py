"""What the JavaScript client makes of lines and servers that fail."""

from __future__ import annotations

from typing import Any, Final

import httpx
import pytest

from tests.support.fickle import Fault
from tests.support.servers import LocalServer, answer
from tests.web.client.conftest import Developer

TTS: Final = "/api/v1/tts"
CREDITS: Final = "/api/v1/credits"
PRICE: Final = 3
"""Of the text that is heard here."""
BUSY: Final = b'{"error": "Too many requests.", "code": "rate_limited", "request_id": "abcdefgh"}'
QUICK: Final = {"timeoutMs": 400}
"""A limit to run into. Where none is meant, the client's own is far away."""


def keys(developer: Developer, path: str = TTS) -> list[str | None]:
    return [asked.headers.get("idempotency-key") for asked in developer.line.of(path)]


def hear(developer: Developer, *faults: Fault, **about: Any) -> dict[str, Any]:
    """The speech over a line with these faults, and `paid` for it."""
    before = developer.credits
    developer.line.faults.extend(faults)
    found: dict[str, Any] = developer.run("hear", character_id=developer.character, **about)
    return found | {"paid": before - developer.credits}


def test_an_answer_that_is_lost_is_asked_for_again_and_paid_once(developer: Developer) -> None:
    whole = hear(developer)
    developer.line.passed.clear()
    found = hear(developer, Fault(TTS, cut_after=0))
    assert found["failed"] is None and found["paid"] == PRICE
    assert (found["size"], found["digest"]) == (whole["size"], whole["digest"])
    first, second = keys(developer)
    assert first == second is not None


def test_a_speech_that_is_cut_off_goes_on_where_it_broke(developer: Developer) -> None:
    whole = hear(developer)
    developer.line.passed.clear()
    found = hear(developer, Fault(TTS, cut_after=whole["size"] // 3))
    assert found["failed"] is None and found["paid"] == PRICE
    assert (found["size"], found["digest"]) == (whole["size"], whole["digest"])
    assert len(set(keys(developer))) == 1


def test_a_speech_that_stalls_goes_on_as_well(developer: Developer) -> None:
    whole = hear(developer)
    found = hear(developer, Fault(TTS, stall_after=3000), options={"timeoutMs": 8000})
    assert found["failed"] is None and found["paid"] == PRICE
    assert (found["size"], found["digest"]) == (whole["size"], whole["digest"])


def test_a_line_that_breaks_twice_is_an_error_after_what_came(developer: Developer) -> None:
    found = hear(developer, Fault(TTS, cut_after=3000), Fault(TTS, cut_after=5000))
    assert found["failed"]["name"] == "ConnectionError"
    assert found["failed"]["code"] == "connection_failed"
    assert 3000 <= found["size"] <= 5000


@pytest.mark.parametrize("options", [{"maxRetries": 0}, {"idempotencyKey": None}])
def test_without_leave_to_ask_again_a_cut_is_an_error(
    developer: Developer, options: dict[str, Any]
) -> None:
    found = hear(developer, Fault(TTS, cut_after=3000), options=options)
    assert found["failed"]["name"] == "ConnectionError" and found["size"] <= 3000
    assert len(developer.line.of(TTS)) == 1


def test_what_is_spoken_anew_is_not_glued_to_what_came(developer: Developer) -> None:
    """Here the server never heard of the request whose answer broke off."""
    promised = (("Content-Type", "audio/mpeg"), ("Content-Length", "9000"))
    unheard = Fault(TTS, status=200, headers=promised, body=b"x" * 500, stall_after=0)
    found = hear(developer, unheard, options={"timeoutMs": 3000})
    assert found["failed"]["name"] == "TimeoutError" and found["size"] == 500
    assert len(developer.line.of(TTS)) >= 2


def test_silence_ends_at_the_time_limit(developer: Developer) -> None:
    developer.line.faults += [Fault(CREDITS, stall_after=0)] * 2
    found = developer.run("ask", client={**QUICK, "maxRetries": 1})
    assert (found["failed"]["name"], found["failed"]["code"]) == ("TimeoutError", "timeout")
    assert len(developer.line.of(CREDITS)) == 2
    assert found["took_s"] >= 0.8


def test_a_request_may_have_limits_of_its_own(developer: Developer) -> None:
    developer.line.faults.append(Fault(CREDITS, stall_after=0))
    found = developer.run("ask", options={**QUICK, "maxRetries": 0})
    assert found["failed"]["name"] == "TimeoutError"


def test_a_silent_line_does_not_keep_who_gives_up(developer: Developer) -> None:
    developer.line.faults.append(Fault(CREDITS, stall_after=0))
    found = developer.run("ask", abortAfterMs=300)
    assert found["failed"]["name"] == "TimeoutError" and not found["failed"]["isOurs"]
    assert len(developer.line.of(CREDITS)) == 1


def test_who_gives_up_between_two_tries_waits_for_no_other(developer: Developer) -> None:
    wait = (("Retry-After", "50"),)
    developer.line.faults.append(Fault(CREDITS, status=429, headers=wait, body=BUSY))
    found = developer.run("ask", abortAfterMs=500)
    assert not found["failed"]["isOurs"] and found["took_s"] < 40
    assert len(developer.line.of(CREDITS)) == 1


def test_who_gave_up_before_gets_their_reason_and_nothing_is_asked(developer: Developer) -> None:
    assert developer.run("askAborted")["message"] == "changed my mind"
    assert developer.line.of(CREDITS) == []


@pytest.mark.parametrize("way", ["abort", "break"])
def test_who_leaves_a_speech_gets_no_more_of_it_and_it_is_not_asked_for_again(
    developer: Developer, way: str
) -> None:
    found = hear(developer, Fault(TTS, stall_after=3000), leaveAfter=way)
    assert 0 < found["size"] <= 3000 and len(developer.line.of(TTS)) == 1
    assert (found["failed"] or {}).get("name") == ("AbortError" if way == "abort" else None)


def test_too_many_requests_are_tried_again_when_the_server_says(developer: Developer) -> None:
    wait = (("Retry-After", "1"),)
    found = hear(developer, Fault(TTS, status=429, headers=wait, body=BUSY))
    assert found["failed"] is None and found["took_s"] >= 1 and found["paid"] == PRICE
    assert len(set(keys(developer))) == 1


def test_too_many_requests_are_no_danger_without_a_key(developer: Developer) -> None:
    wait = (("Retry-After", "0"),)
    busy = Fault(TTS, status=429, headers=wait, body=BUSY)
    found = hear(developer, busy, options={"idempotencyKey": None})
    assert found["failed"] is None and keys(developer) == [None, None]


def test_a_server_that_wants_too_much_patience_is_not_waited_for(developer: Developer) -> None:
    wait = (("Retry-After", "3600"),)
    developer.line.faults.append(Fault(CREDITS, status=429, headers=wait, body=BUSY))
    failed = developer.run("ask")["failed"]
    assert (failed["name"], failed["retryAfter"]) == ("TooManyRequestsError", 3600)
    assert failed["requestId"] == "abcdefgh"


def test_a_proxy_may_name_a_date_and_say_no_json(developer: Developer) -> None:
    wait = (("Retry-After", "Thu, 01 Jan 2026 00:00:00 GMT"),)
    page = Fault(CREDITS, status=503, headers=wait, body=b"<h1>Sorry</h1>")
    developer.line.faults.append(page)
    assert developer.run("ask")["balance"] == developer.credits
    developer.line.faults.append(page)
    failed = developer.run("ask", options={"maxRetries": 0})["failed"]
    assert (failed["name"], failed["code"]) == ("InternalServerError", "http_503")
    assert failed["retryAfter"] == 0 and "503" in failed["message"]


@pytest.mark.parametrize(
    ("status", "name"), [(500, "InternalServerError"), (502, "UpstreamFailedError")]
)
def test_failures_of_the_server_are_tried_again_as_often_as_is_allowed(
    developer: Developer, status: int, name: str
) -> None:
    developer.line.faults += [Fault(CREDITS, status=status)] * 2
    failed = developer.run("ask", client={"maxRetries": 1})["failed"]
    assert (failed["name"], failed["status"]) == (name, status)
    assert len(developer.line.of(CREDITS)) == 2


def test_an_answer_that_is_no_json_is_a_failed_connection(developer: Developer) -> None:
    developer.line.faults.append(Fault(CREDITS, status=200, body=b'{"credits_rem'))
    assert developer.run("ask", options={"maxRetries": 0})["failed"]["name"] == "ConnectionError"


def test_a_first_try_that_still_runs_is_waited_for(developer: Developer) -> None:
    busy = b'{"error": "It is under way.", "code": "idempotency_in_flight"}'
    again = Fault(TTS, status=409, headers=(("Retry-After", "0"),), body=busy)
    found = hear(developer, *[again] * 5)
    assert found["failed"] is None and len(set(keys(developer))) == 1
    assert len(developer.line.of(TTS)) == 6


def test_a_first_try_that_never_ends_is_not_waited_for_for_ever(developer: Developer) -> None:
    busy = b'{"error": "It is under way.", "code": "idempotency_in_flight"}'
    again = Fault(TTS, status=409, headers=(("Retry-After", "1"),), body=busy)
    found = hear(developer, *[again] * 9, options={"timeoutMs": 4000})
    assert found["failed"]["code"] == "idempotency_in_flight"
    assert len(developer.line.of(TTS)) < 9


def test_a_redirect_does_not_carry_the_key_away(developer: Developer) -> None:
    with LocalServer(answer(b"{}", "Access-Control-Allow-Origin: *")) as elsewhere:
        away = (("Location", f"http://127.0.0.1:{elsewhere.port}/"),)
        developer.line.faults.append(Fault(CREDITS, status=307, headers=away))
        failed = developer.run("ask")["failed"]
        assert failed["name"] == "ApiError" and elsewhere.exchanges == []


def test_what_only_changes_is_tried_again_without_a_key(developer: Developer) -> None:
    path = f"/characters/{developer.character}"
    developer.line.faults += [Fault(path, status=502), Fault(path, status=502)]
    assert developer.run("name", character_id=developer.character)
    assert [asked.method for asked in developer.line.of(path)] == ["GET", "GET", "GET", "PATCH"]
    assert set(keys(developer, path)) == {None}


def test_the_server_s_own_limit_says_how_long(developer: Developer) -> None:
    made = developer.ask("POST", "/keys", json={"name": "busy", "kind": "test"})
    url = f"{developer.server.base_url}/api/v1/credits"
    with httpx.Client(headers={"x-api-key": made["key"]}, timeout=60) as http:
        for _ in range(200):
            if http.get(url).status_code == 429:
                break
    failed = developer.run("ask", client={"apiKey": made["key"], "maxRetries": 0})["failed"]
    assert (failed["name"], failed["code"]) == ("TooManyRequestsError", "rate_limited")
    assert 1 <= failed["retryAfter"] <= 60
    developer.ask("DELETE", f"/keys/{made['key_id']}")
