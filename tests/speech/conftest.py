"""The speech feature, ready to be asked."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from charafy.kernel.db import Database
from charafy.kernel.settings import Plan, Settings
from tests.support.clock import ManualClock
from tests.support.speech import MakeStage, Stage, build
from tests.support.voices import WatchedVoice


@pytest.fixture
def make_stage(db: Database, clock: ManualClock, settings: Settings) -> Iterator[MakeStage]:
    with contextlib.ExitStack() as stack:

        def make(voice: WatchedVoice | None = None, *, concurrent: int = 8) -> Stage:
            voice = voice or WatchedVoice()
            plans = {"standard": Plan(concurrent_speech=concurrent)}
            changed = settings.model_copy(update={"plans": plans, "voice_concurrency": 2})
            stage = build(db, clock, changed, voice)
            stack.callback(stage.speech.close)
            stack.callback(voice.open)
            stack.enter_context(stage.client)
            return stage

        yield make


@pytest.fixture
def stage(make_stage: MakeStage) -> Stage:
    return make_stage()
