"""A real worker that kills itself at one point of one video, as `kill -9` there would.

    python -m tests.support.dying_worker after-film VIDEO_ID

Points: before-, during- and after- each of speak, film, store and settle; "during" is in the
middle of the film, "after" is before anything of the step is recorded.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from charafy.house import build_house
from charafy.kernel.migrate import migrate
from charafy.kernel.observe import configure_logs
from charafy.kernel.settings import Settings
from charafy.videos.making import Maker
from charafy.videos.models import Video
from charafy.worker import run


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def deadly(method: Callable[..., Any], when: str, video_id: str) -> Callable[..., Any]:
    """The step with a death in it. Its last argument is the tick, except for `settle`."""

    def step(self: Maker, video: Video, *arguments: Any) -> Any:
        if video.video_id != video_id:
            return method(self, video, *arguments)
        if when == "before":
            die()
        if when == "during":

            def tick(done: float) -> None:
                if done > 0.7:
                    die()

            arguments = (*arguments[:-1], tick)
        answer = method(self, video, *arguments)
        die()
        return answer

    return step


def main(point: str, video_id: str) -> None:
    when, _, name = point.partition("-")
    setattr(Maker, name, deadly(getattr(Maker, name), when, video_id))
    settings = Settings()
    configure_logs(settings.log_level, settings.log_format)
    house = build_house(settings)
    migrate(house.db)
    run(house, supervised=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
