"""Files that no row names go, and nothing else."""

from __future__ import annotations

import os

from charafy.engines.voice.cloning.clonefile import pack
from charafy.engines.voice.cloning.scripted import ScriptedCloner
from charafy.house import House
from charafy.kernel.ids import new_id
from charafy.voices.service import preset_id
from tests.support.neighbours import Customer, Street
from tests.voices.conftest import cloned


def age(house: House, hours: float) -> None:
    """Let every file be as old as that."""
    then = house.clock.now().timestamp() - hours * 3600
    for path in house.settings.media.rglob("*"):
        if path.is_file():
            os.utime(path, (then, then))


def test_what_a_killed_process_left_goes_here_and_elsewhere(
    alice: Customer, house_street: Street, cloner: ScriptedCloner
) -> None:
    house = house_street.house
    voice_id, lost = cloned(alice), new_id()
    heart = preset_id("af_heart")
    for voice in (voice_id, heart):
        assert house_street.http.get(f"/api/v1/voices/{voice}/sample.mp3").status_code == 200
    kept = house_street.files()
    left = pack("scripted", {"left": "behind"})
    house.storage.put(f"voices/{lost}/clone-0123.json", left, "application/json")
    house.storage.put(f"voices/{lost}/reference-0123.flac", b"fLaC", "audio/flac")
    house.storage.put(f"voices/{voice_id}/clone-0123.json", left, "application/json")

    age(house, 0.9)
    assert house.voice_room.chores.remove_orphans() == 0
    age(house, 1.1)
    assert house.voice_room.chores.remove_orphans() == 3
    assert house_street.files() == kept
    assert cloner.forgotten == (left, left)
