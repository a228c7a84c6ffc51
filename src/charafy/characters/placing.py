"""Eyes, mouth and chin as people place them: fractions of the picture's width and height.

Fractions and not pixels, because a picture is made smaller when it is kept: what was measured on
the original, or on any copy of it, is right.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from charafy.engines.portrait import Anchors, Box
from charafy.kernel.http.schema import Answer, Body

SMALLEST = 0.002
"""Of a side: four pixels of the largest picture that is kept."""
DIGITS = 5
"""Of what is answered: a fiftieth of a pixel."""

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


class FoundBox(Answer):
    """A rectangle in fractions of the picture's width and height, as far as it lies inside."""

    x: float = Field(examples=[0.4])
    y: float = Field(examples=[0.4])
    width: float = Field(examples=[0.1])
    height: float = Field(examples=[0.05])

    @classmethod
    def of(cls, box: Box) -> FoundBox:
        x, y = _clamped(box.x), _clamped(box.y)
        width, height = _clamped(box.x + box.width) - x, _clamped(box.y + box.height) - y
        return cls(x=x, y=y, width=round(width, DIGITS), height=round(height, DIGITS))


class FoundPoint(Answer):
    x: float = Field(examples=[0.5])
    y: float = Field(examples=[0.69])


class FoundAnchors(Answer):
    """In the form in which `anchors` are sent."""

    left_eye: FoundBox
    right_eye: FoundBox
    mouth: FoundBox
    chin: FoundPoint

    @classmethod
    def of(cls, anchors: Anchors) -> FoundAnchors:
        x, y = anchors.chin
        return cls(
            left_eye=FoundBox.of(anchors.left_eye),
            right_eye=FoundBox.of(anchors.right_eye),
            mouth=FoundBox.of(anchors.mouth),
            chin=FoundPoint(x=_clamped(x), y=_clamped(y)),
        )


def _clamped(value: float) -> float:
    return round(min(1.0, max(0.0, value)), DIGITS)
