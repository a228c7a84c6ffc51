"""Kokoro-82M: the embedded English and Japanese voices."""

from charafy.engines.voice.kokoro.engine import KokoroVoice
from charafy.engines.voice.kokoro.styles import Style, language_of, stock_names, stock_styles

__all__ = ["KokoroVoice", "Style", "language_of", "stock_names", "stock_styles"]
