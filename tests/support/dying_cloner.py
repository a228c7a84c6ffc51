"""Processes that kill themselves in the middle of a clone or of a refinement, as `kill -9` would.

python -m tests.support.dying_cloner clone while-cloning KEY     an API that is sent one clone
python -m tests.support.dying_cloner refine dying                a worker
python -m tests.support.dying_cloner refine living               a worker that doesn't
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from fastapi.testclient import TestClient

from charafy.app import build_app
from charafy.engines.voice.cloning.scripted import ScriptedCloner
from charafy.house import build_house
from charafy.kernel.observe import configure_logs
from charafy.kernel.settings import Settings
from charafy.voices import queries
from charafy.voices.making import Making
from charafy.worker import run
from tests.support import recordings

POINTS = ("while-cloning", "before-files", "after-files", "before-commit", "after-commit")
IDEMPOTENCY_KEY = "the-same"


def die(*_arguments: Any, **_fields: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def clone(point: str, key: str) -> None:
    cloner = ScriptedCloner(refines=True, step=die if point == "while-cloning" else list)
    if point == "before-files":
        Making.make = die  # type: ignore[method-assign]
    elif point == "after-files":
        queries.insert = die
    elif point == "before-commit":
        queries.keep_consent = die
    house = build_house(Settings(), cloner=cloner)
    TestClient(build_app(house), base_url=house.settings.base_url).post(
        "/api/v1/voice/clone",
        files={"audio": ("voice.flac", recordings.speech())},
        data={"name": "My Voice", "language": "en", "consent": "Yes."},
        headers={"x-api-key": key, "Idempotency-Key": IDEMPOTENCY_KEY},
    )
    die()


def refine(how: str) -> None:
    cloner = ScriptedCloner(refines=True, step=die if how == "dying" else list)
    settings = Settings()
    configure_logs("error", settings.log_format)
    run(build_house(settings, cloner=cloner), supervised=False)


if __name__ == "__main__":
    if sys.argv[1] == "clone":
        clone(*sys.argv[2:])
    else:
        refine(*sys.argv[2:])
