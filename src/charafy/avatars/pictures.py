"""Pictures as they are examined and baked. Places in them are fractions, 0..1 of their sides.

Imports nothing of the product: this much of it lives in the child process as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from charafy.engines.portrait import Anchors, Box, Finding, Framing, Kind, Problem, rigfile

FRAMING: Final = Framing(512, 512)
"""Of the avatars that browsers load."""
BAKE: Final = 1
"""Goes up whenever a rig that was baked before would look worse than a new one."""
VERSION: Final = f"{rigfile.VERSION}.{BAKE}"


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found in a picture."""

    kind: Kind
    kind_is_certain: bool
    """False when photo or drawing was a close call: worth asking the user."""
    faces: int
    face: Box | None
    anchors: Anchors | None
    confidence: float
    """0..1."""
    problems: tuple[Problem, ...]
    width: int
    """Pixels of the picture as it is kept."""
    height: int

    @property
    def usable(self) -> bool:
        return not any(problem.fatal for problem in self.problems)

    @classmethod
    def of(cls, finding: Finding, width: int, height: int) -> Examined:
        """From pixels to fractions."""
        return cls(
            kind=finding.kind,
            kind_is_certain=finding.kind_is_certain,
            faces=finding.faces,
            face=finding.face and _shrink(finding.face, width, height),
            anchors=finding.anchors and anchors_in(finding.anchors, width, height),
            confidence=finding.confidence,
            problems=finding.problems,
            width=width,
            height=height,
        )

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Examined:
        return cls(
            **{
                **data,
                "kind": Kind(data["kind"]),
                "face": data["face"] and Box(**data["face"]),
                "anchors": anchors_from_json(data["anchors"]),
                "problems": tuple(Problem(**problem) for problem in data["problems"]),
            }
        )


@dataclass(frozen=True, slots=True)
class Baked:
    """A picture made ready to move."""

    examined: Examined
    files: Mapping[str, bytes]
    """By name; none when the picture is not usable."""


def anchors_in(anchors: Anchors, width: int, height: int) -> Anchors:
    """Pixels to fractions. The first pixel's centre is at 0 in pixels, inside in fractions."""
    return Anchors(
        left_eye=_shrink(anchors.left_eye, width, height),
        right_eye=_shrink(anchors.right_eye, width, height),
        mouth=_shrink(anchors.mouth, width, height),
        chin=((anchors.chin[0] + 0.5) / width, (anchors.chin[1] + 0.5) / height),
    )


def anchors_of(anchors: Anchors, width: int, height: int) -> Anchors:
    """Fractions to pixels."""
    return Anchors(
        left_eye=_grow(anchors.left_eye, width, height),
        right_eye=_grow(anchors.right_eye, width, height),
        mouth=_grow(anchors.mouth, width, height),
        chin=(anchors.chin[0] * width - 0.5, anchors.chin[1] * height - 0.5),
    )


def anchors_from_json(data: Mapping[str, Any] | None) -> Anchors | None:
    if data is None:
        return None
    boxes = {name: Box(**data[name]) for name in ("left_eye", "right_eye", "mouth")}
    return Anchors(**boxes, chin=(data["chin"][0], data["chin"][1]))


def _shrink(box: Box, width: int, height: int) -> Box:
    return Box(
        (box.x + 0.5) / width, (box.y + 0.5) / height, box.width / width, box.height / height
    )


def _grow(box: Box, width: int, height: int) -> Box:
    return Box(box.x * width - 0.5, box.y * height - 0.5, box.width * width, box.height * height)
