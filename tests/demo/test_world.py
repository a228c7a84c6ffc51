"""The demo world: there at once, once, and good to speak with."""

from __future__ import annotations

import io

from PIL import Image

from charafy.demo.world import create_demo_world, give_avatars
from tests.support.neighbours import Street


def test_there_are_people_of_both_languages_with_faces_voices_and_personalities(
    house_street: Street,
) -> None:
    house, alice = house_street.house, house_street.alice
    people = create_demo_world(house.characters, alice.account_id)
    assert {person.language for person in people} == {"en", "ja"}
    for person in people:
        voice = house.voices.get(alice.account_id, person.voice_id)
        assert voice.language == person.language
        assert person.system_prompt is not None
        assert len(person.system_prompt) * (2 if person.language == "ja" else 1) >= 200
        answer = house_street.http.get(person.photo_url)
        assert Image.open(io.BytesIO(answer.content)).size == (1024, 1024)


def test_making_the_world_again_changes_nothing(house_street: Street) -> None:
    house, alice = house_street.house, house_street.alice
    first = create_demo_world(house.characters, alice.account_id)
    files = house_street.files()
    alice.patch(f"/characters/{first[0].character_id}", {"name": "Emmeline"})
    again = create_demo_world(house.characters, alice.account_id)
    assert [person.character_id for person in again] == [person.character_id for person in first]
    assert again[0].name == "Emmeline"
    assert house_street.files() == files
    assert len(house.characters.list(alice.account_id)) == len(first)


def test_every_account_gets_a_world_of_its_own(house_street: Street) -> None:
    house = house_street.house
    mine = create_demo_world(house.characters, house_street.alice.account_id)
    yours = create_demo_world(house.characters, house_street.bob.account_id)
    assert not {person.character_id for person in mine} & {person.character_id for person in yours}


def test_the_cast_gets_faces_for_nothing_and_once(house_street: Street) -> None:
    house, alice = house_street.house, house_street.alice
    people = create_demo_world(house.characters, alice.account_id)[:1]
    assert give_avatars(house.avatars, people, lambda: True) == 0, "a server that stops, stops"
    assert give_avatars(house.avatars, people, lambda: False) == 1
    assert house.avatars.flags(people[0]).motion
    files = house_street.files()

    assert give_avatars(house.avatars, people, lambda: False) == 0
    assert house_street.files() == files
    assert alice.get("/credits").json()["credits_remaining"] == 100
