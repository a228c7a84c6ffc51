"""Written forms that the Japanese dictionary would misread."""

from __future__ import annotations

import pytest

from charafy.engines.voice.text.aligned import Aligned, Cell
from charafy.engines.voice.text.cleaning import clean
from charafy.engines.voice.text.japanese.normalise import normalise

REWRITTEN = {
    "1,500円": "1500円",
    "¥1,500": "1500円",
    "$5": "5ドル",
    "$1.2M": "1200000ドル",
    "2025-03-14": "2025年3月14日",
    "2025/3/14": "2025年3月14日",
    "3/14": "3月14日",
    "1/2": "2ぶんの1",
    "15:45": "15時45分",
    "9:00": "9時",
    "3:30 PM": "午後3時30分",
    "5km": "5キロメートル",
    "60km/h": "時速60キロメートル",
    "20°C": "20度",
    "-5℃": "マイナス5度",
    "3GB": "3ギガバイト",
    "80%": "80パーセント",
    "3〜5人": "3から5人",
    "10-20個": "10から20個",
    "東京〜大阪": "東京から大阪",
    "そうだね〜": "そうだねー",
    "すごーーーい": "すごーい",
    "あっっっ": "あっ",
    "草ｗｗｗ": "草",
    "090-1234-5678": "ゼロキューゼロ、イチニーサンヨン、ゴーロクナナハチ",
    "2丁目1-2-3": "2丁目1の2の3",
    "第III章": "第3章",
    "3×4": "3かける4",
    "5 - 3": "5ひく3",
    "前年比+12.5%": "前年比プラス12.5パーセント",
    "5−3": "5の3",
    "2:1": "2対1",
    "8分": "はっぷん",
    "18分": "10はっぷん",
    "8分の1": "8分の1",
    "ﾃﾚﾋﾞ": "テレビ",
    "㍿": "株式会社",
    "123": "123",
    "https://a.com/x%20y?a=1&b=2を": "https://a.com/x%20y?a=1&b=2を",
    "a@b.comへ": "a@b.comへ",
    "A&B": "AアンドB",
}


@pytest.mark.parametrize(("written", "expected"), REWRITTEN.items())
def test_written_forms_become_readable(written: str, expected: str) -> None:
    text = Aligned.of(cell for cell in clean(written) if isinstance(cell, Cell))
    assert normalise(text).text == expected


def test_what_is_rewritten_keeps_the_span_of_what_was_written() -> None:
    text = Aligned("約5kmです", tuple(range(6)), tuple(range(1, 7)))
    new = normalise(text)
    assert new.text == "約5キロメートルです"
    assert {new.span(i, i + 1) for i in range(1, 8)} == {(1, 4)}
    assert new.span(8, 10) == (4, 6)
