"""One cloner among several: it makes new voices, those that were made before are everybody's."""

from __future__ import annotations

from collections.abc import Mapping

from charafy.engines.voice.cloning import Clone, Cloner, CloningFailed, Method, Progress, Reference
from charafy.engines.voice.cloning.clonefile import BadClone, unpack
from charafy.engines.voice.router import LOCAL


class ChosenCloner:
    """A `Cloner` that clones with `chosen` and has each voice forgotten by who keeps it."""

    def __init__(self, chosen: Cloner, remote: Mapping[str, Cloner]) -> None:
        """`remote`: those of services that are set up, by engine."""
        self._chosen = chosen
        self._remote = dict(remote)

    @property
    def method(self) -> Method:
        return self._chosen.method

    @property
    def refines(self) -> bool:
        return self._chosen.refines

    def clone(self, reference: Reference, name: str, progress: Progress) -> Clone:
        """See `Cloner.clone`."""
        return self._chosen.clone(reference, name, progress)

    def refine(self, reference: Reference, clone: Clone, progress: Progress) -> Clone | None:
        """See `Cloner.refine`."""
        return self._chosen.refine(reference, clone, progress)

    def forget(self, data: bytes) -> None:
        """See `Cloner.forget`. Raises `CloningFailed` also when its service is not set up now."""
        try:
            engine, fields = unpack(data)
        except BadClone:
            return
        if engine in LOCAL or "audio" in fields:  # all there is of it is the file
            return
        if engine not in self._remote:
            raise CloningFailed("This voice is kept by a service that is not set up here.")
        self._remote[engine].forget(data)
