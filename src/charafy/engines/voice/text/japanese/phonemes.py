"""Kana -> phonemes as Kokoro v1.0's Japanese voices were trained.

The table is misaki's (Apache-2.0; after cutlet, MIT): the release that prepared Kokoro v1.0 wrote
no pitch accent, only morae, `ː` for a long vowel and `ʔ` for a geminate.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_ONE_KANA = """
ァ a ア a ィ i イ i ゥ ɯ ウ ɯ ェ e エ e ォ o オ o カ ka ガ ɡa キ kʲi ギ ɡʲi ク kɯ グ ɡɯ ケ ke
ゲ ɡe コ ko ゴ ɡo サ sa ザ ʣa シ ɕi ジ ʥi ス sɨ ズ zɨ セ se ゼ ʣe ソ so ゾ ʣo タ ta ダ da チ ʨi
ヂ ʥi ツ ʦɨ ヅ zɨ テ te デ de ト to ド do ナ na ニ ɲi ヌ nɯ ネ ne ノ no ハ ha バ ba パ pa ヒ çi
ビ bʲi ピ pʲi フ ɸɯ ブ bɯ プ pɯ ヘ he ベ be ペ pe ホ ho ボ bo ポ po マ ma ミ mʲi ム mɯ メ me
モ mo ャ ja ヤ ja ュ jɯ ユ jɯ ョ jo ヨ jo ラ ɾa リ ɾʲi ル ɾɯ レ ɾe ロ ɾo ヮ βa ワ βa ヰ i ヱ e
ヲ o ヴ vɯ ヵ ka ヶ ke ヷ va ヸ vʲi ヹ ve ヺ vo
"""

_TWO_KANA = """
イェ je ウィ βi ウェ βe ウォ βo キェ kʲe キャ kʲa キュ kʲɨ キョ kʲo ギャ ɡʲa ギュ ɡʲɨ ギョ ɡʲo
クァ kᵝa クィ kᵝi クェ kᵝe クォ kᵝo グァ ɡᵝa グィ ɡᵝi グェ ɡᵝe グォ ɡᵝo シェ ɕe シャ ɕa シュ ɕɨ
ショ ɕo ジェ ʥe ジャ ʥa ジュ ʥɨ ジョ ʥo チェ ʨe チャ ʨa チュ ʨɨ チョ ʨo ヂャ ʥa ヂュ ʥɨ ヂョ ʥo
ツァ ʦa ツィ ʦʲi ツェ ʦe ツォ ʦo ティ tʲi テュ tʲɨ ディ dʲi デュ dʲɨ トゥ tɯ ドゥ dɯ ニェ ɲe
ニャ ɲa ニュ ɲɨ ニョ ɲo ヒェ çe ヒャ ça ヒュ çɨ ヒョ ço ビャ bʲa ビュ bʲɨ ビョ bʲo ピャ pʲa
ピュ pʲɨ ピョ pʲo ファ ɸa フィ ɸʲi フェ ɸe フォ ɸo フュ ɸʲɨ フョ ɸʲo ミャ mʲa ミュ mʲɨ ミョ mʲo
リャ ɾʲa リュ ɾʲɨ リョ ɾʲo ヴァ va ヴィ vʲi ヴェ ve ヴォ vo ヴュ bʲɨ ヴョ bʲo
"""


def _table(text: str) -> Mapping[str, str]:
    words = text.split()
    return MappingProxyType(dict(zip(words[::2], words[1::2], strict=True)))


_ONE, _TWO = _table(_ONE_KANA), _table(_TWO_KANA)
_SMALL = frozenset("ァィゥェォャュョヮ")


def katakana(text: str) -> str:
    """Hiragana as katakana; other characters unchanged."""
    return "".join(chr(ord(c) + 0x60) if "ぁ" <= c <= "ゖ" else c for c in text)


def phonemes(kana: str) -> str:
    """Phonemes of one word's pronunciation in katakana; what is not kana is skipped."""
    out: list[str] = []
    at = 0
    while at < len(kana):
        one, two = kana[at], kana[at : at + 2]
        if two in _TWO:
            out.append(_TWO[two])
            at += 2
        elif len(two) == 2 and two[1] in _SMALL and one in _ONE and one not in _SMALL:
            out.append(_ONE[one][:-1] + _ONE[two[1]])
            at += 2
        else:
            out.append(_single(one, kana[at + 1 :], bool(out)))
            at += 1
    return "".join(out)


def _single(kana: str, rest: str, inside: bool) -> str:
    if kana == "ー":
        return "ː" if inside else ""
    if kana == "ッ":
        return "ʔ" if inside or rest else ""
    if kana == "ン":
        return _nasal(_TWO.get(rest[:2]) or _ONE.get(rest[:1]) or "")
    return _ONE.get(kana, "")


def _nasal(following: str) -> str:
    """The place of ン is that of the consonant after it."""
    for first, sound in (("mpb", "m"), ("kɡ", "ŋ"), ("ɲʨʥ", "ɲ"), ("ntdɾz", "n")):
        if following[:1] and following[0] in first:
            return sound
    return "ɴ"
