"""A database of an earlier version: keys that could do everything still can."""

from __future__ import annotations

from charafy.kernel.http.caller import ALL_SCOPES
from tests.support.earlier import upgraded_keys

BEFORE = [
    "characters:read",
    "characters:write",
    "voices:read",
    "speech:write",
    "credits:read",
    "credits:write",
    "account:read",
    "account:write",
]


def test_keys_that_could_do_everything_may_manage_webhooks_and_others_may_not(
    empty_url: str,
) -> None:
    kept = upgraded_keys(empty_url, "0003", BEFORE)
    assert {"webhooks:read", "webhooks:write"} <= set(kept["all"]) <= set(ALL_SCOPES)
    assert kept["some"] == BEFORE[:3]
    assert kept["none"] == []
