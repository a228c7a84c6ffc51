"""The door to the voices feature: what other features and the app may use of it."""

from charafy.voices.catalogue import Voices, preset_id
from charafy.voices.clones import Clones, Emit, RecordingRefused, Speakers
from charafy.voices.making import Unload
from charafy.voices.models import Changes, Clone, Consent, Refinement, VoiceInfo, Wanted
from charafy.voices.refining import Refinery
from charafy.voices.room import VoiceRoom
from charafy.voices.samples import Samples

__all__ = [
    "Changes",
    "Clone",
    "Clones",
    "Consent",
    "Emit",
    "RecordingRefused",
    "Refinement",
    "Refinery",
    "Samples",
    "Speakers",
    "Unload",
    "VoiceInfo",
    "VoiceRoom",
    "Voices",
    "Wanted",
    "preset_id",
]
