"""Lines to paste: they name the reader's own characters and, when it was just made, their key."""

from __future__ import annotations

from dataclasses import dataclass

from charafy.characters.service import Character
from charafy.voices.service import VoiceInfo

KEY_PLACEHOLDER = "YOUR_API_KEY"


@dataclass(frozen=True, slots=True)
class Step:
    """One command; `title` is the key of its heading among the pages' words."""

    title: str
    code: str


def quick_start(
    base_url: str,
    character: Character | None,
    voice: VoiceInfo | None,
    key: str | None = None,
) -> list[Step]:
    """From hearing a character to listing them; without one, how to make the first."""
    key_line = f'  -H "x-api-key: {key or KEY_PLACEHOLDER}"'
    listing = Step(
        "dash_step_list",
        f"curl {base_url}/api/v1/characters \\\n{key_line}",
    )
    if character is None:
        return [_make(base_url, key_line, voice), listing] if voice else [listing]
    greeting = "こんにちは！" if character.language == "ja" else "Hello! It is good to hear you."
    speak = Step(
        "dash_step_speak",
        _post(
            f"{base_url}/api/v1/tts",
            key_line,
            f'{{"character_id": "{character.character_id}", "text": "{greeting}"}}',
        )
        + " \\\n  --output hello.mp3",
    )
    return [speak, listing]


def _make(base_url: str, key_line: str, voice: VoiceInfo) -> Step:
    body = (
        f'{{"name": "Sakura", "image": "https://example.com/photo.jpg",'
        f' "voice_id": "{voice.voice_id}", "language": "{voice.language}"}}'
    )
    return Step("dash_step_make", _post(f"{base_url}/api/v1/characters", key_line, body))


def _post(url: str, key_line: str, body: str) -> str:
    return (
        f"curl -X POST {url} \\\n{key_line} \\\n"
        f"  -H \"Content-Type: application/json\" \\\n  -d '{body}'"
    )
