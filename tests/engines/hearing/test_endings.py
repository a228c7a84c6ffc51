"""Words tell whether more will follow, and whether they are a turn at all."""

from __future__ import annotations

import pytest

from charafy.engines.hearing.endings import is_backchannel, is_complete, said


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("What time shall we meet tomorrow?", "en"),
        ("I would rather have the blue jacket.", "en"),
        ("Stop!", "en"),
        ("Yes, it is.", "en"),
        ("What are you looking at?", "en"),
        ('He said "never."', "en"),
        ("If you press the green button, the door opens.", "en"),
        ("I go when you go.", "en"),
        ("Yes", "en"),
        ("Hello", "en"),
        ("No, I don't.", "en"),
        ("So do I.", "en"),
        ("I'd love to.", "en"),
        ("Turn it on.", "en"),
        ("I think so.", "en"),
        ("My dog died.", "en"),
        ("Could you help me?", "en"),
        ("And you?", "en"),
        ("I like apples, pears and plums.", "en"),
        ("Yes, please, Tom.", "en"),
        ("今日はとてもいい天気ですね。", "ja"),
        ("明日の午後三時に駅の前で会いましょう", "ja"),
        ("好きな食べ物は何ですか", "ja"),
        ("昨日、面白い夢を見た", "ja"),
        ("本当？", "ja"),
        ("こんにちは", "ja"),
        ("はい。", "ja"),
        ("おすすめを教えてください。", "ja"),
    ],
)
def test_a_sentence_may_end_here(text: str, language: str) -> None:
    assert is_complete(text, language)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("", "en"),
        ("...", "en"),
        ("(coughing)", "en"),
        ("I went to the.", "en"),
        ("My name is.", "en"),
        ("I was thinking, um.", "en"),
        ("I wanted to say that...", "en"),
        ("When I was a child,", "en"),
        ("it was the age of wisdom", "en"),
        ("If you press the green button.", "en"),
        ("Fine. But when I was in London.", "en"),
        ("Well I think.", "en"),
        ("Sure, I.", "en"),
        ("Would you?", "en"),
        ("Would you like to?", "en"),
        ("Can you tell me?", "en"),
        ("My favorite season.", "en"),
        ("Good question. Let me think.", "en"),
        ("We went home and then.", "en"),
        ("I like apples, pears, plums.", "en"),
        ("I mean, you know.", "en"),
        ("", "ja"),
        ("昨日、駅に行って", "ja"),
        ("今日はいい天気だから", "ja"),
        ("ちょっと聞きたいんですけど", "ja"),
        ("えっと", "ja"),
        ("祖母は家の裏の小さな", "ja"),
        ("実はあなた", "ja"),
        ("私の名前は", "ja"),
        ("それで、", "ja"),
        ("[音楽]", "ja"),
    ],
)
def test_more_is_to_follow(text: str, language: str) -> None:
    assert not is_complete(text, language)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Mm-hmm.", "en"),
        ("Uh huh.", "en"),
        ("Oh, I see.", "en"),
        ("(laughs)", "en"),
        ("*cough*", "en"),
        ("", "en"),
        ("うん、うん。", "ja"),
        ("はい、はい", "ja"),
        ("へえー。", "ja"),
        ("ああ、そうですか。", "ja"),
        ("（笑い）", "ja"),
        ("", "ja"),
    ],
)
def test_somebody_lets_know_that_they_listen(text: str, language: str) -> None:
    assert is_backchannel(text, language)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("No.", "en"),
        ("Wait, stop.", "en"),
        ("Yeah, but why?", "en"),
        ("Okay yeah I see right", "en"),
        ("ちょっと待って", "ja"),
        ("はい、でも違います", "ja"),
        ("いや", "ja"),
    ],
)
def test_somebody_wants_to_speak(text: str, language: str) -> None:
    assert not is_backchannel(text, language)


def test_sounds_that_are_no_words_are_left_out() -> None:
    assert said("(coughs) Hello there.") == "Hello there."
    assert said("[音楽]") == ""
    assert said(" ... ") == ""
    assert said("Hello.") == "Hello."
