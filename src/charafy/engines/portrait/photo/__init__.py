"""Photos and paintings: the picture's own skin is bent over a mesh of 468 landmarks."""

from charafy.engines.portrait.photo.bake import bake
from charafy.engines.portrait.photo.draw import PhotoDrawer

__all__ = ["PhotoDrawer", "bake"]
