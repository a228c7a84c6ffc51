"""Characters as the pages introduce them: a face and a voice to hear."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from charafy.characters.service import Character
from charafy.kernel.errors import NotFound
from charafy.voices.service import Voices


@dataclass(frozen=True, slots=True)
class CastMember:
    character_id: str
    name: str
    language: str
    portrait: str
    """Path on this server, so that it opens whatever name the reader uses for it."""
    voice_name: str
    sample: str | None
    """Path of a recording of the voice; None when the voice has gone."""
    line: str
    """What is said in the recording."""


def introduce(characters: Iterable[Character], voices: Voices) -> list[CastMember]:
    return [_introduce(character, voices) for character in characters]


def local(url: str) -> str:
    """The same address without the server's name."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def _introduce(character: Character, voices: Voices) -> CastMember:
    try:
        voice = voices.get(character.account_id, character.voice_id)
    except NotFound:
        voice = None
    return CastMember(
        character_id=character.character_id,
        name=character.name,
        language=character.language,
        portrait=local(character.photo_url),
        voice_name=voice.name if voice else "",
        sample=local(voice.sample_url) if voice else None,
        line=voice.sample_text if voice else "",
    )
