"""Texts to be spoken that nobody would write: said, or refused as nothing to say, and soon.

What is bounded is what a text of the longest length may cost and make.
"""

from __future__ import annotations

import time
from functools import cache
from typing import Final

import pytest
from hypothesis import strategies as st

from charafy.engines.voice import Clause, Language, NothingToSay
from charafy.engines.voice.text.frontend import TextFrontEnd
from charafy.engines.voice.text.tags import MAX_BREAK_S
from charafy.engines.voice.vocabulary import MAX_SYMBOLS, SYMBOLS
from charafy.speech.schemas import MAX_CHARS
from tests.support.fuzz import fuzzed, spoilt

PATIENCE_S: Final = 60.0
"""Of processor time, for one text; such texts take some hundredths of it."""
MOST_SYMBOLS: Final = 60
"""Per character of a text, at most: one sign may stand for a few long words, no more."""
JOINS: Final = ("", " ", "\n", "、", "\u200b")

LANGUAGES: Final[tuple[Language, ...]] = ("en", "ja")

PIECES: Final = (
    "Hello, Dr. O'Neill's café on 5th Ave.",
    "$5.00, €1,000,000.99 and ¥1,000 at 10:30 p.m. on 2024-02-30, 13/13/1999",
    "1e999 -0 .5 5. 1/0 3/4 99% 1st 2nd 1000th 1990s '90s XIV 10km/h 20°C",
    '<speak><break time="99999s"/><prosody rate="x">Hi</prosody></speak>',
    '<break time="500ms"/>',
    "<break time='-1e9s'><![CDATA[x]]>&amp;&#0;&#x110000;",
    "https://user:pw@example.com:99999/a?b=c#d a.b@c.d 192.168.0.1 ::1",
    "こんにちは、世界。「カタカナ」と漢字、百二十三億円、第3回。",
    "がｶﾞ㍿㌔①Ⅷ々ゝーーーっっんん",
    "AIのMIXed日本語text、3つのiPhone15を¥5,000で。",
    "👨‍👩‍👧‍👦🇯🇵👍🏽❤️‍🔥 שלום مرحبا नमस्ते ไทย 한국어 Ελληνικά",
    "**bold** `code` [link](x) | a | b |\n- 1.\n\n# H",
)

LONG: Final = ("a", "1", "9,", "漢", "ー", "っ", "'", "A.")


@cache
def front_end() -> TextFrontEnd:
    return TextFrontEnd()


def said(text: str, language: Language) -> list[Clause]:
    """Its clauses, within bounds; none if there is nothing to say."""
    began_s = time.process_time()
    try:
        clauses = list(front_end().clauses(text, language))
    except NothingToSay:
        clauses = []
    assert time.process_time() - began_s < PATIENCE_S
    for clause in clauses:
        assert 0 <= clause.pause_s <= MAX_BREAK_S
        assert len(clause.phonemes) <= MAX_SYMBOLS
        assert set(clause.phonemes) <= {*SYMBOLS, " "}
        assert all(0 <= word.start <= word.end <= len(text) for word in clause.words)
    assert sum(len(clause.phonemes) for clause in clauses) <= MOST_SYMBOLS * (len(text) + 1)
    return clauses


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("text", PIECES[:2] + PIECES[7:10])
def test_a_good_text_is_said(language: Language, text: str) -> None:
    assert said(text, language)


@pytest.mark.parametrize("language", LANGUAGES)
@fuzzed(60, pieces=st.lists(spoilt(PIECES), min_size=1, max_size=4), joined=st.sampled_from(JOINS))
def test_a_spoilt_text_is_said_or_holds_nothing(
    language: Language, pieces: list[str], joined: str
) -> None:
    said(joined.join(pieces)[:MAX_CHARS], language)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("sign", LONG)
def test_one_sign_as_often_as_a_text_may_hold_is_soon_read(sign: str, language: Language) -> None:
    said((sign * MAX_CHARS)[:MAX_CHARS], language)
