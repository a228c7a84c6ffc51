"""New voices come from one cloner, old ones are forgotten by the service that keeps them."""

from __future__ import annotations

import numpy as np
import pytest

from charafy.engines.voice.cloning import Clone, CloningFailed, Method, Progress, Reference
from charafy.engines.voice.cloning.chosen import ChosenCloner
from charafy.engines.voice.cloning.clonefile import pack

REFERENCE = Reference(np.zeros(24_000, np.float32), "en")


class Remembering:
    """A cloner that notes what it was to do."""

    def __init__(self, engine: str, method: Method = "cloning", *, refines: bool = False) -> None:
        self.engine = engine
        self.method = method
        self.refines = refines
        self.forgotten: list[bytes] = []

    def clone(self, reference: Reference, name: str, progress: Progress) -> Clone:
        progress(1.0)
        return Clone(pack(self.engine, {"name": name}), self.method, None)

    def refine(self, reference: Reference, clone: Clone, progress: Progress) -> Clone | None:
        return Clone(clone.data, clone.method, 0.8, refined=True) if self.refines else None

    def forget(self, data: bytes) -> None:
        self.forgotten.append(data)


def test_the_chosen_one_makes_and_refines_voices() -> None:
    chosen = Remembering("kokoro", "matching", refines=True)
    cloner = ChosenCloner(chosen, {"elevenlabs": Remembering("elevenlabs")})
    assert (cloner.method, cloner.refines) == ("matching", True)
    clone = cloner.clone(REFERENCE, "Mio", lambda _: None)
    assert clone.data == pack("kokoro", {"name": "Mio"})
    better = cloner.refine(REFERENCE, clone, lambda _: None)
    assert better is not None
    assert better.refined


def test_a_voice_is_forgotten_by_who_keeps_it() -> None:
    chosen, other = Remembering("openai"), Remembering("elevenlabs")
    cloner = ChosenCloner(chosen, {"openai": chosen, "elevenlabs": other})
    data = pack("elevenlabs", {"voice_id": "x"})
    cloner.forget(data)
    assert (chosen.forgotten, other.forgotten) == ([], [data])


@pytest.mark.parametrize(
    "data",
    [
        pack("kokoro", {"style": "..."}),
        pack("scripted", {}),
        pack("openai", {"audio": "AAAA"}),
        b"damaged",
    ],
)
def test_what_is_kept_nowhere_else_needs_nobody(data: bytes) -> None:
    ChosenCloner(Remembering("kokoro"), {}).forget(data)


def test_a_voice_whose_keeper_is_gone_can_not_be_forgotten() -> None:
    with pytest.raises(CloningFailed, match="not set up"):
        ChosenCloner(Remembering("kokoro"), {}).forget(pack("elevenlabs", {"voice_id": "x"}))
