"""English words -> phonemes of Kokoro's vocabulary, with what the neighbours decide."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .abbreviations import MODERN
from .letters import LetterSounds
from .lexicon import Lexicon, Use, Variety
from .reading import Token, read
from .stress import restressed, starts_with_vowel
from .tagger import tag

_PARTS = re.compile(r"[A-Z]{2,}(?=[A-Z][a-z])|[A-Z]{2,}s?(?![a-z])|[A-Z]?[a-z]+|[A-Z]")
_REPEATED = re.compile(r"(.)\1{2,}")
_MARKS = frozenset(",.!?;:—…()“”")
_VOWEL_LETTERS = frozenset("aeiouy")
_MAX_SPELLED = 5
_LEAD_METAL = "lˈɛd"


@dataclass(frozen=True, slots=True)
class SaidToken:
    """A token with its phonemes, one string per spoken word; a mark stands for itself."""

    token: Token
    phonemes: tuple[str, ...]


class EnglishSpeech:
    """Reads English aloud in phonemes. Immutable after construction, safe to share."""

    def __init__(self, variety: Variety) -> None:
        self.british = variety == "british"
        self._lexicon = Lexicon(variety, MODERN)
        self._letters = LetterSounds(variety)

    def say(self, text: str) -> list[SaidToken]:
        tokens = list(read(text, self.british))
        words = [word for token in tokens for word in token.words]
        shouted = _is_shouted(words)
        if shouted:
            words = [word if len(word) == 1 else word.lower() for word in words]
        sounds = self._sounds(words, tag(words))
        said: list[SaidToken] = []
        at = 0
        for token in tokens:
            end = at + len(token.words)
            said.append(SaidToken(token, tuple(sounds[at:end])))
            at = end
        return said

    def _sounds(self, words: Sequence[str], tags: Sequence[str]) -> list[str]:
        """Phonemes of every word, from the last to the first: what follows shapes what precedes."""
        sounds = [""] * len(words)
        before_vowel: bool | None = None
        for at in range(len(words) - 1, -1, -1):
            word = words[at]
            if word in _MARKS:
                sounds[at] = word
                before_vowel = before_vowel if word in "()“”" else None
                continue
            before_to = words[at + 1 : at + 2] == ["to"]
            sounds[at] = self._word(word, Use(tags[at], before_vowel, before_to))
            before_vowel = starts_with_vowel(sounds[at])
        return [s.replace("ɾ", "T").replace("ʔ", "t") for s in sounds]

    def _word(self, word: str, use: Use) -> str:
        if len(word) == 1 and word.isupper() and not (word == "A" and use.tag == "DT"):
            return self._lexicon.letter(word) if word != "I" or use.tag != "PRP" else "ˌI"
        weak = _weak_form(word.lower(), use)
        if weak is not None:
            return weak
        if word == "lead" and use.tag == "NOUN" and use.before_vowel is False:
            return _LEAD_METAL if not self.british else "lˈɛd"
        if word.endswith(("'s", "'S")) and len(word) > 2 and not self._lexicon.has(word):
            return self._lexicon.plural(self._word(word[:-2], use))
        if not word.islower() and len(word) > 1 and word[0] != "'":
            return self._capitalised(word, use)
        return self._plain(word, use)

    def _capitalised(self, word: str, use: Use) -> str:
        bare = word.replace("'", "")
        if bare.isupper():
            return self._capitals(word, use)
        if bare[1:].islower() or self._lexicon.has(word):
            return restressed(self._plain(word, use), 0.5)
        if word.lower() in MODERN:
            return MODERN[word.lower()]
        parts = [self._part(part) for part in _PARTS.findall(word)]
        return "".join(restressed(p, -1) if i else p for i, p in enumerate(parts))

    def _part(self, part: str) -> str:
        if part.isupper() or (part[:-1].isupper() and part.endswith("s") and len(part) > 2):
            return self._capitals(part.rstrip("s") if part[-1] == "s" else part, Use("NOUN", False))
        return self._plain(part.lower(), Use("NOUN", False))

    def _capitals(self, word: str, use: Use) -> str:
        """An acronym by its letters, unless it is a word in the dictionary or too long."""
        if self._lexicon.has_exactly(word):
            return self._lexicon.say(word, Use("NOUN", False)) or self._lexicon.spelled(word)
        if len(word) > 3 and self._lexicon.has(word.lower()):
            return restressed(self._plain(word.lower(), use), 2)
        letters = word.replace("'", "")
        if len(letters) <= _MAX_SPELLED or not _VOWEL_LETTERS & set(letters.lower()):
            return self._lexicon.spelled(letters)
        return self._plain(word.lower(), use)

    def _plain(self, word: str, use: Use) -> str:
        found = self._lexicon.say(word, use) or self._lexicon.say(word.lower(), use)
        if found is not None:
            return found
        lower = word.lower()
        stem, mark, ending = lower.rpartition("'")
        if mark:
            return "".join(self._plain(part, use) for part in (stem, ending) if part)
        squeezed = _REPEATED.sub(r"\1", lower)
        if squeezed != lower:
            doubled = _REPEATED.sub(r"\1\1", lower)
            return self._plain(doubled if self._lexicon.has(doubled) else squeezed, use)
        if not _VOWEL_LETTERS & set(lower):
            return self._lexicon.spelled(lower)
        return self._compound(lower, use) or self._letters.say(lower)

    def _compound(self, word: str, use: Use) -> str | None:
        """Two common words written as one, the first stressed ("webhook")."""
        for cut in sorted(range(3, len(word) - 2), key=lambda c: abs(2 * c - len(word))):
            first, second = word[:cut], word[cut:]
            if not self._lexicon.is_common(first) or max(cut, len(word) - cut) < 4:
                continue
            tail = self._lexicon.say(second, use) if self._lexicon.is_common_form(second) else None
            head = self._lexicon.say(first, Use("NOUN", False))
            if head and tail:
                return head + restressed(tail, -0.5)
        return None


def _is_shouted(words: Sequence[str]) -> bool:
    letters = [word for word in words if len(word) > 1 and word.isalpha()]
    return len(letters) >= 3 and all(word.isupper() for word in letters)


def _weak_form(word: str, use: Use) -> str | None:
    """Articles, "to" and a few others whose sound the next word decides."""
    pause, vowel = use.before_vowel is None, bool(use.before_vowel)
    forms = {
        "a": "ɐ" if use.tag == "DT" and not pause else "ˈA",
        "an": "ɐn",
        "the": "ði" if vowel else "ðə",
        "to": "tu" if pause else ("tʊ" if vowel else "tə"),
        "in": "ˈɪn" if pause else "ɪn",
        "am": "æm" if pause else "ɐm",
        "i": "ˌI",
        "used": "jˈust" if use.tag == "VBD" and use.before_to else "jˈuzd",
    }
    return forms.get(word)
