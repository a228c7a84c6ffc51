"""Live conversation as somebody has it: recorded people speak into headless Chromium, and what
comes out of it is listened to.

Every figure is from sound to sound on one clock, and so holds both ways over WebRTC, Opus and the
buffers against jitter at both ends; browser and server share this machine. The stages are as the
server counts them, which hears that somebody is silent about 0.2 s after they are.

Environment: BENCH_TURNS (20), BENCH_INTERRUPTIONS (10), BENCH_LANGUAGES (en,ja),
BENCH_RENDER (client or server), BENCH_LLM (embedded, or remote: canned answers of a service that is
as quick as hosted models are). Settings of the server (CHARAFY_LLM_...) reach it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import numpy as np

from bench.calling import PATIENCE_S, Call, Said, calling, said_by_people, serving
from bench.heard_turns import BLOCK_S, Turn, gaps, summary
from bench.remote_mind import answering
from charafy.engines.voice import Language
from tests.support.visitor import NotHeard

CONNECTS: Final = 5
AIMS: Final = {
    "first_sound_p50_s": 1.0,
    "first_content_p50_s": 2.0,
    "first_content_p95_s": 3.0,
    "gaps": 0.0,
    "interruption_p50_s": 0.2,
}
REMOTE_AIMS: Final = {"first_content_p50_s": 1.3}
_IDLE_S: Final = 8.0
_HOPELESS: Final = 3
_OVER_S: Final = 1.2
"""A reply is interrupted when so much of it was heard."""
_CLIP_S: Final = 2.0
_LONG: Final[dict[Language, str]] = {
    "en": "Let me tell you about a garden behind an old temple, where a quiet stream runs under "
    "wooden bridges, and where people come in spring to sit beneath the trees and drink tea, and "
    "in autumn to watch the leaves turn red over the water.",
    "ja": "古いお寺の裏にある庭の話をしましょう。静かな小川が木の橋の下を流れていて、春には人々が"
    "木の下に座ってお茶を飲み、秋には水の上で赤く染まる葉を眺めに来ます。",
}
_INTERRUPT: Final = "() => { const at = visitor.now(); talk.interrupt(); return at; }"

T = TypeVar("T")


@dataclass(slots=True)
class Cpu:
    """Seconds of conversation, and CPU-seconds spent meanwhile, by what went on."""

    sums: dict[str, list[float]] = field(default_factory=dict)

    def add(self, what: str, call: Call, begin: float, end: float) -> None:
        if end <= begin:
            return
        spent = call.spent.between(begin, end)
        sums = self.sums.setdefault(what, [0.0, 0.0, 0.0])
        for index, value in enumerate((end - begin, *spent)):
            sums[index] += value

    def figures(self) -> dict[str, dict[str, float]]:
        """CPU-seconds per second."""
        return {
            what: {
                "talk_process": round(talk / seconds, 2),
                "browser": round(browser / seconds, 2),
            }
            for what, (seconds, talk, browser) in self.sums.items()
        }


def run() -> dict[str, Any]:
    """By language; what failed is counted and named, and the rest goes on."""
    turns = int(os.environ.get("BENCH_TURNS", "20"))
    interruptions = int(os.environ.get("BENCH_INTERRUPTIONS", "10"))
    wanted = os.environ.get("BENCH_LANGUAGES", "en,ja").split(",")
    languages: tuple[Language, ...] = ("en", "ja")
    said = {one: said_by_people(one, turns) for one in languages if one in wanted}
    llm = os.environ.get("BENCH_LLM", "embedded")
    figures: dict[str, Any] = {"render": os.environ.get("BENCH_RENDER", "client"), "llm": llm}
    with (
        _mind(llm) as settings,
        serving(**settings) as server,
        calling(server) as call,
    ):
        for language, sayings in said.items():
            figures[language] = _measured(call, language, sayings, interruptions)
    return figures


def _mind(llm: str) -> AbstractContextManager[dict[str, str]]:
    """The settings of who thinks."""
    return answering() if llm == "remote" else nullcontext({})


def _measured(
    call: Call, language: Language, said: Sequence[Said], interruptions: int
) -> dict[str, Any]:
    failures: list[str] = []
    cpu = Cpu()
    connected = _each(CONNECTS, lambda _: _connected(call, language), failures)
    _each(1, lambda _: _idle(call, cpu), failures)
    drift = call.visitor.drift
    turns = _each(len(said), lambda number: _turn(call, language, said[number], cpu), failures)
    clip = Said(said[0].pcm[: int(_CLIP_S * 24_000)], human=said[0].human)
    stopped = _each(interruptions, lambda _: _interruption(call, language, clip), failures)
    whole = [turn for turn in turns if turn is not None]
    figures = {
        "turns": len(whole),
        "turns_cut_apart": len(turns) - len(whole),
        "failed": len(failures),
        "failures": "; ".join(dict.fromkeys(failures)),
        **_quantiles("connect", connected),
        **summary(whole),
        "interruptions": len(stopped),
        **_quantiles("interruption", [voice for voice, _ in stopped]),
        **_quantiles("interruption_by_button", [button for _, button in stopped]),
        "clock_drift_s": round(call.visitor.drift - drift, 3),
    }
    return {**figures, "aims": _aims(figures), "cpu_per_s": cpu.figures()}


def _each(times: int, do: Callable[[int], T], failures: list[str]) -> list[T]:
    """What it came to each time. A failure is kept in words, and the next is tried all the same,
    unless it failed three times in a row."""
    found: list[T] = []
    in_a_row = 0
    for number in range(times):
        if in_a_row == _HOPELESS:
            failures.append(f"{times - number} more were not tried")
            break
        try:
            found.append(do(number))
            in_a_row = 0
        except Exception as error:  # noqa: BLE001 - one bad turn must not cost the other figures
            in_a_row += 1
            failures.append(f"{type(error).__name__}: {str(error).splitlines()[0][:200]}")
            print(f"  failed: {failures[-1]}", file=sys.stderr, flush=True)
    return found


def _connected(call: Call, language: Language) -> float:
    since = len(call.visitor.messages)
    took = call.connect(language)
    call.greeted(since)
    return took


def _idle(call: Call, cpu: Cpu) -> None:
    # What is made ready while the greeting is heard isn't what an idle session costs.
    call.visitor.wait(12.0)
    begin = call.visitor.now
    call.visitor.wait(_IDLE_S)
    cpu.add("idle", call, begin, call.visitor.now)


def _again(call: Call, language: Language) -> None:
    """Whoever was hung up on calls once more."""
    if call.visitor.tab.evaluate("() => talk.state === 'ended'"):
        _connected(call, language)


def _turn(call: Call, language: Language, said: Said, cpu: Cpu) -> Turn | None:
    """None when the character spoke before all was said."""
    _again(call, language)
    visitor, since = call.visitor, len(call.visitor.messages)
    begin, end = visitor.say(said.pcm)
    visitor.until(lambda: visitor.now > end, len(said.pcm) / 24_000 + 5, "the end of the turn")
    visitor.until(lambda: _answered(call, since, end), PATIENCE_S, "an answer")
    if len(visitor.loud(begin, end)):
        return None
    reply = visitor.told("bot-started-speaking", since)[-1].data["reply"]
    pieces = visitor.told("speech", since, reply=reply)
    playout: float = visitor.tab.evaluate("() => talk.network.playout_s")
    sound = visitor.loud(end)
    content = visitor.loud(max(end, pieces[0].at + playout - 0.03))
    before = sound[sound < content[0]]
    measured = visitor.told("metrics", since)
    turn = Turn(
        first_sound=float(sound[0]) - end,
        first_content=float(content[0]) - end,
        opener=bool(visitor.told("speech", since, reply="opener")) and len(before) > 0,
        opener_pause=float(content[0] - before[-1] - BLOCK_S) if len(before) else 0.0,
        gaps=gaps(content, [piece.data for piece in pieces]),
        told_gaps=tuple(measured[-1].data.get("gaps_s", ())) if measured else (),
        stages=dict(measured[-1].data["stages"]) if measured else {},
        human=said.human,
        said=(begin, end),
        heard=(float(sound[0]), float(sound[-1]) + BLOCK_S),
    )
    cpu.add("listening", call, *turn.said)
    cpu.add("answering", call, end, turn.heard[0])
    cpu.add("speaking", call, *turn.heard)
    return turn


def _answered(call: Call, since: int, end: float) -> bool:
    """The last reply was heard to its end."""
    over = call.visitor.told("speech-ended", since, interrupted=False)
    if any(error.data["code"] == "reply_failed" for error in call.visitor.told("error", since)):
        raise NotHeard("the character could not answer")
    return bool(over) and over[-1].at > end and call.visitor.silent_for(0.6)


def _interruption(call: Call, language: Language, clip: Said) -> tuple[float, float]:
    """Seconds from the first sound of somebody's voice, and from a click, to silence."""
    _again(call, language)
    visitor, since = call.visitor, len(call.visitor.messages)
    visitor.tab.evaluate("(text) => talk.say(text)", _LONG[language])
    first = visitor.wait_for("speech", PATIENCE_S, since).at
    visitor.until(lambda: visitor.now - first > _OVER_S and len(visitor.loud(first)) > 50, 10)
    begin, _ = visitor.say(clip.pcm)
    hushed = visitor.wait_for("speech-paused", 5.0, since).at
    visitor.wait(0.7)
    by_voice = _last(call, begin, hushed + 0.6)
    answer = visitor.wait_for("bot-started-speaking", PATIENCE_S, len(visitor.messages)).at
    visitor.until(lambda: len(visitor.loud(answer)) > 30, 10, "the answer's sound")
    clicked: float = visitor.tab.evaluate(_INTERRUPT)
    visitor.wait(1.0)
    by_button = _last(call, clicked, clicked + 0.9)
    visitor.until(lambda: visitor.silent_for(0.6), PATIENCE_S, "silence")
    return by_voice, by_button


def _last(call: Call, begin: float, end: float) -> float:
    """Seconds from `begin` to the last that was heard before `end`."""
    loud = call.visitor.loud(begin, end)
    return float(loud[-1]) + BLOCK_S - begin if len(loud) else 0.0


def _quantiles(name: str, values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {}
    return {f"{name}_p{q}_s": round(float(np.percentile(values, q)), 2) for q in (50, 95)}


def _aims(figures: dict[str, Any]) -> dict[str, str]:
    aims = AIMS | (REMOTE_AIMS if os.environ.get("BENCH_LLM") == "remote" else {})
    return {
        name: f"{figures[name]:g} of {aim:g}: {'met' if figures[name] <= aim else 'missed'}"
        for name, aim in aims.items()
        if name in figures
    }
