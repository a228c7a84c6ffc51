"""Nobody says anything for minutes, or something hums: nothing is answered, and it may end."""

from __future__ import annotations

from charafy.talk.dialogue import HEAR_S
from tests.support.talking import ScriptedCrew, Talk
from tests.support.virtual_time import run


def test_minutes_of_silence_are_no_turn_and_no_activity_and_then_it_answers() -> None:
    async def main() -> None:
        talk = Talk(ScriptedCrew(heard=["Are you there?"]))
        began = talk.dialogue.active_s
        await talk.sound(300.0, loud=False)
        assert talk.turns == []
        assert talk.out.events == []
        assert talk.dialogue.active_s == began
        await talk.says(then_s=8)
        assert [turn.role for turn in talk.turns] == ["user", "assistant"]
        await talk.close()

    run(main())


def test_minutes_of_noise_are_no_turn_and_no_activity_and_then_it_answers() -> None:
    async def main() -> None:
        talk = Talk(ScriptedCrew(heard=[""]))
        began = talk.dialogue.active_s
        for _ in range(40):
            await talk.says(0.6, then_s=4.0)
            assert talk.dialogue.active_s == began
        assert talk.turns == []
        assert talk.out.of("bot-started-speaking") == []
        talk.crew.heard = ["Are you there?"]
        await talk.says(then_s=8)
        assert [turn.role for turn in talk.turns] == ["user", "assistant"]
        assert talk.dialogue.active_s > began + 160
        await talk.close()

    run(main())


def test_who_speaks_for_a_minute_is_not_idle_meanwhile() -> None:
    async def main() -> None:
        talk = Talk(ScriptedCrew(heard=["It is a long story."]))
        for _ in range(60):
            await talk.sound(1.0, loud=True)
            assert talk.now() - talk.dialogue.active_s <= 30.0 + HEAR_S
        await talk.close()

    run(main())
