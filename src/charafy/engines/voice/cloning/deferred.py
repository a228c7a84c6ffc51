"""A cloner that is loaded when it is first needed: its models take a second."""

from __future__ import annotations

import threading
from collections.abc import Callable

from charafy.engines.voice.cloning import Clone, Cloner, Method, Progress, Reference


class DeferredCloner:
    """A `Cloner` whose clones are kept nowhere but in their files. Thread-safe."""

    def __init__(
        self, load: Callable[[], Cloner], *, method: Method = "matching", refines: bool = False
    ) -> None:
        """`load` may take seconds and raise `CloningFailed`; the next clone then tries again."""
        self._load = load
        self._method: Method = method
        self._refines = refines
        self._lock = threading.Lock()
        self._cloner: Cloner | None = None

    @property
    def method(self) -> Method:
        return self._method

    @property
    def refines(self) -> bool:
        return self._refines

    def clone(self, reference: Reference, name: str, progress: Progress) -> Clone:
        """See `Cloner.clone`."""
        return self._ready().clone(reference, name, progress)

    def refine(self, reference: Reference, clone: Clone, progress: Progress) -> Clone | None:
        """See `Cloner.refine`."""
        return self._ready().refine(reference, clone, progress)

    def forget(self, data: bytes) -> None:
        """See `Cloner.forget`: there is nothing but the file."""

    def _ready(self) -> Cloner:
        with self._lock:
            if self._cloner is None:
                self._cloner = self._load()
            return self._cloner
