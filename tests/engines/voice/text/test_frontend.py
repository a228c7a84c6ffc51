"""Any text, in either language: clauses that can be spoken, or `NothingToSay`, and nothing else."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from charafy.engines.voice import Clause, FrontEnd, Language, NothingToSay
from charafy.engines.voice.text import TextFrontEnd
from charafy.engines.voice.vocabulary import MAX_SYMBOLS, PUNCTUATION, SYMBOLS

LANGUAGES: tuple[Language, ...] = ("en", "ja")

BITS = (
    "<break/> <b> </b> < > &amp; & https://a.b/c?d=e a@b.co @x #t ** ` _ [x](y) 1 2 3.14 1/2 10:30 "
    "$ € ¥ % 5km 20°C Dr. e.g. AI iPhone hello the read 今日 は 3本 。 、 ！ ? ... … - — “ ” 「 」 "
    "( ) 😀 👨‍👩‍👧 1️⃣ 🇯🇵 é Привет 안녕 مرحبا 你好 ｱﾞ ー っ ん 々 w ゝ Ⅳ ½ ① № 〜 〒123-4567 "
    "090-1234-5678 2025-03-14 's don't A a.m. No. -3 × = + | ~~ ``` ﷺ 𝓗 ㍿ x² ~5 1.2.3 C++ R&D 24/7"
)
SEPARATORS = (" ", "\n", "\n\n", "\u0301", "\u200d", "\ud800", "\x00", "\u202e")

ANY_TEXT = st.text(max_size=120)
PIECED_TEXT = st.lists(st.sampled_from([*BITS.split(" "), *SEPARATORS]), max_size=40).map("".join)

thorough = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def test_it_is_a_front_end(front_end: TextFrontEnd) -> None:
    as_protocol: FrontEnd = front_end
    assert next(as_protocol.clauses("Hello.", "en")).language == "en"


@thorough
@given(text=ANY_TEXT | PIECED_TEXT, language=st.sampled_from(LANGUAGES))
def test_any_text_gives_clauses_or_nothing_to_say(
    front_end: TextFrontEnd, text: str, language: Language
) -> None:
    try:
        clauses = list(front_end.clauses(text, language))
    except NothingToSay:
        return
    assert any(c.words for c in clauses)
    _check(clauses, text)


def _check(clauses: list[Clause], text: str) -> None:
    at = 0
    for clause in clauses:
        assert 0.0 <= clause.pause_s <= 30.0
        assert len(clause.phonemes) <= MAX_SYMBOLS
        assert set(clause.phonemes) <= SYMBOLS.keys()
        if clause.words:
            assert set(clause.phonemes) - PUNCTUATION - {" "}
        else:
            assert clause is clauses[0]
            assert clause.pause_s
        for word in clause.words:
            assert word.phonemes
            assert at <= word.start <= word.end <= len(text)
            at = word.start


def test_words_carry_the_written_form_and_its_place(front_end: TextFrontEnd) -> None:
    text = "I paid **$5.20** for the café's menu, e.g. today."
    words = [w for c in front_end.clauses(text, "en") for w in c.words]
    assert [w.text for w in words] == [
        *("I", "paid", "$5.20", "for", "the", "café's", "menu", ",", "e.g.", "today", "."),
    ]
    assert all(text[w.start : w.end] == w.text for w in words)


def test_one_written_form_is_one_spoken_word(front_end: TextFrontEnd) -> None:
    (clause,) = front_end.clauses("It is $5.", "en")
    assert clause.words[2].phonemes == "fˈIv dˈɑləɹz"


def test_japanese_words_carry_their_place(front_end: TextFrontEnd) -> None:
    text = "駅まで1,500円で、ﾃﾚﾋﾞもあります。"
    words = [w for c in front_end.clauses(text, "ja") for w in c.words]
    assert "".join(w.text for w in words) == text
    assert all(text[w.start : w.end] == w.text for w in words)


@pytest.mark.parametrize(
    "nothing",
    [
        *(
            "",
            " ",
            "\n\n",
            "...",
            "😀👨‍👩‍👧",
            "<b></b>",
            "<break/>",
            "---",
            "مرحبا",
            "\ud800",
            "\x00",
            "***",
        ),
        *("🇯🇵", "1️⃣", "\u200b", "?!", "、。", "()", "「」", "```", "<break time='1s'/> 😀"),
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_text_without_words_is_refused(
    front_end: TextFrontEnd, nothing: str, language: Language
) -> None:
    with pytest.raises(NothingToSay):
        next(front_end.clauses(nothing, language))


def test_each_language_is_spoken_by_its_own_rules(front_end: TextFrontEnd) -> None:
    (mixed,) = front_end.clauses("I love 寿司.", "en")
    assert [w.phonemes for w in mixed.words][2] == "sɨɕi"
    (mixed,) = front_end.clauses("AIとPythonで話す。", "ja")
    assert [w.phonemes for w in mixed.words][:3] == ["eːai", "to", "pˈIθˌɑn"]


def test_digits_follow_the_language_around_them(front_end: TextFrontEnd) -> None:
    assert "fˈIv" in _sounds(front_end, "I have 5 dogs.", "en")
    assert "ɡo" in _sounds(front_end, "犬が5匹います。", "ja")
    assert "saɴ" in _sounds(front_end, "We say 3時 here.", "en")


def test_tags_and_markdown_are_not_read(front_end: TextFrontEnd) -> None:
    plain = _sounds(front_end, "Hello big world.", "en")
    assert _sounds(front_end, "<p>Hello **big** <i>world</i>.</p>", "en") == plain


def test_emoji_are_silent(front_end: TextFrontEnd) -> None:
    plain = _sounds(front_end, "Hello world.", "en")
    assert _sounds(front_end, "Hello 😀🇯🇵👨‍👩‍👧 world 1️⃣.", "en") == plain


def test_own_pronunciations_win() -> None:
    own = TextFrontEnd({"Charafy": "ʃˈɑɹəfi", "推し": "オシ", "GIF": "ʤˈɪf"})
    assert "ʃˈɑɹəfi" in _sounds(own, "I like charafy!", "en")
    assert "ʃˈɑɹəfi" in _sounds(own, "Charafyが好き。", "ja")
    assert "oɕi" in _sounds(own, "私の推しです。", "ja")
    assert "ʃˈɑɹəfi" not in _sounds(own, "Charafying", "en")
    assert "ʤˈɪf" in _sounds(own, "A GIF, please.", "en")


@pytest.mark.parametrize("bad", [{"": "a"}, {"x": ""}, {"x": "漢字"}, {"x": "g"}])
def test_bad_pronunciations_are_refused(bad: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"pronunciation|kana"):
        TextFrontEnd(bad)


def test_british_english_is_a_choice() -> None:
    british = TextFrontEnd(english="british")
    assert "wˈɔːtə" in _sounds(british, "Some water.", "en")


def test_threads_share_one_front_end() -> None:
    shared = TextFrontEnd()
    results: list[str] = []
    texts = [f"Number {n} is read. 数は{n}です。" for n in range(8)]

    def work(text: str) -> None:
        results.append(_sounds(shared, text, "en"))

    threads = [threading.Thread(target=work, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(results) == sorted(_sounds(shared, text, "en") for text in texts)


def test_the_first_clause_does_not_wait_for_the_rest(front_end: TextFrontEnd) -> None:
    sentences: dict[Language, str] = {
        "en": "This is one more sentence of an endless story. ",
        "ja": "これは終わらない物語の一つの文です。",
    }
    for language, sentence in sentences.items():
        text = sentence * (5000 // len(sentence))
        next(front_end.clauses(text, language))
        clauses = front_end.clauses(text, language)
        first = _cpu_s(partial(next, clauses))
        assert first < _cpu_s(partial(list, clauses)) / 4


HOSTILE = (
    *(
        "a",
        "1",
        "<",
        "&",
        "*",
        "[",
        "(",
        ".",
        "-",
        "'",
        "/",
        "\n",
        "$",
        "%",
        "ー",
        "っ",
        "漢",
        "「",
    ),
    *(
        "😀",
        "\u0301",
        "\ud800",
        "<break ",
        "&#",
        "a.",
        "1,",
        "1-",
        "1/",
        "a@",
        "a-",
        "A",
        "http://a.",
    ),
    *(
        "[a](",
        "<!--",
        "x=",
        "1 1/",
        "가",
        "A.A.",
        "+1 ",
        "は",
        "8分",
        "IV",
        "- ",
        "\n- ",
        "a b ",
        "空の",
    ),
)


@pytest.mark.slow
@pytest.mark.parametrize("language", LANGUAGES)
def test_time_grows_no_faster_than_the_text(front_end: TextFrontEnd, language: Language) -> None:
    for bit in HOSTILE:
        _spoken(front_end, bit * 50, language)
        short = _cpu_s(partial(_spoken, front_end, bit * 500, language))
        long = _cpu_s(partial(_spoken, front_end, bit * 2000, language))
        assert long < 10 * short + 0.2, bit  # linear is 4, quadratic is 16
        assert long < 0.5 + 2000 * len(bit) * 2e-4, bit


@pytest.mark.parametrize("bit", ["<", "[", "&", "*", "1", "a.", "1/", "\u0301", "😀", "漢", "\n- "])
def test_five_thousand_of_anything_take_a_moment(front_end: TextFrontEnd, bit: str) -> None:
    for language in LANGUAGES:
        assert _cpu_s(partial(_spoken, front_end, bit * 5000, language)) < 2.0, language


def _spoken(front_end: TextFrontEnd, text: str, language: Language) -> list[Clause]:
    try:
        return list(front_end.clauses(text, language))
    except NothingToSay:
        return []


def _sounds(front_end: TextFrontEnd, text: str, language: Language) -> str:
    return " ".join(clause.phonemes for clause in front_end.clauses(text, language))


def _cpu_s(action: Callable[[], object]) -> float:
    """CPU seconds of this thread, without the collector: the suite's garbage isn't the text's."""
    gc.disable()
    try:
        start = time.thread_time()
        action()
        return time.thread_time() - start
    finally:
        gc.enable()
