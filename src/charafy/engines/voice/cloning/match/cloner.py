"""A `Cloner` that needs no model trained for it: it looks for the speaker among Kokoro's voices.

Timbre is sought by speaking and listening (`search`), pitch is that of the recording, manner that
of the stock voice nearest in each language, and the mean spectrum is brought closer behind the
vocoder. What is told as similarity is heard by an encoder that took no part in the search.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from charafy.engines.voice import LANGUAGES, Language, Pcm
from charafy.engines.voice.cloning import (
    Clone,
    Method,
    Progress,
    Reference,
    Unclonable,
)
from charafy.engines.voice.cloning.clonefile import unpack
from charafy.engines.voice.cloning.match import envelope, pitch, search
from charafy.engines.voice.cloning.match.failing import in_words_of_cloning
from charafy.engines.voice.cloning.match.jury import Jury, Verdict
from charafy.engines.voice.cloning.match.refine import Unalignable
from charafy.engines.voice.cloning.match.said import JUDGED, SOUGHT, TRIED, TUNED
from charafy.engines.voice.cloning.match.space import TIMBRE, Space, Stock
from charafy.engines.voice.cloning.speakers import SpeakerEncoder
from charafy.engines.voice.kokoro import KokoroVoice, Style
from charafy.engines.voice.kokoro.clones import Manner, Match, match_of
from charafy.engines.voice.kokoro.equaliser import Equaliser, minimum_phase

SHARES: Final = (1.0, 0.5)
"""Of the way that the gradient leads: where all of it misleads, half of it may not."""
MANNERS: Final = 3
"""Stock voices whose manner is tried with the speaker's pitch; the best is kept."""
PITCHES: Final = (0.6, 1.7)
"""Factors on a stock voice's pitch: further away it sounds like a machine."""
STRENGTHS: Final = (0.5, 1.0)
"""Of the equaliser; none at all when neither is heard as more alike."""
_DESCENT: Final = 0.8
"""Share of a refinement that the descent is."""
_SEARCHED: Final = 0.8
"""Share of the work that the search is."""


@dataclass(frozen=True, slots=True)
class Ears:
    """Who listens to what."""

    search: SpeakerEncoder
    """Decides where to look, and for an equaliser or against it."""
    report: SpeakerEncoder
    """Says how similar it became."""


class Improve(Protocol):
    """See `Refiner.improve`."""

    def __call__(
        self,
        reference: Pcm,
        language: Language,
        timbre: NDArray[np.floating],
        base: str,
        progress: Progress,
        /,
    ) -> NDArray[np.float32]: ...


@dataclass(frozen=True, slots=True)
class Workshop:
    """What it takes to refine."""

    improve: Improve
    jury: Jury


class MatchCloner:
    """Safe to call from many threads. A clone takes about 12 CPU-seconds."""

    def __init__(
        self,
        voice: KokoroVoice,
        stock: Mapping[str, Style],
        space: Space,
        ears: Ears,
        workshop: Workshop | None = None,
    ) -> None:
        """`stock`: the styles that `space` was fitted to, by name.

        Without a `workshop` nothing is refined.
        """
        self._voice = voice
        self._stock = stock
        self._space = space
        self._ears = ears
        self._workshop = workshop

    @property
    def method(self) -> Method:
        return "matching"

    @property
    def refines(self) -> bool:
        return self._workshop is not None

    def clone(self, reference: Reference, name: str, progress: Progress) -> Clone:
        """See `Cloner.clone`."""
        del name  # no list is kept
        hertz = pitch.median_hz(reference.pcm)
        if hertz is None:
            raise Unclonable(
                "No voiced speech was found in the recording: a whisper has no pitch to match. "
                "Record a few sentences in an ordinary voice."
            )
        with in_words_of_cloning():
            progress(0.0)
            match = self._sought(reference, hertz, progress)
            plain = self._say(TRIED[match.language], match)
            match = self._shaped(reference, match, plain)
            match = self._in_tune(match, plain)
            progress(0.9)
            similarity = self.similarity(reference, match)
            progress(1.0)
            return Clone(match.pack(), "matching", similarity)

    def refine(self, reference: Reference, clone: Clone, progress: Progress) -> Clone | None:
        """See `Cloner.refine`. Takes two to three CPU-minutes.

        The timbre is moved down the gradient and its spectrum shaped anew; a jury that took no part
        says whether the voice is better for it.
        """
        if self._workshop is None:
            return None
        with in_words_of_cloning():
            try:
                return self._refined(self._workshop, reference, clone, progress)
            except Unalignable:
                return None  # nobody understands what is said in it: the first match stays

    def forget(self, data: bytes) -> None:
        """There is nothing but the file."""

    def _refined(
        self, workshop: Workshop, reference: Reference, clone: Clone, progress: Progress
    ) -> Clone | None:
        before = match_of(unpack(clone.data)[1])
        timbre = workshop.improve(
            reference.pcm,
            before.language,
            before.timbre,
            before.manners[before.language].stock,
            lambda share: progress(_DESCENT * share),
        )
        verdict = self._heard(workshop, reference, before)
        best = before
        for count, share in enumerate(SHARES, 1):
            after = self._moved(reference, before, timbre, share)
            heard = self._heard(workshop, reference, after)
            progress(_DESCENT + (1.0 - _DESCENT) * count / len(SHARES))
            if heard.improves_on(verdict):
                best, verdict = after, heard
        if best is before:
            return None
        similarity = self.similarity(reference, best)
        return Clone(best.pack(), "matching", similarity, refined=True)

    def _moved(
        self, reference: Reference, match: Match, timbre: NDArray[np.float32], share: float
    ) -> Match:
        """`match` with its timbre moved towards `timbre`, its spectrum shaped anew."""
        between = match.timbre + np.float32(share) * (timbre - match.timbre)
        moved = replace(match, timbre=between, gains_db=np.zeros_like(match.gains_db))
        plain = self._say(TRIED[match.language], moved)
        return self._in_tune(self._shaped(reference, moved, plain), plain)

    def _heard(self, workshop: Workshop, reference: Reference, match: Match) -> Verdict:
        return workshop.jury.hear(
            reference.pcm, match.language, lambda text, language: self._say(text, match, language)
        )

    def similarity(self, reference: Reference, match: Match) -> float:
        """Cosine of the recording and of what the match says in the recording's language."""
        said = self._say(JUDGED[reference.language], match)
        ears = self._ears.report
        return float(ears.embed(said) @ ears.embed(reference.pcm))

    def _sought(self, reference: Reference, hertz: float, progress: Progress) -> Match:
        """The match with the timbre that is heard as most alike, in a manner that suits it."""
        wanted = np.asarray(self._ears.search.embed(reference.pcm), np.float64)
        other = {
            language: _manner(self._space.nearest(wanted, hertz, language)[0], hertz)
            for language in LANGUAGES
        }
        near = self._space.nearest(wanted, hertz, reference.language, MANNERS)
        looks = len(near) + search.LOOKS
        found: list[tuple[search.Look, Match]] = []
        for voice in near:
            match = self._plain(reference, hertz, other, voice)
            start = self._space.coordinates(match.timbre)
            found.append((search.look(start, wanted, self._embed(match)), match))
            progress(_SEARCHED * len(found) / looks)
        start_look, match = max(found, key=lambda pair: pair[0].likeness)
        best = search.seek(
            wanted,
            start_look,
            self._space.slopes,
            self._embed(match),
            done=lambda count: progress(_SEARCHED * (len(near) + count) / looks),
        )
        return replace(match, timbre=self._space.timbre(best.z))

    def _plain(
        self, reference: Reference, hertz: float, other: Mapping[Language, Manner], voice: Stock
    ) -> Match:
        """A stock voice at the speaker's pitch."""
        row = self._stock[voice.name].row(len(SOUGHT[reference.language]))
        return Match(
            row[0, :TIMBRE],
            {**other, reference.language: _manner(voice, hertz)},
            reference.language,
            hertz,
            envelope.centres_hz(),
            np.zeros(envelope.BANDS),
        )

    def _embed(self, match: Match) -> search.Embed:
        """Whom `match` is heard as, with another timbre."""

        def embed(z: search.Floats) -> search.Floats:
            said = self._say(SOUGHT[match.language], replace(match, timbre=self._space.timbre(z)))
            return np.asarray(self._ears.search.embed(said), np.float64)

        return embed

    def _in_tune(self, match: Match, plain: Pcm) -> Match:
        """With factors nearer to the speaker's pitch than the stock voices' medians alone bring.

        `plain` is what it says in its own language. How high a sentence is depends on its words
        as well, so what one was heard at counts half.
        """
        manners = dict(match.manners)
        for language, manner in match.manners.items():
            own = language == match.language
            said = plain if own else self._say(TUNED[language], match, language)
            hertz = pitch.median_hz(said)
            if hertz is not None:
                factor = manner.pitch * (match.pitch_hz / hertz) ** 0.5
                manners[language] = Manner(manner.stock, float(np.clip(factor, *PITCHES)))
        return replace(match, manners=manners)

    def _shaped(self, reference: Reference, match: Match, plain: Pcm) -> Match:
        """With the gains that make `plain`, which it said, be heard as more alike.

        Its loudness stays as it is.
        """
        wanted = self._ears.search.embed(reference.pcm)
        best, likeness = match, float(self._ears.search.embed(plain) @ wanted)
        for strength in STRENGTHS:
            gains = envelope.difference_db(reference.pcm, plain, strength)
            shaped = _as_loud(replace(match, gains_db=gains), plain)
            alike = float(self._ears.search.embed(_filtered(plain, shaped)) @ wanted)
            if alike > likeness:
                best, likeness = shaped, alike
        return best

    def _say(self, text: str, match: Match, language: Language | None = None) -> Pcm:
        """In the language of the recording unless another is named."""
        style = match.style(self._stock)
        chunks = self._voice.speak_as(text, style, language or match.language)
        return np.concatenate([chunk.pcm for chunk in chunks])


def _manner(voice: Stock, hertz: float) -> Manner:
    return Manner(voice.name, float(np.clip(hertz / voice.pitch_hz, *PITCHES)))


def _as_loud(match: Match, plain: Pcm) -> Match:
    """`match` with its gains moved by what they make `plain` louder or quieter."""
    before, after = (float(np.mean(np.square(x))) for x in (plain, _filtered(plain, match)))
    return replace(match, gains_db=match.gains_db - 10.0 * np.log10(after / before))


def _filtered(pcm: Pcm, match: Match) -> Pcm:
    return Equaliser(minimum_phase(match.hertz, match.gains_db)).feed(pcm)
