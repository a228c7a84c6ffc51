"""Stress marks in Kokoro's English phonemes."""

from __future__ import annotations

PRIMARY, SECONDARY = "ˈ", "ˌ"
VOWELS = frozenset("AIOQWYaiuæɑɒɔəɛɜɪʊʌᵻɐeoɨ")
CONSONANTS = frozenset("bdfhjklmnpstvwzðŋɡɹɾʃʒʤʧθT")


def restressed(phonemes: str, level: float) -> str:
    """Phonemes with at most (`level` < 0) or at least (`level` > 0) that much stress.

    -2 none, -1 and -0.5 secondary at most, 0.5 secondary at least, 1 and 2 primary at least
    (1 only for a word that has some stress).
    """
    if level <= -2:
        return phonemes.replace(PRIMARY, "").replace(SECONDARY, "")
    if level < 0:
        return phonemes.replace(SECONDARY, "").replace(PRIMARY, SECONDARY)
    bare = PRIMARY not in phonemes and SECONDARY not in phonemes
    if bare and level != 1:
        return _mark_first_vowel(phonemes, PRIMARY if level > 1 else SECONDARY)
    if level >= 1 and PRIMARY not in phonemes:
        return phonemes.replace(SECONDARY, PRIMARY)
    return phonemes


def _mark_first_vowel(phonemes: str, mark: str) -> str:
    for at, symbol in enumerate(phonemes):
        if symbol in VOWELS:
            return phonemes[:at] + mark + phonemes[at:]
    return phonemes


def starts_with_vowel(phonemes: str) -> bool | None:
    """Whether the first sound is a vowel; None when there is no sound."""
    for symbol in phonemes:
        if symbol in VOWELS:
            return True
        if symbol in CONSONANTS:
            return False
    return None
