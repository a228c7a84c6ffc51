"""How English words sound where they stand."""

from __future__ import annotations

import pytest

from charafy.engines.voice.text.english.speech import EnglishSpeech


@pytest.fixture(scope="module")
def american() -> EnglishSpeech:
    return EnglishSpeech("american")


@pytest.fixture(scope="module")
def british() -> EnglishSpeech:
    return EnglishSpeech("british")


SOUNDS = {
    # heteronyms: the word before and after decide
    "I [read] it yesterday.": "ɹˈɛd",
    "I like to [read].": "ɹˈid",
    "He has [read] it.": "ɹˈɛd",
    "Did you [read] it?": "ɹˈid",
    "She [wound] the clock.": "wˈWnd",
    "The [wound] healed.": "wˈund",
    "They [live] here.": "lˈɪv",
    "We heard [live] music.": "lˈIv",
    "She [lives] alone.": "lˈɪvz",
    "We saved two [lives].": "lˈIvz",
    "Please [close] the door.": "klˈOz",
    "We are [close] friends.": "klˈOs",
    "They will [record] it.": "ɹəkˈɔɹd",
    "It is a new [record].": "ɹˈɛkəɹd",
    "I [object] to that.": "əbʤˈɛkt",
    "The [object] moved.": "ˈɑbʤəkt",
    "We [used] to sing.": "jˈust",
    "We [used] a knife.": "jˈuzd",
    "The [wind] is cold.": "wˈɪnd",
    "A [lead] pipe broke.": "lˈɛd",
    # what the next sound decides
    "[the] apple": "ði",
    "[the] house": "ðə",
    "go [to] eat": "tʊ",
    "go [to] bed": "tə",
    # endings
    "three [webhooks]": "wˈɛbhˌʊks",
    "my [boss's] car": "bˈɔsᵻz",
    "[Sarah's] car": "sˈɛɹəz",
    "two [boxes]": "bˈɑksᵻz",
    "we [emailed] you": "ˈimˌAld",
    # capitals
    "the [FBI] called": "ˌɛfbˌiˈI",
    "the [USA] won": "jˌuˌɛsˈA",
    "[NASA] said": "nˈæsə",
    "give it to [US] customers": "jˌuˈɛs",
    "give it to [us] now": "ˌʌs",
    "an [iPhone] rang": "ˈIfˌOn",
    "[SmartHome] here": "smˈɑɹthˌOm",
    "vitamin [A] helps": "ˈA",
    "[A] dog barked": "ɐ",
    # unknown words
    "[O'Brien's] car": "ˈObɹiˌɛnz",
    "my name is [Aki]": "ˈɑki",
    "[Nakamura] called": "nɑkɑmˈuɹɑ",
    "it was [sooooo] good": "sˌO",
    "[xqzt] failed": "ˌɛkskjˌuzˌitˈi",
}


@pytest.mark.parametrize(("text", "sound"), SOUNDS.items())
def test_a_word_sounds_as_its_place_demands(american: EnglishSpeech, text: str, sound: str) -> None:
    assert _sound_of_marked(american, text) == sound.replace("ɾ", "T")


def test_british_english_has_its_own_sounds(british: EnglishSpeech) -> None:
    assert _sound_of_marked(british, "a glass of [water]") == "wˈɔːtə"
    assert _sound_of_marked(british, "[home]") == "hˈQm"


def test_unknown_words_have_exactly_one_primary_stress(american: EnglishSpeech) -> None:
    for word in ("blenkorf", "zelensky", "grafana", "okonomiyaki", "trumplification"):
        sound = _sound_of_marked(american, f"[{word}]")
        assert sound.count("ˈ") == 1, (word, sound)


def test_shouted_sentences_are_read_as_words(american: EnglishSpeech) -> None:
    said = american.say("THIS IS VERY GOOD NEWS")
    assert said[-1].phonemes == american.say("this is very good news")[-1].phonemes


def _sound_of_marked(speech: EnglishSpeech, text: str) -> str:
    before, _, rest = text.partition("[")
    word, _, after = rest.partition("]")
    at = len(before)
    for said in speech.say(before + word + after):
        if said.token.start == at:
            return " ".join(said.phonemes)
    raise AssertionError(f"nothing is said at {at} of {text}")
