"""Anime and illustrations: mouths and lids are drawn in the art's own line and colours."""

from charafy.engines.portrait.drawing.draw import DrawingDrawer
from charafy.engines.portrait.drawing.rig import bake

__all__ = ["DrawingDrawer", "bake"]
