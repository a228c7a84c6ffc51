"""What is judged from outside is found wrong where it is; nothing else is."""

from __future__ import annotations

import json

from tests.chaos import outside
from tests.chaos.clients import Notes
from tests.chaos.ground import HASTY
from tests.chaos.probes import Probed

MOST = HASTY.requests_per_minute


def heard(video_id: str, event_id: str) -> tuple[str, bytes]:
    body = {"type": "video.completed", "data": {"video_id": video_id}}
    return f"POST /told HTTP/1.1\r\nwebhook-id: {event_id}\r\n\r\n", json.dumps(body).encode()


def never(_since: float, _until: float) -> int:
    return 0


def test_an_event_may_be_heard_twice_under_its_id_and_not_under_another() -> None:
    twice = [heard("one", "a"), heard("one", "a"), heard("two", "b"), heard("two", "c")]
    assert outside.told(twice, {"one", "two"}).wrong == ("two ended 2 times",)


def test_an_end_that_nobody_heard_of_is_found() -> None:
    assert outside.told([heard("one", "a")], {"one", "two"}).wrong == (
        "nobody heard that two ended",
    )


def test_a_500_is_excused_only_while_something_is_broken() -> None:
    notes = Notes()
    notes.note("speak", 500)
    notes.note("speak", 503)
    assert outside.answers(notes, lambda _at: True).wrong == ()
    (wrong,) = outside.answers(notes, lambda _at: False).wrong
    assert wrong == "speak was answered 500, 1 times, with nothing broken"


def test_a_key_that_works_after_its_end_is_found() -> None:
    probed = Probed(revoked=["k"], outlived=["a key that was revoked still works at API 2"])
    assert outside.keys(probed, ["a key that was revoked still works at API 2"]).wrong == (
        "a key that was revoked still works at API 2, 2 times",
    )
    assert outside.keys(Probed(revoked=["k"]), []).wrong == ()


def test_a_minute_in_which_one_request_too_many_was_let_through_is_found() -> None:
    full = [100.0 + number / MOST for number in range(MOST)]
    later = [one + 60 for one in full]
    assert outside.limits(Probed(counted=full + later), never).wrong == ()
    assert outside.limits(Probed(counted=[*full, 102.0]), never).wrong == (
        f"{MOST + 1} requests in a minute of {MOST}",
    )


def test_who_forgot_the_count_may_begin_anew_once() -> None:
    twice = [100.0 + number / MOST for number in range(2 * MOST)]
    assert outside.limits(Probed(counted=twice), lambda _since, _until: 1).wrong == ()
    assert outside.limits(Probed(counted=[*twice, 102.0]), lambda _since, _until: 1).wrong


def test_more_of_something_than_a_plan_allows_is_found() -> None:
    assert outside.limits(Probed(too_many=["3 characters of 2"]), never).wrong == (
        "3 characters of 2",
    )


def test_a_process_that_ends_by_itself_is_found_unless_a_fault_explains_it() -> None:
    unasked = [(5.0, "worker-1 ended by itself with 1"), (500.0, "api-1 ended by itself with 3")]
    assert outside.lasted(unasked, lambda at: at < 100).wrong == (
        "api-1 ended by itself with 3, with nothing broken",
    )


def test_a_process_that_had_to_be_killed_to_stop_is_found() -> None:
    assert outside.stopped({"api-1": 0, "talk-2": -9}).wrong == ("talk-2 ended with -9",)
