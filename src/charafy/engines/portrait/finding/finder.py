"""`Finder`: from a picture to what can be animated in it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from charafy.engines.portrait import Anchors, Box, Finding, Kind, Problem, Rgba
from charafy.engines.portrait.finding import drawn, faces, kinds, lips, matte, mesh, problems
from charafy.engines.portrait.finding.faces import Rgb
from charafy.engines.portrait.finding.networks import Networks

PAPER: Final = 200
"""Grey behind transparent pictures while they are looked at."""
PRESENT: Final = 0.5
"""The mesh network's own threshold for a face."""


class Finder:
    """Finds faces. Thread-safe; models are loaded when they are first needed."""

    def __init__(self, models: Path) -> None:
        """`models` is the folder of the weights store's "portrait"."""
        self._networks = Networks(models)

    def find(
        self, picture: Rgba, *, kind: Kind | None = None, anchors: Anchors | None = None
    ) -> Finding:
        """The largest face and what stands in its way.

        `kind` given is the user's word against the judgement here. `anchors` given were placed by
        hand: they are kept as they are, and the mesh is looked for where they say.
        """
        rgb = _on_paper(picture)
        seen = faces.detect(self._networks.detector, rgb)
        fitted = self._fit(rgb, seen, anchors)
        near = mesh.box(fitted.points) if fitted else None
        judged, certain = kinds.judge(kinds.look(rgb, near))
        if kind is not None:
            judged, certain = kind, True
        if judged is Kind.PHOTO:
            return self._photo(picture, rgb, seen, fitted, certain, anchors)
        return self._drawing(picture, rgb, seen, fitted, certain, anchors)

    def _fit(self, rgb: Rgb, seen: list[faces.Face], anchors: Anchors | None) -> mesh.Mesh | None:
        if anchors is not None:
            return mesh.fit(self._networks.mesh, rgb, mesh.around_anchors(anchors))
        return mesh.fit(self._networks.mesh, rgb, mesh.around(seen[0])) if seen else None

    def _photo(
        self,
        picture: Rgba,
        rgb: Rgb,
        seen: list[faces.Face],
        fitted: mesh.Mesh | None,
        certain: bool,
        anchors: Anchors | None,
    ) -> Finding:
        if fitted is None or fitted.presence < PRESENT:
            return _nothing(Kind.PHOTO, certain, (problems.no_face(),))
        points, _mouth = lips.refine(rgb, fitted.points)
        face = mesh.box(points)
        own = matte.own_alpha(picture)
        return Finding(
            kind=Kind.PHOTO,
            kind_is_certain=certain,
            faces=max(1, len(seen)),
            face=face,
            anchors=anchors or mesh.anchors(points),
            landmarks=points,
            matte=own if own is not None else matte.matte(self._networks.selfie, rgb),
            confidence=fitted.presence,
            problems=(),
        )

    def _drawing(
        self,
        picture: Rgba,
        rgb: Rgb,
        seen: list[faces.Face],
        fitted: mesh.Mesh | None,
        certain: bool,
        anchors: Anchors | None,
    ) -> Finding:
        near = mesh.box(fitted.points) if fitted else None
        found = None if anchors else drawn.find(rgb, near) or drawn.find(rgb, None)
        own = matte.own_alpha(picture)
        shape = own if own is not None else matte.matte(self._networks.selfie, rgb)
        if anchors is not None:
            return _drawn(anchors, _box_of(anchors), certain, shape, 1.0, (), fitted)
        if found is not None:
            return _drawn(found.anchors, found.face, certain, shape, found.likelihood, (), fitted)
        if fitted is not None:
            guessed = mesh.anchors(fitted.points)
            doubts = (problems.unsure_anchors(),)
            return _drawn(guessed, near, certain, shape, fitted.presence * 0.5, doubts, fitted)
        return _nothing(Kind.DRAWING, certain, (problems.no_face(),))


def _drawn(
    anchors: Anchors,
    face: Box | None,
    certain: bool,
    shape: matte.Matte,
    confidence: float,
    doubts: tuple[Problem, ...],
    fitted: mesh.Mesh | None,
) -> Finding:
    sure = fitted is not None and fitted.presence >= PRESENT
    return Finding(
        kind=Kind.DRAWING,
        kind_is_certain=certain,
        faces=1,
        face=face,
        anchors=anchors,
        landmarks=fitted.points if fitted is not None and sure else None,
        matte=shape,
        confidence=confidence,
        problems=doubts,
    )


def _nothing(kind: Kind, certain: bool, found: tuple[Problem, ...]) -> Finding:
    return Finding(kind, certain, 0, None, None, None, None, 0.0, found)


def _box_of(anchors: Anchors) -> Box:
    """Hairline to chin, ear to ear, guessed from the features: eyes stand in the middle."""
    left, right = anchors.left_eye, anchors.right_eye
    eyes_y = (left.centre[1] + right.centre[1]) / 2
    span = right.x + right.width - left.x
    height = (anchors.chin[1] - eyes_y) * 1.6
    return Box(left.x - 0.2 * span, anchors.chin[1] - height, 1.4 * span, height)


def _on_paper(picture: Rgba) -> Rgb:
    alpha = picture[..., 3:].astype(np.uint16)
    if int(alpha.min()) == 255:
        return np.ascontiguousarray(picture[..., :3])
    mixed = (picture[..., :3] * alpha + PAPER * (255 - alpha) + 127) // 255
    return mixed.astype(np.uint8)
