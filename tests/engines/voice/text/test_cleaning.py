"""What of the input is meant to be spoken at all."""

from __future__ import annotations

import pytest

from charafy.engines.voice.text.cleaning import Silence, clean

CLEANED = {
    "**Bold** and *it* and __u__ and ~~s~~": "Bold and it and u and s",
    "run `code` now": "run code now",
    "# Title\n- one\n* two\n> quote": "\nTitle\n\none\n\ntwo\n\nquote",
    "---\nafter": "\n\nafter",
    "```python\nx\n```": "\n\nx\n\n",
    "[text](https://a.b/c) end": "text end",
    "![alt](x.png) end": "alt end",
    "snake_case _and_ __this__": "snake_case and this",
    "3 * 4": "3 * 4",
    "<b>bold</b>": "bold",
    "a<br/>b": "a\nb",
    "x < 3 and y > 2": "x < 3 and y > 2",
    "<unclosed tag": "<unclosed tag",
    "a <!-- hidden --> b": "a  b",
    "Q &amp; A &#65;&#x3042;": "Q & A Aあ",
    "&nosuch;": "&nosuch;",
    "hi 😀👨‍👩‍👧‍👦🇯🇵1️⃣❤️ there": "hi" + " " * 11 + "there",
    "caf\u00e9 cafe\u0301 Ünïcödé": "cafe cafe Unicode",
    "Z̷̢̛a̸l̵̡g̶o": "Zalgo",
    "ＡＢＣ　１２３": "ABC 123",
    "ﾃﾚﾋﾞ": "テレビ",
    "𝓗𝓮𝓵𝓵𝓸": "Hello",
    "½": " 1/2 ",
    "Привет": "Privet",
    "αβγ": "avg",
    "안녕": "annyeong",
    "مرحبا": "     ",
    "a\u200bb\u00adc\ufeff": "abc",
    "a\x00b\x1bc": "abc",
    "\ud800x\udfff": "x",
    "don’t": "don't",
    "«a» „b“": "“a” “b“",
    "a\r\nb": "a \nb",
}


@pytest.mark.parametrize(("raw", "cleaned"), CLEANED.items())
def test_only_what_is_spoken_stays(raw: str, cleaned: str) -> None:
    assert "".join(c.text for c in clean(raw) if not isinstance(c, Silence)) == cleaned


BREAKS = {
    '<break time="500ms"/>': 0.5,
    "<break time='1.5s' />": 1.5,
    "<break time=2s>": 2.0,
    "<BREAK TIME='250MS'/>": 0.25,
    "<break/>": 0.5,
    '<break strength="weak"/>': 0.25,
    '<break time="99s"/>': 5.0,
    '<break time="junk"/>': 0.5,
    '<break time="1s"': 1.0,
}


@pytest.mark.parametrize(("tag", "seconds"), BREAKS.items())
def test_a_break_is_silence(tag: str, seconds: float) -> None:
    assert [c for c in clean(f"a{tag}") if isinstance(c, Silence)] == [Silence(seconds)]


def test_all_breaks_together_stay_within_half_a_minute() -> None:
    asked = [c.seconds for c in clean('<break time="5s"/>' * 20) if isinstance(c, Silence)]
    assert sum(asked) == pytest.approx(30.0)


def test_every_cell_knows_its_place() -> None:
    raw = "a **b** &amp; ½ <b>c</b> ﾃﾞ 😀 e\u0301"
    at = 0
    for cell in clean(raw):
        assert not isinstance(cell, Silence)
        assert at <= cell.start < cell.end <= len(raw)
        at = cell.end
