"""Whatever is heard, pressed and told: turns follow one another, and none waits for ever."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from charafy.engines.hearing import SAMPLE_RATE, Samples
from charafy.engines.hearing.turns import (
    Calmed,
    Ended,
    Heard,
    Hesitated,
    Resumed,
    Started,
    Stirred,
    TurnTaker,
)

FRAME = 512
FRAME_S = FRAME / SAMPLE_RATE
LONGEST_S = 4.0
LONGEST_WAIT_S = 1.3

PROBABILITIES = st.one_of(st.sampled_from([0.0, 0.35, 0.42, 0.5, 1.0]), st.floats(0, 1, width=32))
SOUNDS = st.tuples(PROBABILITIES, st.integers(1, 150))
"""How likely speech, and for how many frames."""
DEEDS = st.sampled_from(["press", "release", "complete", "incomplete"])
HAPPENINGS = st.lists(st.one_of(SOUNDS, SOUNDS, DEEDS), max_size=40)

Happening = tuple[float, int] | str


class ScriptedVad:
    """A scripted `VadStream`: a frame is as likely speech as its first sample says."""

    def feed(self, samples: Samples) -> NDArray[np.float32]:
        return samples[::FRAME]


@dataclass
class Conversation:
    """Somebody's sound and deeds, and what was made of them."""

    taker: TurnTaker = field(
        default_factory=lambda: TurnTaker(
            ScriptedVad(), incomplete_s=LONGEST_WAIT_S, longest_s=LONGEST_S
        )
    )
    sound: list[Samples] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)

    def happens(self, happening: Happening) -> None:
        match happening:
            case "press":
                self.heard += self.taker.press()
            case "release":
                self.heard += self.taker.release()
            case "complete" | "incomplete":
                self.taker.expect(happening == "complete")
            case (float(probability), int(frames)):
                # No two frames are the same, so that it shows which of them a turn holds.
                slope = np.linspace(0, 1e-3, FRAME, dtype=np.float32)
                for _ in range(frames):
                    self.sound.append(slope * len(self.sound) + np.float32(probability))
                    self.heard += self.taker.feed(self.sound[-1])

    @property
    def now_s(self) -> float:
        return len(self.sound) * FRAME_S


def after(happenings: list[Happening]) -> Conversation:
    conversation = Conversation()
    for happening in happenings:
        conversation.happens(happening)
    return conversation


@given(HAPPENINGS)
@example([(1.0, 3), (0.0, 10), (1.0, 1), (0.0, 150)])
@example(["press", (0.0, 150), "release", (1.0, 150), "press", (1.0, 150), "release"])
@settings(deadline=None, max_examples=150)
def test_turns_begin_and_end_in_turn(happenings: list[Happening]) -> None:
    heard = after(happenings).heard
    edges = [one for one in heard if isinstance(one, Started | Ended)]
    assert all(isinstance(one, Started) for one in edges[::2])
    assert all(isinstance(one, Ended) for one in edges[1::2])
    assert [one.at_s for one in heard] == sorted(one.at_s for one in heard)


@given(HAPPENINGS)
@settings(deadline=None, max_examples=150)
def test_pauses_lie_within_turns_and_are_left_once(happenings: list[Happening]) -> None:
    speaking = hesitating = False
    for one in after(happenings).heard:
        match one:
            case Started() | Ended():
                speaking, hesitating = isinstance(one, Started), False
            case Hesitated():
                assert speaking and not hesitating
                hesitating = True
            case Resumed():
                assert hesitating
                hesitating = False


@given(HAPPENINGS)
@example([(1.0, 2), "press", (0.0, 5), "release", (1.0, 2), (0.0, 1)])
@settings(deadline=None, max_examples=150)
def test_a_sign_is_followed_by_a_turn_or_taken_back(happenings: list[Happening]) -> None:
    heard = after([*happenings, "release", (0.0, 1)]).heard
    for one, following in zip(heard, [*heard[1:], None], strict=False):
        if isinstance(one, Stirred):
            assert isinstance(following, Started | Calmed)
        if isinstance(following, Calmed):
            assert isinstance(one, Stirred)


@given(HAPPENINGS)
@example([(1.0, 150), (0.0, 150)])
@example(["press", (0.0, 150), (0.0, 150)])
@settings(deadline=None, max_examples=150)
def test_no_turn_is_longer_than_the_longest(happenings: list[Happening]) -> None:
    conversation = after(happenings)
    began_s: float | None = None
    for one in conversation.heard:
        if isinstance(one, Started):
            began_s = one.at_s
        elif isinstance(one, Ended) and began_s is not None:
            assert one.at_s - began_s <= LONGEST_S + FRAME_S
            assert len(one.samples) / SAMPLE_RATE <= LONGEST_S + FRAME_S
            assert one.speech_s <= len(one.samples) / SAMPLE_RATE + 1e-6
            began_s = None
    if began_s is not None:
        assert conversation.now_s - began_s <= LONGEST_S + FRAME_S


@given(HAPPENINGS, st.booleans())
@settings(deadline=None, max_examples=150)
def test_silence_ends_what_no_button_holds(happenings: list[Happening], told: bool) -> None:
    conversation = after([*happenings, "release"])
    before = len(conversation.heard)
    conversation.taker.expect(told)
    conversation.happens((0.0, int(LONGEST_WAIT_S / FRAME_S) + 2))
    edges = [one for one in conversation.heard if isinstance(one, Started | Ended)]
    assert not edges or isinstance(edges[-1], Ended)
    assert not any(isinstance(one, Started) for one in conversation.heard[before:])


@given(HAPPENINGS)
@settings(deadline=None, max_examples=150)
def test_what_a_turn_holds_was_said_without_a_gap(happenings: list[Happening]) -> None:
    conversation = after(happenings)
    sound = np.concatenate([np.zeros(0, np.float32), *conversation.sound])
    said_until = 0
    for one in conversation.heard:
        if isinstance(one, Ended) and len(one.samples):
            held = len(one.samples)
            ends = [
                end
                for end in range(said_until + held, round(one.at_s * SAMPLE_RATE) + 1, FRAME)
                if np.array_equal(sound[end - held : end], one.samples)
            ]
            assert ends
            said_until = ends[0]
