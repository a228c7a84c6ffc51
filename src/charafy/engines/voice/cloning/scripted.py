"""SCRIPTED, NOT A CLONER: it copies nobody. For load tests, money tests and tests of the product.

A clone of it is a file that says "scripted": the scripted voice speaks with it in one tone, the
same for the same file. Nobody should ever hear it in earnest; nothing is measured, so `similarity`
is None.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable

from charafy.engines.voice.cloning import Clone, Method, Progress, Reference
from charafy.engines.voice.cloning.clonefile import pack

_STEPS = 10


class ScriptedCloner:
    """A `Cloner` that does what it is told to. Thread-safe; counts what it was asked."""

    def __init__(
        self,
        *,
        refines: bool = False,
        step: Callable[[], object] = lambda: None,
        fails: Callable[[], Exception | None] = lambda: None,
        refinement_fails: Callable[[], Exception | None] = lambda: None,
        forgetting_fails: Callable[[], Exception | None] = lambda: None,
        finds_better: bool = True,
    ) -> None:
        """`step` is called before each of the ten steps of a clone or a refinement: it may be slow
        or raise. `fails` and its like give the exception to raise, or None.
        """
        self._refines = refines
        self._step = step
        self._fails = fails
        self._refinement_fails = refinement_fails
        self._forgetting_fails = forgetting_fails
        self._finds_better = finds_better
        self._lock = threading.Lock()
        self._forgotten: list[bytes] = []

    @property
    def method(self) -> Method:
        return "matching"

    @property
    def refines(self) -> bool:
        return self._refines

    @property
    def forgotten(self) -> tuple[bytes, ...]:
        """The files that it was asked to forget, in order."""
        with self._lock:
            return tuple(self._forgotten)

    def clone(self, reference: Reference, name: str, progress: Progress) -> Clone:
        """See `Cloner.clone`. The same recording gives the same file."""
        del name
        self._work(progress)
        _raise(self._fails())
        sound = hashlib.sha256(reference.pcm.tobytes()).hexdigest()
        return Clone(pack("scripted", {"recording": sound}), self.method, None)

    def refine(self, reference: Reference, clone: Clone, progress: Progress) -> Clone | None:
        """See `Cloner.refine`."""
        self._work(progress)
        _raise(self._refinement_fails())
        if not self._finds_better:
            return None
        sound = hashlib.sha256(reference.pcm.tobytes() + clone.data).hexdigest()
        data = pack("scripted", {"recording": sound, "refined": True})
        return Clone(data, self.method, None, refined=True)

    def forget(self, data: bytes) -> None:
        """See `Cloner.forget`."""
        _raise(self._forgetting_fails())
        with self._lock:
            self._forgotten.append(data)

    def _work(self, progress: Progress) -> None:
        for done in range(_STEPS):
            self._step()
            progress(done / _STEPS)
        progress(1.0)


def _raise(error: Exception | None) -> None:
    if error is not None:
        raise error
