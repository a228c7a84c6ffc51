"""Voice matching: the nearest voice that Kokoro can speak with, found for a recording."""

from charafy.engines.voice.cloning.match.cloner import Ears, MatchCloner, Workshop

__all__ = ["Ears", "MatchCloner", "Workshop"]
