"""The text front end: what is written -> what is said, in Kokoro's phonemes."""

from .frontend import TextFrontEnd

__all__ = ["TextFrontEnd"]
