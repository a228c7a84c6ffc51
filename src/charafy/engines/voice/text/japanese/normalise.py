"""Japanese written forms -> forms whose readings the dictionary knows: dates, money, units.

Digits stay digits: the dictionary's own rules choose the reading before counters (三本, 八分).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from ..aligned import Aligned
from ..wordlists import words
from .readings import RULES

_DIGIT_NAMES = ("ゼロ", "イチ", "ニー", "サン", "ヨン", "ゴー", "ロク", "ナナ", "ハチ", "キュー")
_N = r"\d{1,30}(?:,\d{3}){0,10}(?:\.\d{1,20})?"
_FREE = r"(?<![A-Za-z0-9/._@-])"
_LONGEST_NUMBER = 16

_UNITS: Mapping[str, str] = MappingProxyType(
    dict(
        pair.split(":")
        for pair in words(
            "km:キロメートル m:メートル cm:センチメートル mm:ミリメートル kg:キログラム "
            "g:グラム mg:ミリグラム "
            "t:トン L:リットル l:リットル ml:ミリリットル mL:ミリリットル KB:キロバイト "
            "kB:キロバイト "
            "MB:メガバイト GB:ギガバイト TB:テラバイト Hz:ヘルツ kHz:キロヘルツ "
            "MHz:メガヘルツ GHz:ギガヘルツ "
            "W:ワット kW:キロワット V:ボルト °C:度 °:度 ms:ミリ秒 min:分 sec:秒 s:秒 h:時間 "
            "m²:平方メートル km²:平方キロメートル m2:平方メートル km2:平方キロメートル "
            "m³:立方メートル "
            "cm²:平方センチメートル dB:デシベル cal:カロリー kcal:キロカロリー ha:ヘクタール "
            "fps:エフピーエス mph:マイル毎時 Mbps:メガビーピーエス Gbps:ギガビーピーエス "
            "px:ピクセル"
        )
    )
)
_CURRENCIES: Final = {
    "$": "ドル",
    "€": "ユーロ",
    "£": "ポンド",
    "¥": "円",
    "₩": "ウォン",
    "₹": "ルピー",
}
_CODES: Final = {"USD": "ドル", "EUR": "ユーロ", "GBP": "ポンド", "JPY": "円"}
_SCALES: Final = {"k": 3, "K": 3, "M": 6, "m": 6, "B": 9, "b": 9, "bn": 9, "T": 12}
_OPERATORS: Final = {
    "+": "たす",
    "=": "イコール",
    "×": "かける",
    "*": "かける",
    "÷": "わる",
    "<": "小なり",
    ">": "大なり",
    "±": "プラスマイナス",
    "≤": "以下",
    "≥": "以上",
    "≠": "ノットイコール",
    "≈": "ニアリーイコール",
}
_SIGNS: Final = {
    "%": "パーセント",
    "&": "アンド",
    "@": "アット",
    "²": "にじょう",
    "³": "さんじょう",
    "∞": "無限大",
    "$": "ドル",
    "€": "ユーロ",
    "£": "ポンド",
    "¥": "円",
    "°": "度",
    "√": "ルート",
    "‰": "パーミル",
}
_ROMAN: Final = {
    "II": 2,
    "III": 3,
    "IV": 4,
    "VI": 6,
    "VII": 7,
    "VIII": 8,
    "IX": 9,
    "XI": 11,
    "XII": 12,
}


def spell_digits(text: str) -> str:
    """Digit by digit in katakana, as telephone numbers are read."""
    return "".join(_DIGIT_NAMES[int(c)] for c in text if c.isdigit())


def _plain(number: str) -> str:
    return number.replace(",", "")


def _date(m: re.Match[str]) -> str | None:
    month, day = int(m[3]), int(m[4])
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    return f"{m[1]}年{month}月{day}日"


def _slash(m: re.Match[str]) -> str | None:
    first, second = int(m[1]), int(m[2])
    if first < second <= 10 or (second and second == 100):
        return f"{second}ぶんの{first}"
    if 1 <= first <= 12 and 1 <= second <= 31:
        return f"{first}月{second}日"
    return f"{second}ぶんの{first}" if second else None


def _time(m: re.Match[str]) -> str | None:
    hour, minute = int(m["h"]), int(m["m"])
    if hour > 29:
        return None
    half = (m["before"] or m["after"] or "").replace(".", "").strip().lower()
    words = {"am": "午前", "pm": "午後"}.get(half, "") + f"{hour}時"
    words += f"{minute}分" if minute else ""
    return words + (f"{int(m['s'])}秒" if m["s"] else "")


def _hour(m: re.Match[str]) -> str:
    return f"{'午前' if m[2].lower() == 'a' else '午後'}{int(m[1])}時"


def _phone(m: re.Match[str]) -> str | None:
    groups = re.findall(r"\d+", m[0])
    if sum(map(len, groups)) < 7:
        return "の".join(groups) if len(groups) > 2 else None
    return "、".join(spell_digits(group) for group in groups)


def _money(m: re.Match[str]) -> str:
    unit = _CURRENCIES[m["sign"]]
    return f"{'マイナス' if m['minus'] else ''}{_scaled(_plain(m['n']), m['scale'])}{unit}"


def _scaled(number: str, scale: str | None) -> str:
    if not scale:
        return number
    whole, _, part = number.partition(".")
    zeros = _SCALES[scale] - len(part)
    return (whole + part + "0" * zeros).lstrip("0") if zeros >= 0 else number


def _unit(m: re.Match[str]) -> str:
    number = _plain(m["n"])
    if m["unit"] == "km/h":
        return f"時速{number}キロメートル"
    if m["unit"] == "m/s":
        return f"秒速{number}メートル"
    if m["unit"] == "°F":
        return f"カ氏{number}度"
    return f"{'マイナス' if m['minus'] else ''}{number}{_UNITS.get(m['unit']) or _CODES[m['unit']]}"


def _number(m: re.Match[str]) -> str | None:
    number = _plain(m[0])
    whole = number.partition(".")[0]
    if len(whole) > _LONGEST_NUMBER:
        return spell_digits(number)
    return number if number != m[0] else None


def _eight_minutes(m: re.Match[str]) -> str:
    return (f"{m[1]}0" if m[1] else "") + "はっぷん"


_COUNTERS = "個本人円年月日時分秒歳才回台枚度名匹冊杯歩点割倍件週泊階"

_UNIT_NAMES = "|".join(
    re.escape(u) for u in sorted([*_UNITS, *_CODES, "km/h", "m/s", "°F"], key=len, reverse=True)
)
_HALF = r"[AaPp]\.?[Mm]\.?"

_RULES: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str | None]], ...] = tuple(
    (re.compile(pattern), spoken)
    for pattern, spoken in (
        (r"(?<=[ぁ-ヿ㐀-鿿!?。、])[wW]{1,200}(?![A-Za-z0-9])", lambda m: ""),
        (r"(?<=[ぁ-ヿ])[〜~]{1,200}(?![\d㐀-鿿])", lambda m: "ー"),
        (r"ー{2,400}", lambda m: "ー"),
        (r"([っッ])\1{1,400}", lambda m: m[1]),
        (rf"{_FREE}(\d{{4}})([-/.])(\d{{1,2}})\2(\d{{1,2}})(?![\d/-])", _date),
        (
            rf"{_FREE}(?:(?P<before>{_HALF})\s?)?(?P<h>\d{{1,2}}):(?P<m>[0-5]\d)(?::(?P<s>[0-5]\d))?"
            rf"(?:\s?(?P<after>{_HALF})(?![A-Za-z]))?(?![\d:])",
            _time,
        ),
        (rf"{_FREE}(\d{{1,2}})\s?([AaPp])\.?[Mm](?![A-Za-z])\.?", _hour),
        (
            rf"(?:{_FREE}|(?<=〒))\+?\(?\d{{1,4}}\)?[- ]?(?:\d{{1,4}}-){{1,4}}\d{{1,4}}(?![\d-])",
            _phone,
        ),
        (r"(?<=〒)\d{3}-?\d{4}", lambda m: spell_digits(m[0])),
        (
            rf"(?P<minus>[-−])?(?P<sign>[$€£¥₩₹])\s?(?P<n>{_N})(?P<scale>bn|[kKmMbBT](?![A-Za-z]))?",
            _money,
        ),
        (rf"{_FREE}(\d{{1,4}})/(\d{{1,4}})(?![\d/])", _slash),
        (
            rf"(?P<minus>(?<![\w)])[-−])?(?P<n>(?<![A-Za-z]){_N})\s?(?P<unit>{_UNIT_NAMES})(?![A-Za-z0-9])",
            _unit,
        ),
        (
            r"(?<![A-Za-z])(?:II|III|IV|VI|VII|VIII|IX|XI|XII)(?![A-Za-z])",
            lambda m: str(_ROMAN[m[0]]),
        ),
        (r"(?<=\d)\s?[〜~–]\s?(?=[\d¥$])", lambda m: "から"),
        (r"(?<=[ぁ-ヿ㐀-鿿\d])[〜~](?=[ぁ-ヿ㐀-鿿\d])", lambda m: "から"),
        (r"(?<![\w)])[-−](?=\d)", lambda m: "マイナス"),
        (rf"(?<=\d)[-−](?=\d{{1,9}}(?:[{_COUNTERS}]|パーセント))", lambda m: "から"),
        (r"(?<=[\d)])\s?[-−]\s?(?=[\d(])", lambda m: "ひく" if " " in m[0] else "の"),
        (r"(?<=\d):(?=\d)", lambda m: "対"),
        (r"(?<=\d)\s{1,3}(?=\d{1,4}ぶんの)", lambda m: "と"),
        (r"(?<!\d)(\d{0,3})8分(?![のかけ割目])", _eight_minutes),
        (r"[はハ]{3,400}", lambda m: "ハッ" * min(4, len(m[0]))),
        (r"(?<=[ぁ-ヿ㐀-鿿、。])\s?\+(?=\d)|^\+(?=\d)", lambda m: "プラス"),
        (r"(?<=[\w)])\s?[+=×*÷<>±≤≥≠≈](?=\s?[\w(])", lambda m: _OPERATORS[m[0].strip()]),
        (_N, _number),
        (
            r"%(?![A-Za-z0-9])|&(?![a-z]{1,20}[=;])|(?<![A-Za-z0-9])@|@(?![A-Za-z0-9])|[²³∞$€£¥°√‰]",
            lambda m: _SIGNS[m[0]],
        ),
    )
)


_ADDRESS = re.compile(r"https?://[!-~]{1,400}|[\w.+-]{1,64}@[A-Za-z0-9.-]{1,200}", re.ASCII)


def normalise(text: Aligned) -> Aligned:
    """Rewrite what would be misread, except in addresses. Each rule looks at the text once."""
    parts: list[Aligned] = []
    at = 0
    for match in _ADDRESS.finditer(text.text):
        parts += (_ruled(text.slice(at, match.start())), text.slice(*match.span()))
        at = match.end()
    return Aligned.joined((*parts, _ruled(text.slice(at, len(text)))))


def _ruled(text: Aligned) -> Aligned:
    for pattern, spoken in (*_RULES, *RULES):
        text = text.sub(pattern, spoken)
    return text
