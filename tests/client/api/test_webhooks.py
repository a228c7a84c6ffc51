"""Webhooks as the server signs them, and as others would."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charafy.client import BadAnswer, WrongSignature, verify_webhook
from charafy.webhooks.signing import PREFIX, sign

KEY = bytes(range(32))
SECRET = PREFIX + base64.b64encode(KEY).decode()
SENT = 1_700_000_000
BODY = json.dumps(
    {"type": "video.completed", "timestamp": "2025-01-01T00:00:00Z", "data": {"video_id": "ü"}}
).encode()


def headers(body: bytes = BODY, keys: tuple[bytes, ...] = (KEY,)) -> dict[str, str]:
    return {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": str(SENT),
        "Webhook-Signature": sign(keys, "msg_1", SENT, body),
    }


def test_ours_are_told_from_whatever_key_of_a_rotation() -> None:
    for keys in ((KEY,), (b"other", KEY), (KEY, b"other")):
        event = verify_webhook(SECRET, headers(keys=keys), BODY, now=SENT + 299)
        assert (event.event_id, event.type) == ("msg_1", "video.completed")
        assert event.data == {"video_id": "ü"} and event.timestamp.year == 2025


@given(st.binary(max_size=200).filter(lambda body: body != BODY))
def test_no_other_body_has_that_signature(body: bytes) -> None:
    with pytest.raises(WrongSignature):
        verify_webhook(SECRET, headers(), body, now=SENT)


@given(st.text(max_size=80))
def test_no_other_signature_is_taken(text: str) -> None:
    if headers()["Webhook-Signature"] not in text:
        with pytest.raises(WrongSignature):
            verify_webhook(SECRET, {**headers(), "Webhook-Signature": text}, BODY, now=SENT)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"Webhook-Signature": ""}, "signature_missing"),
        ({"Webhook-Id": ""}, "signature_missing"),
        ({"Webhook-Id": "msg_2"}, "signature_wrong"),
        ({"Webhook-Timestamp": "soon"}, "signature_expired"),
        ({"Webhook-Timestamp": str(SENT - 301)}, "signature_expired"),
        ({"Webhook-Timestamp": str(SENT + 301)}, "signature_expired"),
        ({"Webhook-Timestamp": str(SENT + 1)}, "signature_wrong"),
        ({"Webhook-Timestamp": "9" * 5000}, "signature_expired"),
    ],
)
def test_what_is_not_ours_is_told_why(change: dict[str, str], code: str) -> None:
    with pytest.raises(WrongSignature) as raised:
        verify_webhook(SECRET, {**headers(), **change}, BODY, now=SENT)
    assert raised.value.code == code


def test_a_signed_body_that_is_no_event_is_a_bad_answer() -> None:
    for body in (b"no json", b"[]", b"{}"):
        with pytest.raises(BadAnswer):
            verify_webhook(SECRET, headers(body), body, now=SENT)


def test_a_secret_that_is_none_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError):
        verify_webhook("whsec_no base64!", headers(), BODY, now=SENT)
