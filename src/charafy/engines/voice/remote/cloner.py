"""What is alike in having a voice cloned by a service: try it, judge it, leave nothing behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from charafy.engines.voice import Language, Pcm, VoiceFailed
from charafy.engines.voice.cloning import CloningFailed, Reference, Unclonable
from charafy.engines.voice.remote.service import ServiceFailed
from charafy.engines.voice.router import CloneSpeaker

MAX_REFERENCE_S: Final = 30.0
"""What is sent of a recording; services take no more, or make nothing better of it."""

CLONING_S: Final = 150.0
"""What a service is waited for in all while it clones, however patient the settings are."""
FORGETTING_S: Final = 30.0
"""And while it forgets."""

Score = Callable[[Pcm, Pcm], float | None]
"""Similarity of two recordings' speakers (see `Clone.similarity`), None where it can't be told."""

Transcribe = Callable[[Reference], str | None]
"""What is said in a recording, None where that can't be told."""

_TRIAL: Final[Mapping[Language, str]] = MappingProxyType(
    {
        "en": "Good morning, it is so good to hear from you again.",
        "ja": "おはようございます。またお話しできてうれしいです。",
    }
)
_ACCOUNT: Final = ("voice_limit_reached", "quota_exceeded", "missing_permissions")
"""Reasons that services give with a 400 although the recording is as good as any."""


def tried(speaker: CloneSpeaker, fields: Mapping[str, Any], language: Language) -> Pcm:
    """A sentence by the new voice: proof that it speaks. Raises `VoiceFailed`."""
    return np.concatenate(
        [chunk.pcm for chunk in speaker.speak(fields, _TRIAL[language], language)]
    )


@contextmanager
def in_words_of_cloning() -> Iterator[None]:
    """`VoiceFailed` inside becomes `Unclonable` or `CloningFailed`."""
    try:
        yield
    except VoiceFailed as failure:
        if isinstance(failure, ServiceFailed) and failure.refused:
            if failure.reason in _ACCOUNT or failure.reason.startswith("can_not_use"):
                raise CloningFailed(
                    "Our account at the voice service may not clone another voice."
                ) from None
            raise Unclonable(
                "The voice service does not accept this recording. Try another one of a single "
                "person who speaks clearly, without music or noise."
            ) from None
        raise CloningFailed(str(failure)) from None
