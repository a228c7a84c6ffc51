"""Letter-to-sound: a pronunciation for words that no dictionary has."""

from __future__ import annotations

_RULES = {
    "tion": "ʃən", "ough": "O", "igh": "I", "sch": "sk", "tch": "ʧ", "eau": "O", "ch": "ʧ", "sh": "ʃ",
    "th": "θ", "ph": "f", "ck": "k", "qu": "kw", "ng": "ŋ", "ee": "i", "ea": "i", "oo": "u", "ou": "W",
    "ow": "O", "oi": "Y", "oy": "Y", "ai": "A", "ay": "A", "au": "ɔ", "aw": "ɔ", "ie": "i", "ei": "A",
    "a": "æ", "b": "b", "c": "k", "d": "d", "e": "ɛ", "f": "f", "g": "ɡ", "h": "h", "i": "ɪ", "j": "ʤ",
    "k": "k", "l": "l", "m": "m", "n": "n", "o": "ɑ", "p": "p", "r": "ɹ", "s": "s", "t": "t", "u": "ʌ",
    "v": "v", "w": "w", "x": "ks", "y": "i", "z": "z",
}  # fmt: skip


def letters_to_sound(word: str, british: bool) -> str:
    out, at = "", 0
    while at < len(word):
        for size in (4, 3, 2, 1):
            piece = word[at : at + size]
            if piece in _RULES:
                out += _RULES[piece]
                break
        at += size
    return out
