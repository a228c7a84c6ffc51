"""One face in its frame: what every part of baking looks at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait import Rgba
from charafy.engines.portrait.photo.landmarks import Axes, Points
from charafy.engines.portrait.photo.mouth import Mouth


@dataclass(frozen=True, slots=True)
class Face:
    """A person cut out and measured."""

    skin: Rgba
    """The frame with its margin."""
    margin: int
    """Pixels of skin around the frame."""
    points: Points
    """[468, 3], in frame pixels."""
    axes: Axes
    mouth: Mouth

    @property
    def colours(self) -> NDArray[np.uint8]:
        """[h, w, 3], with the margin."""
        return self.skin[..., :3]
