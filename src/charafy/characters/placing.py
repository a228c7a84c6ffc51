"""Eyes, mouth and chin as people place them: fractions of the picture's width and height.

Fractions and not pixels, because a picture is made smaller when it is kept: what was measured on
the original, or on any copy of it, is right.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from charafy.engines.portrait import Anchors, Box
from charafy.kernel.http.schema import Body

SMALLEST = 0.002
"""Of a side: four pixels of the largest picture that is kept."""

_Place = Annotated[float, Field(ge=0, le=1, examples=[0.4])]
_Extent = Annotated[float, Field(ge=SMALLEST, le=1, examples=[0.1])]


class PlacedBox(Body):
    """A rectangle; `x` and `y` are its upper left corner."""

    x: _Place
    y: _Place
    width: _Extent
    height: _Extent

    @model_validator(mode="after")
    def _inside(self) -> PlacedBox:
        if self.x + self.width > 1.001 or self.y + self.height > 1.001:
            raise ValueError("must lie inside the picture: x + width and y + height at most 1.")
        return self

    def box(self) -> Box:
        return Box(self.x, self.y, self.width, self.height)

    @classmethod
    def of(cls, box: Box) -> PlacedBox:
        """What was found may reach over the picture's edge; what is shown does not."""
        x, y = _clamped(box.x), _clamped(box.y)
        return cls.model_construct(
            x=x,
            y=y,
            width=round(min(1.0, box.x + box.width) - x, 5),
            height=round(min(1.0, box.y + box.height) - y, 5),
        )


class PlacedPoint(Body):
    x: _Place
    y: _Place


class PlacedAnchors(Body):
    """In fractions of the picture's width and height; left and right are sides of the picture."""

    left_eye: PlacedBox = Field(
        description="Lash line to lower lid, corner to corner, of the eye at the picture's left."
    )
    right_eye: PlacedBox
    mouth: PlacedBox
    chin: PlacedPoint = Field(description="The lowest point of the chin.")

    @model_validator(mode="after")
    def _like_a_face(self) -> PlacedAnchors:
        left, right, mouth = self.left_eye.box(), self.right_eye.box(), self.mouth.box()
        if left.centre[0] >= right.centre[0]:
            raise ValueError("left_eye must lie to the left of right_eye in the picture.")
        if mouth.centre[1] <= min(left.centre[1], right.centre[1]):
            raise ValueError("mouth must lie below the eyes: turn the picture upright first.")
        if self.chin.y <= mouth.centre[1]:
            raise ValueError("chin must lie below the mouth.")
        return self

    def anchors(self) -> Anchors:
        return Anchors(
            left_eye=self.left_eye.box(),
            right_eye=self.right_eye.box(),
            mouth=self.mouth.box(),
            chin=(self.chin.x, self.chin.y),
        )

    @classmethod
    def of(cls, anchors: Anchors) -> PlacedAnchors:
        x, y = anchors.chin
        return cls.model_construct(
            left_eye=PlacedBox.of(anchors.left_eye),
            right_eye=PlacedBox.of(anchors.right_eye),
            mouth=PlacedBox.of(anchors.mouth),
            chin=PlacedPoint.model_construct(x=_clamped(x), y=_clamped(y)),
        )


def _clamped(value: float) -> float:
    return round(min(1.0, max(0.0, value)), 5)
