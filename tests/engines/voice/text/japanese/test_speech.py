"""Readings of Japanese, in katakana, and their phonemes."""

from __future__ import annotations

import sys
from itertools import pairwise

import pytest

from charafy.engines.voice.text.japanese.phonemes import katakana, phonemes
from charafy.engines.voice.text.japanese.speech import JapaneseSpeech
from charafy.engines.voice.vocabulary import SYMBOLS


@pytest.fixture(scope="module")
def speech() -> JapaneseSpeech:
    return JapaneseSpeech()


READINGS = {
    "今日は雨です": "キョーワアメデス",
    "今朝は七時に起きた": "ケサワシチジニオキタ",
    "3本": "サンボン",
    "20歳": "ニジュッサイ",
    "1人と2人": "ヒトリトフタリ",
    "2025年3月14日": "ニセンニジューゴネンサンガツジューヨッカ",
    "1500円": "センゴヒャクエン",
    "3.14": "サンテンイチヨン",
    "東京へ行った": "トーキョーエイッタ",
    "何を食べる": "ナニヲタベル",
    "何時ですか": "ナンジデスカ",
    "時々人々は": "トキドキヒトビトワ",
    "いすゞ": "イスズ",
    "ＡＩとＮＨＫ": "エーアイトエヌエイチケイ",
    "行こう": "イコー",
    "龘と言う": "トウトイウ",
}


@pytest.mark.parametrize(("written", "reading"), READINGS.items())
def test_words_are_read_as_people_read_them(
    speech: JapaneseSpeech, written: str, reading: str
) -> None:
    assert "".join(word.reading for word in speech.say(written)) == reading


PHONEMES = {
    "ガッコー": "ɡaʔkoː",
    "キョー": "kʲoː",
    "シンブン": "ɕimbɯɴ",
    "サンカイ": "saŋkai",
    "コンニチワ": "koɲɲiʨiβa",
    "ティー": "tʲiː",
    "ヴァイオリン": "vaioɾʲiɴ",
    "ッ": "",
    "ー": "",
    "": "",
}


@pytest.mark.parametrize(("kana", "expected"), PHONEMES.items())
def test_kana_sound_as_the_voices_were_trained(kana: str, expected: str) -> None:
    assert phonemes(kana) == expected


def test_every_kana_is_within_the_vocabulary() -> None:
    kana = [chr(c) for c in range(ord("ァ"), ord("ヺ") + 1)] + ["ー"]
    for first in kana:
        for second in kana:
            assert set(phonemes(first + second)) <= SYMBOLS.keys()


def test_hiragana_become_katakana() -> None:
    assert katakana("あいづゔ漢A") == "アイヅヴ漢A"


def test_sudachis_dictionary_is_never_asked(
    speech: JapaneseSpeech, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sudachidict_core", None)
    assert speech.say("龘驫と悪魔憑き")[0].phonemes


def test_words_keep_their_places(speech: JapaneseSpeech) -> None:
    text = "駅まで1500円で、20分です。"
    words = [w for w in speech.say(text) if not w.is_mark]
    places = [text[w.start : w.end] for w in words]
    assert places[0] == "駅"
    assert places.count("1500") == 3  # セン, ゴ, ヒャク are said for it
    assert places[-1] == "です"
    assert all(a.start <= b.start for a, b in pairwise(words))
