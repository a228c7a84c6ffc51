"""Who speaks when. Scripted engines, virtual time: every second here is one of a conversation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from charafy.engines.hearing import Samples
from charafy.engines.voice import Language
from charafy.talk.phrases import APOLOGY, OPENERS
from tests.support import virtual_time
from tests.support.talking import ScriptedCrew, Talk


def talk(crew: ScriptedCrew, play: Callable[[Talk], Awaitable[None]]) -> Talk:
    async def main() -> Talk:
        scene = Talk(crew)
        try:
            await play(scene)
        finally:
            await scene.close()
        return scene

    return virtual_time.run(main())


def test_what_is_said_is_answered() -> None:
    async def play(scene: Talk) -> None:
        await scene.says(then_s=8)

    scene = talk(ScriptedCrew(heard=["I like tea."]), play)
    assert [(t.role, t.text, t.interrupted) for t in scene.turns] == [
        ("user", "I like tea.", False),
        ("assistant", "That is nice. Tell me more about it.", False),
    ]
    assert [e["text"] for e in scene.out.of("user-transcription")] == ["I like tea."]
    assert scene.out.of("speech-ended")[0]["heard"] == "That is nice. Tell me more about it."


def test_recognition_and_thought_begin_before_the_turn_is_certain_to_be_over() -> None:
    async def play(scene: Talk) -> None:
        scene.turns_ended = await scene.says(then_s=8)  # type: ignore[attr-defined]

    scene = talk(ScriptedCrew(heard=["I like tea."]), play)
    latency = scene.turns[-1].latency
    # 0.2 s of silence, 0.3 s to hear, 0.4 s to think and some to speak: nothing waits for 0.5 s.
    assert 0.45 < latency["recognised"] < 0.6
    assert latency["audible"] < 1.3


def test_a_sentence_that_goes_on_is_one_turn() -> None:
    async def play(scene: Talk) -> None:
        await scene.says(1.0, then_s=0.4)
        await scene.says(1.0, then_s=8)

    scene = talk(ScriptedCrew(heard=["I like the", "I like the rain in spring."]), play)
    assert [t.text for t in scene.turns if t.role == "user"] == ["I like the rain in spring."]


def test_who_sounds_as_if_more_would_follow_may_think_for_a_while() -> None:
    async def play(scene: Talk) -> None:
        await scene.says(1.0, then_s=0.75)
        await scene.says(1.0, then_s=8)

    turns = {}
    for sounds_over in (0.9, 0.1):
        crew = ScriptedCrew(heard=["I like tea.", "I like tea with milk."], sounds_over=sounds_over)
        turns[sounds_over] = [t.text for t in talk(crew, play).turns if t.role == "user"]
    assert turns[0.9] == ["I like tea.", "I like tea with milk."]
    assert turns[0.1] == ["I like tea with milk."]


class ToneDeafCrew(ScriptedCrew):
    async def over(self, samples: Samples) -> float:
        raise RuntimeError("the model broke")


def test_where_nobody_hears_the_melody_the_words_tell() -> None:
    async def play(scene: Talk) -> None:
        await scene.says(then_s=8)

    scene = talk(ToneDeafCrew(heard=["I like tea."]), play)
    assert scene.turns[-1].latency["committed"] < 0.65


def test_a_thought_that_was_ahead_of_a_turn_that_went_on_is_dropped() -> None:
    async def play(scene: Talk) -> None:
        await scene.says(1.0, then_s=0.45)
        await scene.says(1.0, then_s=8)

    crew = ScriptedCrew(heard=["I like tea.", "I like tea. And rain."], hear_s=0.05)
    scene = talk(crew, play)
    assert crew.closed >= 1
    assert len(scene.out.of("bot-started-speaking")) == 1


def test_somebody_who_interrupts_is_listened_to_within_a_fifth_of_a_second() -> None:
    async def play(scene: Talk) -> None:
        await scene.says(then_s=2.2)
        scene.began = scene.now()  # type: ignore[attr-defined]
        await scene.sound(0.3, loud=True)
        scene.silent = scene.out.silent_since()  # type: ignore[attr-defined]
        await scene.says(1.0, then_s=8)

    crew = ScriptedCrew(
        heard=["I like tea.", "Wait, what kind?"],
        answers=["Oh, there are many kinds of it in the shops of this town.", "Green tea."],
    )
    scene = talk(crew, play)
    assert scene.silent - scene.began <= 0.2  # type: ignore[attr-defined]
    cut = next(t for t in scene.turns if t.interrupted)
    assert cut.text
    assert "Oh, there are many kinds of it in the shops".startswith(cut.text[:20])
    assert len(cut.text) < len("Oh, there are many kinds of it in the shops of this town.")
    # What the model is asked next holds what was heard and nothing more.
    said = [m.content for m in crew.asked[-1].messages]
    assert cut.text in said
    assert scene.turns[-1].text == "Green tea."


def test_somebody_who_only_agrees_does_not_interrupt() -> None:
    async def play(scene: Talk) -> None:
        await scene.says(then_s=2.2)
        await scene.says(0.4, then_s=10)

    answer = "Oh, there are many kinds of it in the shops of this town."
    scene = talk(ScriptedCrew(heard=["I like tea.", "Mm-hm."], answers=[answer]), play)
    assert scene.out.of("speech-paused")
    assert scene.out.of("speech-resumed")
    assert scene.turns[-1].text == answer
    assert not scene.turns[-1].interrupted
    assert [t.text for t in scene.turns if t.role == "user"] == ["I like tea."]


def test_a_cough_does_not_interrupt_either() -> None:
    async def play(scene: Talk) -> None:
        await scene.says(then_s=2.2)
        await scene.says(0.2, then_s=10)

    answer = "Oh, there are many kinds of it in the shops of this town."
    scene = talk(ScriptedCrew(heard=["I like tea.", ""], answers=[answer]), play)
    assert scene.turns[-1].text == answer


def test_a_click_stops_the_character_for_no_longer_than_a_blink() -> None:
    async def play(scene: Talk) -> None:
        await scene.says(then_s=2.2)
        await scene.says(0.064, then_s=10)

    answer = "Oh, there are many kinds of it in the shops of this town."
    scene = talk(ScriptedCrew(heard=["I like tea."], answers=[answer]), play)
    (paused,), (resumed,) = scene.out.of("speech-paused"), scene.out.of("speech-resumed")
    assert resumed["at_s"] - paused["at_s"] < 0.2
    assert len(scene.out.of("user-started-speaking")) == 1
    assert scene.turns[-1].text == answer
    assert not scene.turns[-1].interrupted


def test_noise_that_holds_no_words_is_no_turn() -> None:
    async def play(scene: Talk) -> None:
        await scene.says(then_s=4)

    scene = talk(ScriptedCrew(heard=[""]), play)
    assert scene.turns == []
    assert not scene.out.of("bot-started-speaking")


def test_who_takes_long_to_think_says_something_short_first() -> None:
    async def play(scene: Talk) -> None:
        await scene.phrases.prepare(scene.speaker)
        await scene.says(then_s=9)

    scene = talk(ScriptedCrew(heard=["Why?"], think_s=3.0), play)
    said = scene.out.of("speech")
    assert said[0]["reply"] == "opener"
    assert said[0]["text"] in OPENERS["en"]
    assert scene.turns[-1].text == "That is nice. Tell me more about it."


def test_a_voice_that_is_late_inside_an_answer_is_told_with_the_turn() -> None:
    async def play(scene: Talk) -> None:
        await scene.says(then_s=14)
        scene.crew.rate = 0.4
        await scene.says(then_s=30)

    scene = talk(ScriptedCrew(heard=["Why?"], rate=3.0), play)
    quick, slow = (told["gaps_s"] for told in scene.out.of("metrics"))
    assert quick == []
    assert slow
    assert all(0.03 <= gap_s < 1.5 for gap_s in slow)


def test_a_slow_voice_is_silent_between_clauses_and_not_between_words() -> None:
    async def play(scene: Talk) -> None:
        for _ in range(4):
            await scene.says(then_s=40)

    answer = (
        "Certainly beautiful gardens everywhere. Wonderful colourful flowers surround everybody."
    )
    scene = talk(ScriptedCrew(heard=["Why?"], answers=[answer], rate=0.4), play)
    assert len(scene.out.of("metrics")[-1]["gaps_s"]) == 1


def test_an_opener_pauses_and_goes_on_like_any_speech() -> None:
    async def play(scene: Talk) -> None:
        await scene.phrases.prepare(scene.speaker)
        await scene.says(then_s=0.5)
        while not scene.out.of("speech"):
            await scene.sound(0.02, loud=False)
        scene.dialogue.stage.hold()
        sent = len(scene.out.sound)
        await scene.sound(0.5, loud=False)
        assert len(scene.out.sound) == sent
        scene.dialogue.stage.go_on()
        await scene.sound(9.0, loud=False)

    scene = talk(ScriptedCrew(heard=["Why?"], think_s=3.0), play)
    assert [said["reply"] for said in scene.out.of("speech-paused")] == ["opener"]
    assert [said["reply"] for said in scene.out.of("speech-resumed")] == ["opener"]
    opener = sum(s["duration_s"] for s in scene.out.of("speech") if s["reply"] == "opener")
    began = scene.out.when("bot-started-speaking") - scene.out.when("speech-resumed")
    assert began >= opener - scene.out.of("speech-resumed")[0]["at_s"] - 0.05
    assert scene.turns[-1].role == "assistant"


def test_a_mind_that_fails_is_apologised_for_and_the_time_is_not_to_be_paid() -> None:
    async def play(scene: Talk) -> None:
        await scene.phrases.prepare(scene.speaker)
        await scene.says(then_s=9)

    scene = talk(ScriptedCrew(heard=["Why?"], thinking_fails=True, think_s=2.0), play)
    assert scene.out.of("error")[0]["code"] == "reply_failed"
    assert APOLOGY["en"] in [e["text"] for e in scene.out.of("speech")]
    assert 1.0 < scene.dialogue.dead_s < 2.5


def test_after_a_failure_it_answers_again() -> None:
    async def play(scene: Talk) -> None:
        await scene.says(then_s=3)
        scene.crew.thinking_fails = False
        await scene.says(then_s=8)

    scene = talk(ScriptedCrew(heard=["Why?"], thinking_fails=True), play)
    assert scene.turns[-1].role == "assistant"


def test_typed_text_is_answered_and_interrupts() -> None:
    async def play(scene: Talk) -> None:
        scene.dialogue.say("One two three four five six seven eight nine ten.")
        await scene.sound(2.0, loud=False)
        scene.dialogue.type("What about tea?")
        await scene.sound(6.0, loud=False)

    scene = talk(ScriptedCrew(heard=[""]), play)
    assert [t.role for t in scene.turns] == ["assistant", "user", "assistant"]
    assert scene.turns[0].interrupted


def test_what_is_to_be_said_exactly_is_said_exactly() -> None:
    async def play(scene: Talk) -> None:
        scene.dialogue.say("Welcome to the tea house.")
        await scene.sound(4.0, loud=False)

    crew = ScriptedCrew(heard=[""])
    scene = talk(crew, play)
    assert scene.turns[-1].text == "Welcome to the tea house."
    assert not crew.asked


def test_while_the_button_is_down_a_pause_ends_nothing() -> None:
    async def play(scene: Talk) -> None:
        await scene.dialogue.press(True)
        await scene.says(1.0, then_s=3.0)
        assert not scene.turns
        await scene.sound(0.5, loud=True)
        await scene.dialogue.press(False)
        await scene.sound(6.0, loud=False)

    scene = talk(ScriptedCrew(heard=["I was thinking, about tea."]), play)
    assert [t.role for t in scene.turns] == ["user", "assistant"]


def test_who_talks_by_button_is_not_heard_without_it() -> None:
    async def play(scene: Talk) -> None:
        await scene.dialogue.by_button(True)
        await scene.says(1.0, then_s=4.0)
        assert not scene.turns
        await scene.dialogue.press(True)
        await scene.sound(1.0, loud=True)
        await scene.dialogue.press(False)
        await scene.sound(6.0, loud=False)

    scene = talk(ScriptedCrew(heard=["I like tea."]), play)
    assert [t.role for t in scene.turns] == ["user", "assistant"]


def test_a_reply_has_no_gap_when_the_voice_is_slow() -> None:
    async def play(scene: Talk) -> None:
        await scene.says(then_s=14)

    answer = "I like the quiet of the rain. It falls on the roof all night. And then it stops."
    crew = ScriptedCrew(heard=["Why?"], answers=[answer], rate=1.5, speak_s=0.4)
    scene = talk(crew, play)
    sent = scene.out.sound
    began, total = sent[0][0], 0.0
    late = 0.0
    for at, length in sent:
        late = max(late, at - began - total)
        total += length
    assert late <= 0.25


def test_a_hundred_interruptions_later_it_still_answers() -> None:
    async def play(scene: Talk) -> None:
        for number in range(100):
            await scene.says(0.3 + (number * 7 % 10) / 10, then_s=(number * 13 % 20) / 10)
        await scene.sound(12.0, loud=False)
        before = len(scene.turns)
        await scene.says(1.0, then_s=10)
        assert len(scene.turns) >= before + 2

    scene = talk(ScriptedCrew(heard=["I like tea."]), play)
    assert scene.turns[-1].text == "That is nice. Tell me more about it."
    assert not scene.turns[-1].interrupted


class DeafCrew(ScriptedCrew):
    """Recognition that breaks in a way that nobody thought of."""

    async def hear(self, samples: Samples, language: Language) -> str:
        if self.heard:
            return await super().hear(samples, language)
        raise RuntimeError("the model broke")


def test_whatever_recognition_fails_with_who_was_held_goes_on() -> None:
    async def play(scene: Talk) -> None:
        await scene.says(then_s=2.2)
        scene.crew.heard.clear()
        await scene.says(0.6, then_s=10)

    answer = "Oh, there are many kinds of it in the shops of this town."
    scene = talk(DeafCrew(heard=["I like tea."], answers=[answer]), play)
    assert scene.out.of("speech-paused")
    assert scene.out.of("error")[0]["code"] == "not_heard"
    assert scene.turns[-1].text == answer


def test_who_hangs_up_while_an_answer_is_thought_of_keeps_no_engine_at_work() -> None:
    async def play(scene: Talk) -> None:
        await scene.says(1.0, then_s=0.42)

    crew = ScriptedCrew(heard=["I like"], hear_s=0.05, think_s=30.0)
    talk(crew, play)
    assert crew.asked
    assert crew.closed == len(crew.asked)


def test_an_answer_waits_for_who_began_to_speak_again() -> None:
    async def play(scene: Talk) -> None:
        await scene.says(1.0, then_s=1.35)
        await scene.sound(2.5, loud=True)
        assert not scene.out.of("bot-started-speaking")
        await scene.sound(8.0, loud=False)

    scene = talk(ScriptedCrew(heard=["I like", "I like tea."], hear_s=1.5), play)
    assert scene.turns[-1].role == "assistant"


def test_what_cannot_be_written_down_is_left_out() -> None:
    async def play(scene: Talk) -> None:
        scene.dialogue.type("I like \ud800tea.\0")
        await scene.sound(4.0, loud=False)

    scene = talk(ScriptedCrew(heard=[""]), play)
    assert scene.turns[0].text == "I like tea."
