"""From pictures of any shape and size to rigs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from charafy.engines.portrait import Finding, Framing, Kind, NoFace, Pose, Problem, Rgba, Rig
from charafy.engines.portrait.baking import bake
from charafy.engines.portrait.photo import PhotoDrawer
from charafy.engines.portrait.photo.pose import Skeleton
from charafy.engines.portrait.rendering import RigRenderer
from charafy.engines.portrait.rigfile import settled, to_files
from charafy.engines.portrait.sheet import contact_sheet

Found = Callable[[str], tuple[Rgba, Finding]]
ASPECTS = (Framing(512, 512), Framing(360, 640), Framing(640, 360), Framing(128, 96))


def scaled(picture: Rgba, finding: Finding, by: float) -> tuple[Rgba, Finding]:
    """The same picture and finding at another size."""
    assert finding.landmarks is not None and finding.matte is not None
    size = (round(picture.shape[1] * by), round(picture.shape[0] * by))
    small = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    matte = np.asarray(cv2.resize(finding.matte, size, interpolation=cv2.INTER_AREA), np.uint8)
    points = (finding.landmarks * by).astype(np.float32)
    return small, replace(finding, landmarks=points, matte=matte)


@pytest.mark.parametrize("framing", ASPECTS, ids=lambda f: f"{f.width}x{f.height}")
@pytest.mark.parametrize("name", ["obama.jpg", "hopper.jpg"])
def test_every_shape_of_frame_holds_the_whole_face(
    name: str, framing: Framing, found: Found
) -> None:
    rig = bake(*found(name), framing)
    points = Skeleton(rig.data).rest[:468]
    assert points[:, :2].min() > 0
    assert points[:, 0].max() < framing.width and points[:, 1].max() < framing.height
    tall = np.ptp(points[:, 1]) / framing.height
    assert 0.2 < tall < 0.62
    drawer = PhotoDrawer(rig)
    assert drawer.frame(Pose(open=1)).shape == (framing.height, framing.width, 4)
    assert drawer.plate().shape == (framing.height, framing.width, 4)
    assert (drawer.plate()[..., 3] == 255).all()


def test_faces_of_twenty_pixels_and_of_thousands_are_baked(found: Found) -> None:
    for by in (0.08, 6.0):
        picture, finding = scaled(*found("biden.jpg"), by)
        frame = PhotoDrawer(bake(picture, finding, Framing(256, 256))).frame(Pose(open=0.5))
        assert (frame[..., 3] > 250).mean() > 0.2


def test_without_a_matte_the_background_bends_but_not_at_the_border(found: Found) -> None:
    picture, finding = found("biden.jpg")
    drawer = PhotoDrawer(bake(picture, replace(finding, matte=None), Framing(256, 256)))
    rest = drawer.frame(Pose()).copy()
    turned = drawer.frame(Pose(yaw=0.15, roll=0.1, breath=1))
    assert (rest[..., 3] == 255).all() and (turned[..., 3] == 255).all()
    assert np.array_equal(rest[:2], turned[:2]) and np.array_equal(rest[:, :2], turned[:, :2])
    assert (rest != turned).any()


def test_the_same_picture_gives_the_same_files(found: Found) -> None:
    once, again = (to_files(bake(*found("obama.jpg"), Framing(256, 256))) for _ in range(2))
    assert once == again


def test_what_has_no_face_says_why() -> None:
    problem = Problem("no_face", True, "No face was found.", "Use another picture.")
    nothing = Finding(
        kind=Kind.PHOTO, kind_is_certain=True, faces=0, face=None, anchors=None, landmarks=None,
        matte=None, confidence=0, problems=(problem,),
    )  # fmt: skip
    with pytest.raises(NoFace, match="No face was found") as raised:
        bake(np.zeros((64, 64, 4), np.uint8), nothing, Framing(64, 64))
    assert raised.value.problems == (problem,)


def test_a_renderer_keeps_a_few_rigs_and_tells_them_apart(baked: Callable[[str], Rig]) -> None:
    renderer = RigRenderer(kept=1)
    first, second = baked("obama.jpg"), baked("biden.jpg")
    expected = [renderer.frame(rig, Pose(open=0.5)).copy() for rig in (first, second)]
    assert (expected[0] != expected[1]).any()
    assert np.array_equal(renderer.frame(first, Pose(open=0.5)), expected[0])
    assert np.array_equal(renderer.plate(second), second.textures["plate"])
    assert renderer.drawer(first) is renderer.drawer(first)


def test_rigs_survive_their_files(found: Found) -> None:
    rig = bake(*found("hopper.jpg"), Framing(256, 256))
    before = PhotoDrawer(rig).frame(Pose(open=0.6, blink_left=1)).copy()
    after = PhotoDrawer(settled(rig)).frame(Pose(open=0.6, blink_left=1))
    assert np.array_equal(before, after)


def test_a_contact_sheet_shows_every_pose(baked: Callable[[str], Rig]) -> None:
    poses = [Pose(open=jaw / 4) for jaw in range(5)]
    sheet = contact_sheet(RigRenderer(), baked("biden.jpg"), poses, columns=3, width=64)
    assert sheet.shape == (128, 192, 4)
    assert (sheet[:64, :64] != sheet[:64, 64:128]).any()
    assert (sheet[64:, 128:, :3] == 0).all()
