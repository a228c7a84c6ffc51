"""What conversations leave behind: objects that hold each other, and native things by them.

Each connection has codecs and resamplers with threads of their own, as many as the machine has
cores. They end when their objects are freed; those lie in cycles, and Python looks for cycles among
what is old only when a quarter as much again has become old: after some thirty conversations.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Collection

import structlog

log = structlog.get_logger("charafy.talk")


class Leftovers:
    """Frees them soon after their conversation. Of one process; on its event loop."""

    def __init__(self) -> None:
        self._known: frozenset[str] = frozenset()
        self._ended = True
        """Something has ended, or begun to live for good, since cycles were looked for."""

    def sweep(self, live: Collection[str]) -> None:
        """To be called now and then with the names of what is there.

        What ended is looked for at the next call, when it has let go of everything. With nobody
        there all that lives is kept out of later searches, models and libraries: so that a search
        while somebody is spoken to takes milliseconds.
        """
        now = frozenset(live)
        ended, self._ended = self._ended, bool(self._known - now)
        self._known = now
        if not ended:
            return
        began_s = time.perf_counter()
        if not now:
            gc.unfreeze()
        found = gc.collect()
        if not now:
            gc.freeze()
        took_ms = round((time.perf_counter() - began_s) * 1000, 1)
        log.debug("leftovers", found=found, ms=took_ms, live=len(now))
