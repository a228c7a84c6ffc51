"""Pictures are examined and baked in a child process; this is the door to it."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Protocol, cast

from charafy.avatars.pictures import Baked, Examined
from charafy.avatars.workshop import FACTORY
from charafy.characters.service import Placement
from charafy.engines.portrait import Anchors, Framing, Kind
from charafy.engines.weights import Store, WeightsUnavailable
from charafy.kernel.aside import GIB, Aside
from charafy.kernel.errors import UpstreamFailed

MODEL: Final = "portrait"
TIMEOUT_S: Final = 60.0
"""Of one picture, the child's own start included; it takes 1-3 s on an idle core."""
MEMORY_BYTES: Final = 3 * GIB
"""Of address space: the largest photo in the largest frame takes 1.3 GB of it, 0.8 GB of memory."""


class Bakery(Protocol):
    """Makes avatars out of photos as they are kept (JPEG or PNG, upright)."""

    def examine(self, photo: bytes, placement: Placement) -> Examined: ...

    def bake(
        self, photo: bytes, placement: Placement, framing: Framing, *, with_sprites: bool
    ) -> Baked: ...

    def processes(self) -> list[int]: ...

    def close(self) -> None: ...


class AsideBakery:
    """A bakery in a child process. Thread-safe. Every call may raise `WorkFailed` (it crashed or
    took too long), `TooManyRequests` (others wait already) and `UpstreamFailed` (no models).
    """

    def __init__(self, store: Store, folder: Path) -> None:
        """`folder` is where `store` keeps the models."""
        self._store = store
        self._aside = Aside(FACTORY, folder, what="The avatar", memory_bytes=MEMORY_BYTES)

    def examine(self, photo: bytes, placement: Placement) -> Examined:
        return cast(Examined, self._call("examine", photo, *_said(placement)))

    def bake(
        self, photo: bytes, placement: Placement, framing: Framing, *, with_sprites: bool
    ) -> Baked:
        said = _said(placement)
        return cast(Baked, self._call("bake", photo, *said, framing, with_sprites))

    def processes(self) -> list[int]:
        return self._aside.processes()

    def close(self) -> None:
        self._aside.close()

    def _call(self, method: str, *arguments: object) -> object:
        try:
            self._store.ensure(MODEL)
        except WeightsUnavailable:
            raise UpstreamFailed(
                "The models that find faces are not on this server yet: its operator can fetch "
                "them with `charafy models pull`."
            ) from None
        return self._aside.call(method, *arguments, timeout_s=TIMEOUT_S)


def _said(placement: Placement) -> tuple[Kind | None, Anchors | None]:
    """The placement in the engine's own words: the child needs nothing of the product."""
    kind = None if placement.kind == "auto" else Kind(placement.kind)
    return kind, placement.anchors
