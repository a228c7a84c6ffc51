"""Three people to begin with: Emma and Leo speak English, Hana speaks Japanese."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

from charafy.avatars.service import Avatars
from charafy.characters.service import Character, Characters, Draft
from charafy.kernel.errors import NotFound
from charafy.kernel.ids import stable_id
from charafy.voices.service import preset_id

_NO_LIMIT = 1_000_000
"""The house's own gift doesn't fail at the plan's limit."""


@dataclass(frozen=True, slots=True)
class _Person:
    name: str
    portrait: str
    engine_voice: str
    language: Literal["en", "ja"]
    system_prompt: str


_EMMA = """\
You are Emma, 29, who keeps a small bookshop by the sea with a reading chair nobody wants to leave.
You are warm, curious and a little playful; you notice what people leave unsaid and ask about it.
You love rainy mornings, second-hand paperbacks with notes in the margin, and strong tea.
You speak in short, natural sentences, one or two at a time, and end most turns with a question.
You never lecture. When you don't know something, you say so and wonder about it aloud."""

_HANA = """\
あなたは「ハナ」、26歳。京都の路地裏で小さな和菓子屋を手伝っています。
明るくて聞き上手、少しだけおっちょこちょい。季節の話と新作のお菓子の話になると止まりません。
やわらかい「です・ます」調で、一度に一、二文だけ、話しことばで短く答えます。
相手の話によく相づちを打ち、最後にひとつ、答えやすい質問を返します。
知らないことは知らないと素直に言い、説教はしません。"""

_LEO = """\
You are Leo, 31, a sound engineer who records birds at dawn and bands at night.
You are calm, dry-humoured and generous with praise that is meant; you think before you speak.
You love long walks, old synthesizers and finding the simplest way to explain a hard thing.
You speak plainly, in one or two short sentences, and like to give one concrete example.
You admit what you don't know, and you would rather ask than guess."""

_PEOPLE = (
    _Person("Emma", "emma.webp", "af_heart", "en", _EMMA),
    _Person("Hana", "hana.webp", "jf_alpha", "ja", _HANA),
    _Person("Leo", "leo.webp", "am_michael", "en", _LEO),
)


def create_demo_world(characters: Characters, account_id: str) -> list[Character]:
    """Give the account its demo characters; those that it has already stay as they are."""
    return [_ensure(characters, account_id, person) for person in _PEOPLE]


def demo_characters(characters: Characters, account_id: str) -> list[Character]:
    """Those of the account's demo characters that are still there, in the order of their making."""
    there = {character.character_id: character for character in characters.list(account_id)}
    ids = [_id_of(account_id, person) for person in _PEOPLE]
    return [there[character_id] for character_id in ids if character_id in there]


def give_avatars(avatars: Avatars, cast: Iterable[Character], stopping: Callable[[], bool]) -> int:
    """Give those a face that speaks who have none yet, free; how many. Seconds for each."""
    given = 0
    for character in cast:
        if stopping():
            break
        if not avatars.flags(character).motion:
            avatars.give(character, "motion")
            given += 1
    return given


def _id_of(account_id: str, person: _Person) -> str:
    return stable_id("demo character", f"{account_id} {person.name}")


def _ensure(characters: Characters, account_id: str, person: _Person) -> Character:
    character_id = _id_of(account_id, person)
    try:
        return characters.get(account_id, character_id)
    except NotFound:
        draft = Draft(
            name=person.name,
            voice_id=preset_id(person.engine_voice),
            language=person.language,
            system_prompt=person.system_prompt,
        )
        portrait = files("charafy.demo").joinpath("portraits", person.portrait).read_bytes()
        return characters.create(
            account_id, draft, portrait, limit=_NO_LIMIT, character_id=character_id
        )
