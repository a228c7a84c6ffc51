"""Characters as the pages introduce them: a face and a voice to hear."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from charafy.characters.service import Character
from charafy.kernel.errors import NotFound
from charafy.voices.service import Voices
from charafy.web.paths import local


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
    talks: bool
    """Whether pages may have it talk with their visitors."""


def introduce(characters: Iterable[Character], voices: Voices) -> list[CastMember]:
    return [_introduce(character, voices) for character in characters]


def _introduce(character: Character, voices: Voices) -> CastMember:
    try:
        voice = voices.get(character.account_id, character.voice_id)
    except NotFound:
        voice = None
    return CastMember(
        character_id=character.character_id,
        name=character.name,
        language=character.language,
        portrait=character.portrait,
        voice_name=voice.name if voice else "",
        sample=local(voice.sample_url) if voice else None,
        line=voice.sample_text if voice else "",
        talks=character.embed_enabled,
    )
