"""Signatures are those of the Standard Webhooks specification; secrets derive from the server's."""

from __future__ import annotations

import base64

from charafy.webhooks.signing import Secrets, sign

PUBLISHED_KEY = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
ENDPOINT = "0d4b8f0a-6a3c-4a55-8f0e-2f5c7d1b9e11"


def test_the_published_example_has_the_published_signature() -> None:
    signature = sign(
        [PUBLISHED_KEY], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_several_keys_sign_side_by_side() -> None:
    both = sign([b"new", b"old"], "id", 1, b"{}")
    assert both == f"{sign([b'new'], 'id', 1, b'{}')} {sign([b'old'], 'id', 1, b'{}')}"


def test_a_shown_secret_is_its_key_in_the_form_of_the_specification() -> None:
    secrets = Secrets(b"s" * 32)
    shown = secrets.shown(ENDPOINT, 1)
    assert shown.startswith("whsec_")
    key = base64.b64decode(shown.removeprefix("whsec_"), validate=True)
    assert key == secrets.key(ENDPOINT, 1)
    assert 24 <= len(key) <= 64


def test_every_endpoint_generation_and_server_has_a_secret_of_its_own() -> None:
    here, there = Secrets(b"s" * 32), Secrets(b"t" * 32)
    other = ENDPOINT.replace("0", "1")
    made = [(s, e, g) for s in (here, there) for e in (ENDPOINT, other) for g in (1, 2, 11)]
    assert len({s.key(e, g) for s, e, g in made}) == len(made)
    assert here.key(ENDPOINT, 1) == Secrets(b"s" * 32).key(ENDPOINT, 1)
