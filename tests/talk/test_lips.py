"""The mouth of a face that is drawn here follows what is heard, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from charafy.engines.voice import SAMPLE_RATE, Mark, SpeechChunk
from charafy.talk.lips import Lips
from charafy.talk.playout import Playout

OPEN = 0.3
SHUT = 0.1


class Session:
    """Sound of which each second says "ah" from 0.3 to 0.7 s, and a face that follows it."""

    def __init__(self) -> None:
        self.now_s = 5_000.0
        self.lips = Lips(lambda: self.now_s, seed=1, language="en")
        self.playout = Playout()
        self.playing: Playout | None = None

    def made(self, seconds: int = 1) -> None:
        base = self.playout.made_s
        marks = tuple(Mark("phoneme", "ɑ", second + 0.3, second + 0.7) for second in range(seconds))
        silence = np.zeros(seconds * SAMPLE_RATE, np.float32)
        self.playout.add(SpeechChunk(silence, marks, 0), base)

    def start(self) -> None:
        self.playout.start(self.now_s)
        self.playing = self.playout

    def passes(self, seconds: float) -> list[float]:
        """How far the mouth was open, 25 times a second."""
        seen = []
        for _ in range(round(seconds * 25)):
            self.now_s += 0.04
            self.playout.due(self.now_s)
            self.lips.follow(self.playing)
            seen.append(self.lips.pose(self.now_s).open)
        return seen


@pytest.fixture
def session() -> Session:
    return Session()


def test_the_mouth_is_open_while_it_sounds_and_shut_between(session: Session) -> None:
    session.made(3)
    session.start()
    seen = session.passes(3.0)
    for second in range(3):
        sounding, silent = seen[25 * second + 11 : 25 * second + 16], seen[25 * second]
        assert min(sounding) > OPEN
        assert silent < SHUT


def test_who_says_nothing_keeps_the_mouth_shut_and_blinks(session: Session) -> None:
    shut = []
    for _ in range(20 * 25):
        session.now_s += 0.04
        session.lips.follow(None)
        pose = session.lips.pose(session.now_s)
        assert pose.open < SHUT
        shut.append(pose.blink_left)
    assert max(shut) > 0.9
    assert min(shut) < 0.1


def test_a_pause_shuts_the_mouth_in_the_middle_of_a_sound(session: Session) -> None:
    session.made(2)
    session.start()
    assert session.passes(0.48)[-1] > OPEN
    session.playing = None
    assert session.passes(0.4)[-1] < SHUT
    assert max(session.passes(1.0)) < SHUT


def test_what_goes_on_after_a_pause_is_seen_when_it_is_heard(session: Session) -> None:
    session.made(2)
    session.start()
    session.passes(0.8)
    session.playout.pause(session.now_s)
    session.playing = None
    assert max(session.passes(2.0)[10:]) < SHUT
    session.playout.resume(session.now_s)
    session.playing = session.playout
    seen = session.passes(1.2)
    # It was handed on 60 ms ahead before the pause: 0.14 s are left of the first second.
    assert min(seen[14:18]) > OPEN
    assert seen[2] < SHUT
    assert seen[25] < SHUT


def test_sound_that_is_late_takes_the_mouth_with_it(session: Session) -> None:
    session.made(1)
    session.start()
    session.passes(2.0)  # for a second there is nothing to be heard
    session.made(1)
    seen = session.passes(1.0)
    assert min(seen[11:16]) > OPEN
    assert seen[0] < SHUT


def test_what_is_made_meanwhile_changes_nothing_of_what_is_being_said(session: Session) -> None:
    alone = Session()
    for one in (session, alone):
        one.made(1)
        one.start()
    first = session.passes(0.48)
    session.made(1)
    assert first + session.passes(0.16) == pytest.approx(alone.passes(0.64), abs=1e-6)


def test_a_long_conversation_makes_no_pose_slower(session: Session) -> None:
    for _ in range(60):
        session.playout = Playout()
        session.made(1)
        session.start()
        session.passes(1.0)
    assert len(session.lips._track.cues) < 30
