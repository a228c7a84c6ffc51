"""Which language a stretch of text is in, judged by its script and its neighbours."""

from __future__ import annotations

import re
from collections.abc import Iterator

from charafy.engines.voice import Language

_JAPANESE = (
    "\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff"
    "\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd"
)
_IS_JAPANESE = re.compile(f"[{_JAPANESE}]")

_COUNTERS = "つ本個月日年時分秒人回枚台円度歳才階目番号章巻話週位件匹冊杯歩点割倍ヶヵカか"
_IN_ENGLISH = re.compile(
    rf"(?:(?:\d{{1,30}}(?:[.,:]\d{{1,30}}){{0,10}}\s?)?[{_JAPANESE}])"
    rf"(?:[{_JAPANESE}0-9、。・〜「」『』]|[.,:/](?=\d)){{0,400}}"
)
_IN_JAPANESE = re.compile(
    r"[0-9]{0,30}[A-Za-z](?:[A-Za-z0-9]|['.@:/_+#&?=%~-]{1,3}(?=[A-Za-z0-9])"
    rf"|[ ,;:.!?'&-]{{1,3}}(?=[A-Za-z])| (?=\d{{1,4}}(?![\d.,:/]{{0,4}}[{_COUNTERS}])))"
    r"{0,400}(?:\+{1,2}|'|[.!?](?=\s|$))?"
)
_LETTER_NAMES = re.compile(r"[A-Z](?:[A-Z&]{0,5}[A-Z])?\.?")


def is_japanese(char: str) -> bool:
    """Whether a character is kana, kanji or one of their iteration and length marks."""
    return bool(_IS_JAPANESE.match(char))


def runs(text: str, language: Language) -> Iterator[tuple[Language, int, int]]:
    """Cut text into stretches of one language: its language, start and end.

    Digits and marks go with the `language` of the character unless they touch the other script.
    Acronyms among Japanese are Japanese (エーアイ).
    """
    foreign: Language = "ja" if language == "en" else "en"
    at = 0
    for match in (_IN_ENGLISH if language == "en" else _IN_JAPANESE).finditer(text):
        if foreign == "en" and _LETTER_NAMES.fullmatch(match[0]):
            continue
        if at < match.start():
            yield language, at, match.start()
        yield foreign, match.start(), match.end()
        at = match.end()
    if at < len(text):
        yield language, at, len(text)
