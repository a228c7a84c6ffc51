"""What matching and refining fail with, told apart for whoever reads the log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from charafy.engines.voice.cloning import CloningFailed
from charafy.engines.voice.cloning.clonefile import BadClone


@contextmanager
def in_words_of_cloning() -> Iterator[None]:
    """What models fail with becomes `CloningFailed`."""
    try:
        yield
    except BadClone as error:
        raise CloningFailed("The clone, or what was found, is no voice.") from error
    except OSError as error:
        raise CloningFailed("A model that this takes is missing.") from error
    except ValueError as error:
        raise CloningFailed("A model that this takes is not as expected.") from error
