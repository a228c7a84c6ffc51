"""What a new server needs before anyone can use it: an owner, a key, a demo world."""

from __future__ import annotations

from dataclasses import dataclass

from charafy.demo.world import create_demo_world
from charafy.house import House

KEY_NAME = "First key"
LAST_LINE = "Stop the server with Ctrl+C."
"""Ends the welcome, so that a program that starts a server knows when it is there."""


@dataclass(frozen=True, slots=True)
class FirstStart:
    """Shown once, on the console of whoever started the server."""

    email: str
    api_key: str
    character_id: str | None
    """An English demo character, for the first curl line."""


def first_start(house: House) -> FirstStart | None:
    """Make the owner's account and the demo world; None when there is an owner already.

    The owner has no password: the first way in is a sign-in link that works once.
    """
    if house.accounts.owner() is not None:
        return None
    settings = house.settings
    owner = house.accounts.create(
        settings.owner_email,
        name="Owner",
        role="owner",
        plan="owner",
        credits=settings.owner_credits,
    )
    new = house.keys.create(owner.account_id, KEY_NAME)
    character_id = None
    if settings.demo:
        characters = create_demo_world(house.characters, owner.account_id)
        character_id = next(c.character_id for c in characters if c.language == "en")
    return FirstStart(owner.email, new.key, character_id)


def welcome(house: House, first: FirstStart | None, sign_in_token: str) -> str:
    """What the console says once the server answers."""
    base = house.settings.base_url
    lines = [
        f"Charafy is ready at {base}",
        "",
        f"  Dashboard   {base}/sign-in/link?token={sign_in_token}",
        "              (signs the owner in, once, within 15 minutes;"
        " another: charafy accounts sign-in-link)",
        f"  API docs    {base}/docs",
    ]
    if first is not None:
        lines += [
            f"  API key     {first.api_key}",
            "              (shown this once; another: charafy keys create --name NAME)",
        ]
    if first is not None and first.character_id is not None:
        lines += [
            "",
            "Hear a character speak:",
            "",
            *_curl(base, first.api_key, first.character_id),
        ]
    return "\n".join([*lines, "", LAST_LINE])


def _curl(base: str, key: str, character_id: str) -> list[str]:
    return [
        f"  curl -X POST {base}/api/v1/tts \\",
        f'    -H "x-api-key: {key}" \\',
        '    -H "Content-Type: application/json" \\',
        f'    -d \'{{"character_id": "{character_id}", "text": "Hello! I am so glad you are'
        " here.\"}' \\",
        "    --output hello.mp3",
    ]
