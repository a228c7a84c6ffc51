"""`Finder`: from a picture to what can be animated in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from charafy.engines.portrait import Anchors, Box, Finding, Kind, Problem, Rgba
from charafy.engines.portrait.finding import (
    drawn,
    faces,
    ink,
    kinds,
    lids,
    lips,
    matte,
    mesh,
    problems,
)
from charafy.engines.portrait.finding.drawn import Drawn
from charafy.engines.portrait.finding.faces import Rgb
from charafy.engines.portrait.finding.mesh import Mesh
from charafy.engines.portrait.finding.networks import Floats, Networks

PAPER: Final = 200
"""Grey behind transparent pictures while they are looked at."""
PRESENT: Final = 0.5
"""The mesh network's own threshold for a face. Measured: 1.00 on 60 of 61 faces in photos, at most
0.17 on what the detector took for a face and wasn't."""
CERTAIN: Final = 0.95
"""Asked of a face that is only found after turning the picture."""
TRUSTED: Final = 0.98
"""Presence from which the mesh's own eyes and mouth are good enough for a lifelike drawing, and
below which a photo's face may be one that stands on its head."""
HINTED: Final = 0.7
"""Detector's score for what may be a drawn face that the mesh does not know."""
LOOKED_AT: Final = 1280
"""Longer side of the picture in which faces are searched."""
LEAST_SIDE: Final = 16
"""Nothing is looked for in less."""
AGREED: Final = 2
"""So many scales of the anime detector make a picture of unclear kind a drawing."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A picture and the faces in it."""

    picture: Rgba
    rgb: Rgb
    meshes: tuple[Mesh, ...]
    """Faces that the mesh network confirms, largest first."""
    hint: Mesh | None
    """The best of the others: a drawn face, or none at all."""

    @property
    def best(self) -> Mesh | None:
        return self.meshes[0] if self.meshes else self.hint

    @property
    def near(self) -> Box | None:
        return mesh.box(self.best.points) if self.best else None


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

        Raises `OSError` when the model files are missing.
        """
        rgb = _on_paper(picture)
        seen = self._placed(picture, rgb, anchors) if anchors else self._search(picture, rgb)
        lifelike = kinds.lifelikeness(rgb, _box_of(anchors) if anchors else seen.near)
        drawing = None if anchors else self._drawing_in(seen, kind, lifelike)
        judged, certain = (kind, True) if kind else _judge(seen, drawing, lifelike)
        if judged is Kind.DRAWING and (drawing or anchors or seen.best):
            return self._drawing(seen, anchors, drawing, certain)
        sure = seen.meshes and (anchors or seen.meshes[0].presence >= TRUSTED)
        sideways = None if sure else self._sideways(rgb)
        if judged is Kind.PHOTO and seen.meshes and sideways is None:
            return self._photo(seen, anchors, certain)
        problem = sideways or problems.no_face()
        return Finding(judged, certain, 0, None, None, None, None, 0.0, (problem,))

    def _search(self, picture: Rgba, rgb: Rgb) -> _Seen:
        if min(rgb.shape[:2]) < LEAST_SIDE:
            return _Seen(picture, rgb, (), None)
        scale = min(1.0, LOOKED_AT / max(rgb.shape[:2]))
        small = _scaled(rgb, scale)
        meshes, hints = [], []
        for face in faces.detect(self._networks.detector, small):
            fitted = mesh.fit(self._networks.mesh, rgb, mesh.around(face.scaled(1 / scale)))
            if fitted is not None and fitted.presence >= PRESENT:
                meshes.append(fitted)
            elif fitted is not None and face.score >= HINTED:
                hints.append((face.score, fitted))
        meshes.sort(key=lambda one: -_size(one))
        hint = max(hints, key=lambda pair: pair[0])[1] if hints else None
        return _Seen(picture, rgb, tuple(_apart(meshes)), hint)

    def _placed(self, picture: Rgba, rgb: Rgb, anchors: Anchors) -> _Seen:
        fitted = mesh.fit(self._networks.mesh, rgb, mesh.around_anchors(anchors))
        sure = fitted is not None and fitted.presence >= PRESENT
        return _Seen(picture, rgb, (fitted,) if fitted and sure else (), fitted)

    def _drawing_in(self, seen: _Seen, kind: Kind | None, lifelike: float) -> Drawn | None:
        """What the anime detector says, when it is worth asking."""
        too_small = min(seen.rgb.shape[:2]) < LEAST_SIDE
        if too_small or kind is Kind.PHOTO or (kind is None and lifelike >= kinds.PHOTO):
            return None
        return drawn.find(seen.rgb, seen.near, sure=bool(seen.meshes))

    def _photo(self, seen: _Seen, anchors: Anchors | None, certain: bool) -> Finding:
        points, mouth = lips.refine(seen.rgb, seen.meshes[0].points)
        points, openness = lids.refine(self._networks.iris, seen.rgb, points)
        face = mesh.box(points)
        height, width = seen.rgb.shape[:2]
        found = [
            *problems.of_crowd([_size(one) for one in seen.meshes]),
            *self._tilted(points),
            *problems.of_size(face),
            *problems.of_edges(points, width, height),
            *problems.of_turn(points),
            *problems.of_eyes(openness),
            *problems.of_mouth(mouth),
            *problems.of_light(seen.rgb, face),
        ]
        return Finding(
            kind=Kind.PHOTO,
            kind_is_certain=certain,
            faces=len(seen.meshes),
            face=face,
            anchors=anchors or mesh.anchors(points),
            landmarks=points,
            matte=self._matte(seen),
            confidence=seen.meshes[0].presence,
            problems=_in_order(found, certain),
        )

    def _drawing(
        self, seen: _Seen, anchors: Anchors | None, found: Drawn | None, certain: bool
    ) -> Finding:
        placed, face, confidence = anchors, _box_of(anchors) if anchors else seen.near, 1.0
        doubts: list[Problem] = []
        if placed is None and found is not None:
            placed = ink.tightened(seen.rgb, found.anchors)
            face, confidence = found.face, found.likelihood
        elif placed is None and seen.best is not None:
            placed = ink.tightened(seen.rgb, mesh.anchors(seen.best.points))
            confidence = seen.best.presence
            if confidence < TRUSTED:
                confidence *= 0.5
                doubts.append(problems.unsure_anchors())
        if face is not None:
            doubts += problems.of_size(face)
        if seen.meshes and anchors is None:
            doubts += problems.of_crowd([_size(one) for one in seen.meshes])
        return Finding(
            kind=Kind.DRAWING,
            kind_is_certain=certain,
            faces=max(1, len(seen.meshes)),
            face=face,
            anchors=placed,
            landmarks=seen.meshes[0].points if seen.meshes else None,
            matte=self._drawn_matte(seen, face),
            confidence=confidence,
            problems=_in_order(doubts, certain),
        )

    def _sideways(self, rgb: Rgb) -> Problem | None:
        """Whether there is a face once the picture is turned."""
        small = _scaled(rgb, min(1.0, LOOKED_AT / max(rgb.shape[:2])))
        upright = [(tilt, turns) for turns in (1, 2, 3) for tilt in self._tilts(small, turns)]
        if not upright or min(upright)[0] > problems.TILTED:
            return None
        return problems.face_sideways(min(upright)[1])

    def _tilts(self, rgb: Rgb, turns: int) -> Iterable[float]:
        """How far from upright the faces are after so many quarter turns to the right."""
        if min(rgb.shape[:2]) < LEAST_SIDE:
            return
        turned = np.ascontiguousarray(np.rot90(rgb, -turns))
        for face in faces.detect(self._networks.detector, turned):
            if face.score >= HINTED:
                fitted = mesh.fit(self._networks.mesh, turned, mesh.around(face))
                if fitted is not None and fitted.presence >= CERTAIN:
                    yield abs(mesh.roll(fitted.points))

    def _tilted(self, points: Floats) -> Iterable[Problem]:
        tilt = mesh.roll(points)
        if abs(tilt) > problems.TILTED:
            turns = round(-tilt / (np.pi / 2)) % 4
            yield problems.face_sideways(turns or (3 if tilt > 0 else 1))

    def _matte(self, seen: _Seen) -> matte.Matte:
        own = matte.own_alpha(seen.picture)
        return own if own is not None else matte.matte(self._networks.selfie, seen.rgb)

    def _drawn_matte(self, seen: _Seen, face: Box | None) -> matte.Matte | None:
        own = matte.own_alpha(seen.picture)
        if own is not None or face is None or min(seen.rgb.shape[:2]) < LEAST_SIDE:
            return own
        return matte.drawn_matte(self._networks.selfie, seen.rgb, face)


def _judge(seen: _Seen, drawing: Drawn | None, lifelike: float) -> tuple[Kind, bool]:
    """Photo or drawing, and whether that is certain."""
    if lifelike >= kinds.PHOTO:
        return Kind.PHOTO, True
    if lifelike <= kinds.DRAWING:
        return Kind.DRAWING, True
    if drawing is not None and (drawing.votes >= AGREED or not seen.meshes):
        return Kind.DRAWING, False
    return Kind.PHOTO, False


def _in_order(found: Iterable[Problem], certain: bool) -> tuple[Problem, ...]:
    """What is fatal first."""
    all_of_them = [*found, *(() if certain else (problems.unsure_kind(),))]
    return tuple(sorted(all_of_them, key=lambda problem: not problem.fatal))


def _size(one: Mesh) -> float:
    face = mesh.box(one.points)
    return max(face.width, face.height)


def _apart(meshes: list[Mesh]) -> list[Mesh]:
    """Without those that slid onto a face that another one has already."""
    kept: list[Mesh] = []
    for one in meshes:
        x, y = mesh.box(one.points).centre
        near = (mesh.box(other.points) for other in kept)
        if not any(
            box.x < x < box.x + box.width and box.y < y < box.y + box.height for box in near
        ):
            kept.append(one)
    return kept


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


def _scaled(rgb: Rgb, scale: float) -> Rgb:
    import cv2

    if scale == 1.0:
        return rgb
    size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    return faces.as_rgb(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA))
