"""What is said at once while an answer takes its time: whether, when, and which of those ready."""

from __future__ import annotations

from typing import Final

from charafy.talk.phrases import Phrases
from charafy.talk.playout import Playout
from charafy.talk.reply import Speaker

_AFTER_S: Final = 0.12
"""Somebody who is answered so soon needs no opener."""
_SOON_S: Final = 0.3
"""An answer that is so near is waited for: an opener would only put it off."""
_PATIENT_S: Final = 0.45
"""Where the answer was believed to be near: after so much silence it wasn't."""
_AGAIN_S: Final = 0.8
_FAR_S: Final = 0.5
_MOST: Final = 3
"""For one answer. Whoever hums for longer is not thinking."""


class Openers:
    """One session's. Times are seconds of whatever clock the stage has."""

    def __init__(self, phrases: Phrases, speaker: Speaker) -> None:
        self._phrases = phrases
        self._speaker = speaker
        self._left = 0
        self._first = True
        self._quiet_since_s = 0.0
        self._last: str | None = None

    def begin(self, now_s: float, *, wanted: bool) -> None:
        """An answer is waited for from now on, with or without openers."""
        self._left = _MOST if wanted else 0
        self._first = True
        self._quiet_since_s = now_s

    def ended(self, now_s: float) -> None:
        """The opener was heard to its end."""
        self._quiet_since_s = now_s

    def due(self, now_s: float, sounds_in_s: float) -> Playout | None:
        """What is to be heard now, if anything; the answer will probably be in `sounds_in_s`."""
        if self._left == 0:
            return None
        quiet_s = now_s - self._quiet_since_s
        if self._first:
            now = quiet_s >= _AFTER_S and (sounds_in_s > _SOON_S or quiet_s >= _PATIENT_S)
        else:
            now = quiet_s >= _AGAIN_S and sounds_in_s > _FAR_S
        if not now:
            return None
        self._left -= 1
        self._first = False
        found = self._phrases.opener(self._speaker, sounds_in_s, self._last)
        if found is None:
            return None
        self._last, playout = found
        return playout
