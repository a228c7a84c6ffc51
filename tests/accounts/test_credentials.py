"""What a key looks like, and that a slip of the finger never reaches the database."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from charafy.accounts.credentials import KEY_CHARS, Digests, key_kind, new_key, new_token

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def test_a_key_says_what_it_is() -> None:
    assert re.fullmatch(r"ck_live_[0-9A-Za-z]{46}", new_key("live"))
    assert re.fullmatch(r"ck_test_[0-9A-Za-z]{46}", new_key("test"))
    assert key_kind(new_key("live")) == "live"
    assert key_kind(new_key("test")) == "test"


def test_no_two_keys_are_the_same() -> None:
    assert len({new_key("live") for _ in range(1000)}) == 1000


@given(st.integers(8, KEY_CHARS - 1), st.sampled_from(BASE62))
def test_any_wrong_character_is_noticed(position: int, character: str) -> None:
    key = new_key("live")
    wrong = key[:position] + character + key[position + 1 :]
    assert (key_kind(wrong) == "live") == (wrong == key)


@given(st.integers(8, KEY_CHARS - 2))
def test_two_characters_in_the_wrong_order_are_noticed(position: int) -> None:
    key = new_key("live")
    swapped = key[:position] + key[position + 1] + key[position] + key[position + 2 :]
    assert (key_kind(swapped) == "live") == (swapped == key)


def test_a_live_key_can_not_pass_for_a_test_key() -> None:
    assert key_kind(new_key("live").replace("live", "test")) is None


@given(st.text(max_size=80))
def test_no_other_text_is_a_key(text: str) -> None:
    assert key_kind(text) is None
    assert key_kind("ck_live_" + text) is None


def test_a_cut_or_lengthened_key_is_noticed() -> None:
    key = new_key("live")
    assert key_kind(key[:-1]) is None
    assert key_kind(key + "0") is None


def test_digests_depend_on_the_servers_secret_and_on_the_purpose() -> None:
    token = new_token()
    digests = {
        Digests(b"a" * 32, "session").of(token),
        Digests(b"b" * 32, "session").of(token),
        Digests(b"a" * 32, "api key").of(token),
    }
    assert len(digests) == 3
    assert Digests(b"a" * 32, "session").of(token) in digests
