"""A database of an earlier version: keys that could do everything still can."""

from __future__ import annotations

from charafy.kernel.http.caller import ALL_SCOPES
from tests.support.earlier import upgraded_keys

BEFORE = [scope for scope in ALL_SCOPES if not scope.startswith("conversations:")]


def test_keys_that_could_do_everything_may_talk_and_others_may_not(empty_url: str) -> None:
    kept = upgraded_keys(empty_url, "0005", BEFORE)
    assert set(kept["all"]) == set(ALL_SCOPES)
    assert (kept["some"], kept["none"]) == (BEFORE[:3], [])
