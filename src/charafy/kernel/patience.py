"""Waiting at a start for what is started at the same time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import structlog

from charafy.kernel.refused import StartRefused

log = structlog.get_logger("charafy.start")

LOOK_S: Final = 2.0


def patiently(
    look: Callable[[], object],
    wait_s: float,
    *,
    sleep: Callable[[float], object] = time.sleep,
    monotonic: Callable[[], float] = time.monotonic,
) -> None:
    """Call `look` until it does not refuse; after `wait_s` seconds raise its last `StartRefused`.

    Each refusal is logged: who looks at a start that hangs sees at once what it waits for.
    """
    until_s = monotonic() + wait_s
    while True:
        try:
            look()
        except StartRefused as error:
            left_s = until_s - monotonic()
            if left_s <= 0:
                raise
            log.warning("start_waits", why=str(error))
            sleep(min(LOOK_S, left_s))
        else:
            return
