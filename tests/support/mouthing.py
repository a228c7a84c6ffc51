"""Faces and voices for whoever watches a mouth move."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

import numpy as np

from charafy.engines.portrait import Pose
from charafy.engines.voice import SAMPLE_RATE, Language, Mark, SpeechChunk
from charafy.talk.faces import Yuv
from tests.support.talking import ScriptedCrew

BEAT_S = 1.0
SOUND = (0.3, 0.7)
"""Of each beat: when it sounds, and the mouth is open."""
SIZE = 64


class BeatingCrew(ScriptedCrew):
    """Says "ah" once in every second, four times in each clause."""

    beats = 4

    async def speak(
        self, text: str, voice: str, language: Language
    ) -> AsyncGenerator[SpeechChunk, None]:
        at = np.arange(int(BEAT_S * SAMPLE_RATE)) / SAMPLE_RATE
        begin, end = SOUND
        loud = (at > begin) & (at < end)
        pcm = (0.5 * np.sin(2 * np.pi * 200 * at) * loud).astype(np.float32)
        for number in range(self.beats):
            base = number * BEAT_S
            marks = (
                Mark("word", "ah", base, base + BEAT_S),
                Mark("phoneme", "ɑ", base + begin, base + end),
            )
            yield SpeechChunk(pcm, marks, 0)
            await asyncio.sleep(0.1)


@dataclass
class Lamp:
    """A face that is the brighter the more its mouth is open, and breaks when it is told."""

    broken: bool = False
    poses: list[Pose] = field(default_factory=list)

    def yuv(self, pose: Pose) -> Yuv:
        if self.broken:
            raise RuntimeError("the lamp is broken")
        self.poses.append(pose)
        picture = np.full((SIZE * 3 // 2, SIZE), 128, np.uint8)
        # Something to see around the mouth of a frame, and a rim that stays dark.
        picture[:SIZE] = 16
        picture[SIZE // 3 : SIZE * 3 // 4, SIZE // 4 : SIZE * 3 // 4] = 40 + int(180 * pose.open)
        return picture
