"""Finding: where the face is in a picture, what kind of picture it is, what stands in its way."""

from charafy.engines.portrait.finding.finder import Finder

__all__ = ["Finder"]
