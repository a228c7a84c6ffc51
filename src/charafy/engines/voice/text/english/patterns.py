"""Written forms that are not plain words: numbers, money, dates, addresses. Regex -> spoken words.

Every pattern is anchored where the scanner stands and every repetition in it is bounded. In the
words a single capital is a letter name ("ay" is that of A) and "," a short pause.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from .abbreviations import CURRENCIES, MONTH_NUMBERS, MONTHS, NEEDS_NO_SPACE, SCALES, UNITS
from .addresses import TLD, address, file_name, handle, hashtag, letter_name, spell, url
from .numbers import cardinal, decade, digits, fraction, number, ordinal, year

Reading = Callable[[re.Match[str], bool], str | None]
"""Match and whether the variety is British -> words, or None when the form is something else."""

_INT = r"(?:\d{1,3}(?:,\d{3}){1,12}|\d{1,60})"
_NUMBER = rf"{_INT}(?:\.\d{{1,30}})?"
_MONTH = "|".join(sorted({*MONTHS, *(m[:3] for m in MONTHS), "Sept"}, key=len, reverse=True))
_UNIT = "|".join(re.escape(unit) for unit in sorted(UNITS, key=len, reverse=True))
_END = r"(?![A-Za-z0-9])"


def count_or_year(text: str) -> str:
    if len(text) == 4 and text.isdigit() and "1100" <= text <= "2099":
        return year(text)
    return number(text)


def _date(years: str | None, month: int, day: int, british: bool) -> str | None:
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return None
    name, nth = MONTHS[month - 1], ordinal(str(day))
    words = f"the {nth} of {name}" if british else f"{name} {nth}"
    return f"{words} {year(years)}" if years else words


def _iso_date(m: re.Match[str], british: bool) -> str | None:
    return _date(m[1], int(m[3]), int(m[4]), british)


def _slash_date(m: re.Match[str], british: bool) -> str | None:
    first, second = int(m[1]), int(m[3])
    years = m[4] if len(m[4]) == 4 else ("20" if m[4] < "70" else "19") + m[4]
    day_first = british if first <= 12 and second <= 12 else first > 12
    return (
        _date(years, second, first, british) if day_first else _date(years, first, second, british)
    )


def _month_day(m: re.Match[str], british: bool) -> str | None:
    return _date(m["year"], MONTH_NUMBERS[m["month"].lower()], int(m["day"]), british)


def _day_month(m: re.Match[str], british: bool) -> str | None:
    return _date(m["year"], MONTH_NUMBERS[m["month"].lower()], int(m["day"]), True)


def _month_year(m: re.Match[str], british: bool) -> str:
    return f"{MONTHS[MONTH_NUMBERS[m[1].lower()] - 1]} {year(m[2])}"


def _half_day(text: str | None) -> str:
    return f" {letter_name(text[0])} M" if text else ""


def _time(m: re.Match[str], british: bool) -> str | None:
    hour, minute = int(m[1]), int(m[2])
    if hour > 24:
        return None
    half = _half_day(m[4])
    words = cardinal(str(hour))
    if minute:
        words += f" oh {cardinal(str(minute))}" if minute < 10 else f" {cardinal(str(minute))}"
    elif not half and not m[3]:
        words += " o'clock" if 0 < hour <= 12 else " hundred hours"
    if m[3]:
        words += f" and {cardinal(str(int(m[3])))} seconds"
    return words + half


def _hour(m: re.Match[str], british: bool) -> str:
    return cardinal(m[1]) + _half_day(m[2])


def _phone(m: re.Match[str], british: bool) -> str | None:
    groups = re.findall(r"\d+", m.group())
    if not 7 <= sum(map(len, groups)) <= 15 or len(groups) < 2:
        return None
    plus = "plus " if m.group().startswith("+") else ""
    return plus + " , ".join(digits(group) for group in groups)


def _money(m: re.Match[str], british: bool) -> str:
    one, many, small_one, small_many = CURRENCIES[m["sign"]]
    minus = "minus " if m["minus"] else ""
    scale = m["scale"]
    whole, _, part = m["amount"].partition(".")
    if scale:
        return f"{minus}{number(m['amount'])} {SCALES.get(scale, scale.lower())} {many}"
    if len(part) == 2 and small_many:
        main = f"{cardinal(whole)} {one if int(whole.replace(',', '')) == 1 else many}"
        rest = f"{cardinal(str(int(part)))} {small_one if int(part) == 1 else small_many}"
        if not int(part):
            return minus + main
        return minus + (rest if not int(whole.replace(",", "")) else f"{main} and {rest}")
    return f"{minus}{number(m['amount'])} {one if m['amount'] == '1' else many}"


def _money_range(m: re.Match[str], british: bool) -> str:
    scale = f" {SCALES.get(m[4], m[4].lower())}" if m[4] else ""
    return f"{number(m[2])} to {number(m[3])}{scale} {CURRENCIES[m[1]][1]}"


def _money_after(m: re.Match[str], british: bool) -> str:
    one, many, *_ = CURRENCIES[m[2]]
    return f"{number(m[1])} {one if m[1] == '1' else many}"


def _unit(m: re.Match[str], british: bool) -> str | None:
    if m["space"] and m["unit"] in NEEDS_NO_SPACE:
        return None
    one, many = UNITS[m["unit"]]
    if british:
        one, many = (w.replace("meter", "metre").replace("liter", "litre") for w in (one, many))
    minus = "minus " if m["minus"] else ""
    upto = f"{number(m['from'])} to " if m["from"] else ""
    return f"{minus}{upto}{number(m['n'])} {one if m['n'] == '1' else many}"


def _percent(m: re.Match[str], british: bool) -> str:
    upto = f"{number(m[2])} to " if m[2] else ""
    return f"{'minus ' if m[1] else ''}{upto}{number(m[3])} percent"


def _ordinal(m: re.Match[str], british: bool) -> str:
    return ordinal(m[1].replace(",", ""))


def _decade(m: re.Match[str], british: bool) -> str | None:
    return decade(m[1]) if m[1].endswith("0") and m[1] > "10" else None


def _fraction(m: re.Match[str], british: bool) -> str | None:
    if m[0] in ("24/7", "50/50", "9/11", "20/20"):
        return " ".join(cardinal(part) for part in m[0].split("/"))
    whole = f"{cardinal(m[1].strip())} and " if m[1] else ""
    said = fraction(m[2], m[3])
    if whole and said.startswith("one "):
        return f"{whole}a {said[4:]}" if " over " not in said else f"{whole}{said}"
    return whole + said


def _range(m: re.Match[str], british: bool) -> str | None:
    return f"{count_or_year(m[1])} to {count_or_year(m[2])}"


def _ratio(m: re.Match[str], british: bool) -> str:
    return f"{number(m[1])} to {number(m[2])}"


def _version(m: re.Match[str], british: bool) -> str:
    """Versions ("1.2.3") have points, network addresses ("192.168.0.1") have dots."""
    prefix = "version " if m[1] else ""
    parts = m[2].split(".")
    return prefix + (" dot " if len(parts) == 4 else " point ").join(map(cardinal, parts))


def _sizes(m: re.Match[str], british: bool) -> str:
    return " by ".join(number(n) for n in re.findall(_NUMBER, m[0]))


def _seasons(m: re.Match[str], british: bool) -> str:
    return f"{year(m[1])} {cardinal(m[2])}"


def _emergency(m: re.Match[str], british: bool) -> str:
    return digits(m[0])


def _plain(m: re.Match[str], british: bool) -> str:
    said = count_or_year(m["n"]) if not m["minus"] else number(m["n"])
    return f"minus {said}" if m["minus"] else said


def _fractional(m: re.Match[str], british: bool) -> str:
    return f"{'minus ' if m[1] else ''}point {digits(m[2])}"


def _numbered(m: re.Match[str], british: bool) -> str:
    return f"{'numbers' if m[1].lower().startswith('nos') else 'number'} {number(m[2])}"


def _pages(m: re.Match[str], british: bool) -> str:
    return f"{'page' if m[1] == 'p' else 'pages'} {number(m[2])}"


def _initials(m: re.Match[str], british: bool) -> str:
    return spell(m.group())


def _feet_inches(m: re.Match[str], british: bool) -> str:
    return f"{cardinal(m[1])} foot {cardinal(m[2])}"


_RANGE = r"\s?[-–~〜]\s?"
_AM_PM = r"([AaPp]\.?\s?[Mm](?![A-Za-z])\.?)"

PATTERNS: tuple[tuple[re.Pattern[str], Reading], ...] = tuple(
    (re.compile(pattern), reading)
    for pattern, reading in (
        (r"(?:https?|ftp)://(?:www\.)?(?P<host>[^\s<>\"'()“”,]{1,380}[A-Za-z0-9/])", url),
        (r"www\.(?P<host>[^\s<>\"'()“”,]{1,380}[A-Za-z0-9/])", url),
        (
            r"[\w.+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,4}",
            lambda m, b: address(m[0]),
        ),
        (
            rf"(?P<host>(?:[A-Za-z0-9-]{{1,63}}\.){{1,4}}(?:{TLD})\b(?:/[\w./?=&%#-]{{0,200}}[\w/])?)(?!\.\w)",
            url,
        ),
        (r"@([A-Za-z0-9_]{1,50})", handle),
        (r"#(\d{1,12}|[A-Za-z][A-Za-z0-9_]{0,80})", hashtag),
        (r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?![\d])", _iso_date),
        (r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})(?![\d/.-]\d|\d)", _slash_date),
        (
            rf"(?P<month>{_MONTH})\.?\s(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:,?\s(?P<year>[12]\d{{3}}))?(?![\d:,.]\d|\d|%)",
            _month_day,
        ),
        (
            rf"(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s(?P<month>{_MONTH})\b\.?(?:,?\s(?P<year>[12]\d{{3}}))?(?!\d)",
            _day_month,
        ),
        (rf"({_MONTH})\.?\s([12]\d{{3}})(?!\d)", _month_year),
        (rf"(\d{{1,2}}):([0-5]\d)(?::([0-5]\d))?(?:\s?{_AM_PM})?(?![\d:])", _time),
        (rf"(\d{{1,2}})\s?{_AM_PM}", _hour),
        (r"\+\d{1,3}[ .-]?\(?\d{1,4}\)?(?:[ .-]?\d{1,4}){1,4}(?!\d)", _phone),
        (r"\(\d{2,4}\)[ .-]?\d{3,4}[ .-]\d{3,4}(?!\d)", _phone),
        (r"\d{1,4}(?:[-.]\d{2,4}){2,4}(?![\d.-])", _phone),
        (r"\d{3}-\d{4}(?!\d)", _phone),
        (
            rf"([$£€¥₩₹])\s?({_NUMBER}){_RANGE}[$£€¥₩₹]?({_NUMBER})\s?(k|K|M|B|bn|[mb]illion|thousand)?{_END}",
            _money_range,
        ),
        (
            rf"(?P<minus>(?<![\w)])[-−])?(?:US|CA|AU|NZ|HK)?(?P<sign>[$£€¥₩₹])\s?(?P<amount>{_NUMBER})(?:\s?(?P<scale>k|K|m|M|bn|b|B|T|tn|[mbtr]{{1,2}}illion|thousand){_END})?",
            _money,
        ),
        (rf"({_NUMBER})\s?([€£¢₩₹¥])", _money_after),
        (rf"((?<![\w)])[-−])?(?:({_NUMBER})%?{_RANGE})?({_NUMBER})\s?%", _percent),
        (r"(\d)'\s?(\d{1,2})(?:\"|''|”)", _feet_inches),
        (r"(\d{1,3}(?:,\d{3}){1,4}|\d{1,30})(?:st|nd|rd|th)\b", _ordinal),
        (r"'?(\d{2}|\d{4})'?s\b", _decade),
        (
            rf"(?P<minus>(?<![\w)])[-−])?(?:(?P<from>{_NUMBER}){_RANGE})?(?P<n>(?<![A-Za-z]){_NUMBER})(?P<space>\s?)(?P<unit>{_UNIT}){_END}(?!['/]\w)",
            _unit,
        ),
        (r"(?<![\w(])(\d{1,3})\)(?=\s)", lambda m, b: f"{cardinal(m[1])} ,"),
        (r"(?<!\S)<3(?![\d.])", lambda m, b: ""),
        (rf"{_NUMBER}(?:\s?[x×]\s?{_NUMBER}){{1,3}}(?![A-Za-z\d])", _sizes),
        (r"(20\d\d|19\d\d)/(\d\d)(?![\d/])", _seasons),
        (r"(?:911|999|110|119)(?![\d,.:/%-])", _emergency),
        (r"(\d{1,4}\s)?(\d{1,3})/(\d{1,4})(?![\d/])", _fraction),
        (r"([vV])?(\d{1,6}(?:\.\d{1,6}){2,5})(?!\d)", _version),
        (r"([vV])(\d{1,4}(?:\.\d{1,4}){0,5})\b", _version),
        (r"(\d{1,3}):(\d{1,3})(?![\d:])", _ratio),
        (
            r"(\d{1,6}(?:\.\d{1,4})?)(?:[-–~〜]|\s[–~〜]\s?)(\d{1,6}(?:\.\d{1,4})?)(?![\d-])",
            _range,
        ),
        (r"(pp?)\.\s?(\d{1,6})(?!\d)", _pages),
        (r"([Nn]os?\.?)\s?(\d{1,9})(?!\d)", _numbered),
        (rf"(?P<minus>(?<![\w)])[-−])?(?P<n>{_NUMBER})(?!\d)", _plain),
        (r"((?<![\w)])[-−])?\.(\d{1,30})", _fractional),
        (r"(?:[A-Za-z]\.){2,12}(?![A-Za-z]{2})", _initials),
        (r"([A-Za-z0-9_-]{1,60})\.([A-Za-z]{1,5})(?![A-Za-z.])", file_name),
    )
)
"""Tried in this order."""
