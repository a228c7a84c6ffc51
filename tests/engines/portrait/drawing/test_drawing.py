"""A drawing speaks in its own line and colours, and is itself at rest."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from charafy.engines.portrait import Anchors, Box, Framing, NoFace, Pose, Rgba, Rig
from charafy.engines.portrait.drawing import DrawingDrawer, bake
from charafy.engines.portrait.rigfile import to_files
from tests.engines.portrait.drawing.conftest import ANCHORS, anchors, finding, picture

Rigs = Callable[..., Rig]
Drawers = Callable[[str], DrawingDrawer]
Frame = NDArray[np.uint8]

ALL = sorted(ANCHORS)
CLOSED_LINE = ["eileen.png", "lucy.png", "sylvie_blue.png", "lorelei.png"]
OPAQUE = ["lorelei.png", "open_peeps.png", "emma.webp", "leo.webp"]
CUT_OUT = ["eileen.png", "lucy.png", "sylvie_blue.png", "sylvie_green.png"]
A = Pose(open=0.86, wide=0.08, upper=0.33, lower=0.3, speaking=1)


def mouth_area(rig: Rig) -> tuple[slice, slice]:
    """Where any of its mouths may be drawn."""
    data: Any = rig.data
    places = np.array([cel["place"] for cel in data["mouth"]["cels"]])
    left, top = places[:, :2].min(axis=0) - 4
    right, bottom = places[:, 2:].max(axis=0) + 4
    return slice(int(top), int(bottom)), slice(int(left), int(right))


def eye_area(rig: Rig, side: int) -> tuple[slice, slice]:
    data: Any = rig.data
    cel = data["lids"][side]["cels"][-1]
    (x, y), (_, _, width, height) = cel["at"], cel["rect"]
    return slice(y, y + height), slice(x, x + width)


def changed(a: Frame, b: Frame, by: int = 30) -> NDArray[np.bool_]:
    return np.asarray(np.abs(a[..., :3].astype(int) - b[..., :3]).max(axis=-1) > by)


def to_lab(rgb: Frame) -> NDArray[np.float32]:
    scaled = rgb[..., :3].astype(np.float32) / 255
    return np.asarray(cv2.cvtColor(scaled, cv2.COLOR_RGB2LAB), dtype=np.float32)


@pytest.mark.parametrize("name", ALL)
def test_at_rest_the_frame_is_the_picture(name: str, rig: Rigs, drawer: Drawers) -> None:
    base = rig(name).textures["base"]
    frame = drawer(name).frame(Pose())
    np.testing.assert_array_equal(frame[..., 3], base[..., 3])
    solid = base[..., 3] == 255
    np.testing.assert_array_equal(frame[solid], base[solid])


@pytest.mark.parametrize("name", CLOSED_LINE)
def test_pressed_lips_are_the_arts_own_closed_mouth(name: str, rig: Rigs, drawer: Drawers) -> None:
    draw, area = drawer(name), mouth_area(rig(name))
    rest = draw.frame(Pose())[area].copy()
    pressed = draw.frame(Pose(open=0.06, wide=0.04, press=1, speaking=1))[area]
    assert np.abs(rest.astype(int) - pressed).mean() < 3


@pytest.mark.parametrize("name", ALL)
def test_the_opening_grows_with_open(name: str, rig: Rigs, drawer: Drawers) -> None:
    draw, area = drawer(name), mouth_area(rig(name))
    closed = draw.frame(Pose(speaking=1))[area].copy()
    sizes = []
    for opening in (0.1, 0.35, 0.65, 1.0):
        frame = draw.frame(Pose(open=opening, speaking=1))[area]
        sizes.append(int(changed(closed, frame).sum()))
    assert sizes == sorted(sizes)
    assert sizes[-1] > 1.9 * sizes[0] > 0


@pytest.mark.parametrize("name", ALL)
def test_mouths_flow_without_popping(name: str, rig: Rigs, drawer: Drawers) -> None:
    draw, area = drawer(name), mouth_area(rig(name))
    frames = [
        draw.frame(replace(A, open=float(o), round=float(r)))[area][..., :3].astype(float)
        for o, r in zip(np.linspace(0, 1, 51), np.linspace(0.8, 0, 51), strict=True)
    ]
    steps = [float(np.abs(b - a).mean()) for a, b in itertools.pairwise(frames)]
    assert max(steps) < 0.12 * sum(steps)


@pytest.mark.parametrize("name", ["eileen.png", "lucy.png", "sylvie_blue.png", "emma.webp"])
def test_a_blink_hides_the_iris(name: str, rig: Rigs, drawer: Drawers) -> None:
    draw = drawer(name)
    for side, channel in enumerate(("blink_left", "blink_right")):
        area = eye_area(rig(name), side)
        open_ = to_lab(draw.frame(Pose())[area])
        height, width = open_.shape[:2]
        middle = open_[int(0.55 * height) : int(0.7 * height), int(0.4 * width) : int(0.6 * width)]
        iris = np.median(middle.reshape(-1, 3), axis=0)
        closed = to_lab(draw.frame(Pose(**{channel: 1.0}))[area])

        def like_iris(lab: NDArray[np.float32], iris: Any = iris) -> int:
            return int((np.linalg.norm(lab - iris, axis=-1) < 12).sum())

        assert like_iris(open_) > 40
        assert like_iris(closed) < 0.35 * like_iris(open_)


def test_each_eye_has_its_own_lid(rig: Rigs, drawer: Drawers) -> None:
    draw = drawer("eileen.png")
    rest = draw.frame(Pose()).copy()
    wink = draw.frame(Pose(blink_left=1)).copy()
    left, right = (eye_area(rig("eileen.png"), side) for side in (0, 1))
    assert changed(rest[left], wink[left]).any()
    assert not changed(rest[right], wink[right], 0).any()


@pytest.mark.parametrize("name", ALL)
def test_mouth_and_lids_touch_nothing_far_from_them(name: str, rig: Rigs, drawer: Drawers) -> None:
    rest = drawer(name).frame(Pose()).copy()
    moved = drawer(name).frame(replace(A, open=1, blink_left=1, blink_right=1))
    data: Any = rig(name).data
    far = np.ones(rest.shape[:2], dtype=np.bool_)
    rows, columns = mouth_area(rig(name))
    far[rows.start - 140 : rows.stop + 140, columns.start - 140 : columns.stop + 140] = False
    for side in range(len(data["lids"])):
        far[eye_area(rig(name), side)] = False
    assert far.mean() > 0.1
    assert not changed(rest, moved, 2)[far].any()


@pytest.mark.parametrize("name", CUT_OUT)
def test_alpha_is_kept_and_the_plate_shows_around_the_drawing(
    name: str, rig: Rigs, drawer: Drawers
) -> None:
    base = rig(name).textures["base"]
    plate = np.full((512, 512, 3), (10, 200, 90), dtype=np.uint8)
    over = drawer(name).frame_over(A, plate)
    empty = cv2.erode((base[..., 3] == 0).astype(np.uint8), np.ones((25, 25))) > 0
    assert empty.any()
    np.testing.assert_array_equal(over[empty], plate[empty])
    frame = drawer(name).frame(A)
    assert (frame[..., 3] == 0)[empty].all()
    assert (frame[mouth_area(rig(name))][..., 3] == 255).mean() > 0.9


def test_frames_over_a_plate_are_frames_with_alpha_laid_over_it(drawer: Drawers) -> None:
    pose = replace(A, yaw=0.1, roll=0.05, sway=0.1)
    plate = np.full((512, 512, 3), (200, 40, 90), dtype=np.uint8)
    over = drawer("eileen.png").frame_over(pose, plate).astype(float)
    frame = drawer("eileen.png").frame(pose).astype(float)
    alpha = frame[..., 3:] / 255
    assert np.abs(frame[..., :3] * alpha + plate * (1 - alpha) - over).max() < 3


@pytest.mark.parametrize("name", CLOSED_LINE)
def test_the_mouth_is_drawn_in_the_arts_line_colour(name: str, rig: Rigs, drawer: Drawers) -> None:
    area = mouth_area(rig(name))
    own = to_lab(drawer(name).frame(Pose())[area]).reshape(-1, 3)
    narrowed = Pose(round=1, speaking=1)
    drawn = to_lab(drawer(name).frame(narrowed)[area]).reshape(-1, 3)

    def line(lab: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.asarray(np.median(lab[np.argsort(lab[:, 0])[: len(lab) // 100]], axis=0))

    assert np.linalg.norm((line(own) - line(drawn)) * (0.5, 1, 1)) < 22


def test_black_and_white_art_gets_no_colour(rig: Rigs, drawer: Drawers) -> None:
    lab = to_lab(drawer("lorelei.png").frame(A)[mouth_area(rig("lorelei.png"))])
    assert np.hypot(lab[..., 1], lab[..., 2]).max() < 8


def test_an_open_smile_is_kept_at_rest_and_closed_to_speak(rig: Rigs, drawer: Drawers) -> None:
    name = "open_peeps.png"
    data: Any = rig(name).data
    assert data["mouth"]["rest_is_open"]
    area = mouth_area(rig(name))

    def teeth(frame: Rgba) -> int:
        return int((frame[area][..., :3].min(axis=-1) > 235).sum())

    assert teeth(drawer(name).frame(Pose())) > 100
    assert teeth(drawer(name).frame(Pose(speaking=1))) < 5


def test_coloured_lips_stay_while_they_part(rig: Rigs, drawer: Drawers) -> None:
    data: Any = rig("emma.webp").data
    assert data["quality"]["style"] == "lips"
    area = mouth_area(rig("emma.webp"))

    def lips(frame: Rgba) -> int:
        lab = to_lab(frame[area])
        return int(((lab[..., 1] > 22) & (lab[..., 1] < 42) & (lab[..., 0] > 50)).sum())

    rest = lips(drawer("emma.webp").frame(Pose()))
    assert rest > 300
    assert lips(drawer("emma.webp").frame(A)) > 0.8 * rest


def test_teeth_show_when_the_upper_lip_is_raised(rig: Rigs, drawer: Drawers) -> None:
    area = mouth_area(rig("lucy.png"))
    closed = drawer("lucy.png").frame(Pose(open=0.7, speaking=1))[area].copy()
    raised = drawer("lucy.png").frame(Pose(open=0.7, upper=0.4, speaking=1))[area]
    whiter = raised[..., :3].min(axis=-1).astype(int) - closed[..., :3].min(axis=-1) > 60
    assert whiter.sum() > 40


@pytest.mark.parametrize("name", ["eileen.png", "emma.webp", "lorelei.png"])
def test_gaze_moves_the_iris_and_a_closed_eye_keeps_still(
    name: str, rig: Rigs, drawer: Drawers
) -> None:
    area = eye_area(rig(name), 0)

    def dark_at(pose: Pose) -> float:
        light = drawer(name).frame(pose)[area][..., :3].mean(axis=-1)
        height, width = light.shape
        inner = light[int(0.35 * height) : int(0.75 * height)] < 110
        return float((inner * np.arange(width)).sum() / inner.sum())

    assert dark_at(Pose(gaze_x=1)) - dark_at(Pose(gaze_x=-1)) > 1
    shut = drawer(name).frame(Pose(blink_left=1, blink_right=1)).copy()
    looking = drawer(name).frame(Pose(blink_left=1, blink_right=1, gaze_x=1))
    assert not changed(shut, looking, 0).any()


@pytest.mark.parametrize("name", OPAQUE)
def test_an_opaque_picture_moves_inside_its_borders(name: str, drawer: Drawers) -> None:
    rest = drawer(name).frame(Pose()).copy()
    pose = Pose(yaw=0.15, pitch=0.1, roll=0.08, shift_x=0.1, sway=0.2, breath=1)
    moved = drawer(name).frame(pose)
    assert changed(rest, moved).mean() > 0.01
    border = np.ones(rest.shape[:2], dtype=np.bool_)
    border[1:-1, 1:-1] = False
    assert not changed(rest, moved, 3)[border].any()


@pytest.mark.parametrize("name", ["eileen.png", "emma.webp"])
def test_baking_and_drawing_give_the_same_every_time(name: str) -> None:
    first, second = (bake(picture(name), finding(anchors(name)), Framing()) for _ in range(2))
    assert to_files(first) == to_files(second)
    pose = replace(A, yaw=0.1, blink_left=0.4)
    one, other = DrawingDrawer(first), DrawingDrawer(second)
    other.frame(replace(pose, open=0.2, yaw=-0.2))
    np.testing.assert_array_equal(one.frame(pose), other.frame(pose))


@pytest.mark.parametrize("name", ALL)
def test_the_files_of_a_character_stay_small(name: str, rig: Rigs) -> None:
    assert sum(map(len, to_files(rig(name)).values())) < 400_000


@pytest.mark.parametrize(("width", "height"), [(720, 1280), (1280, 720), (256, 256)])
def test_any_frame_can_be_filled(width: int, height: int, rig: Rigs) -> None:
    frame = DrawingDrawer(rig("emma.webp", width, height)).frame(replace(A, yaw=0.1))
    assert frame.shape == (height, width, 4)


def test_eyes_that_were_put_on_the_cheeks_stay_open() -> None:
    right = anchors("eileen.png")
    wrong = replace(right, left_eye=Box(98, 200, 30, 14), right_eye=Box(185, 200, 30, 14))
    rig = bake(picture("eileen.png"), finding(wrong), Framing())
    data: Any = rig.data
    assert data["lids"] == []
    assert max(data["quality"]["left_eye"], data["quality"]["right_eye"]) < 0.06
    draw = DrawingDrawer(rig)
    rest = draw.frame(Pose()).copy()
    assert not changed(rest, draw.frame(Pose(blink_left=1, blink_right=1)), 0).any()


def test_a_mouth_that_is_nowhere_becomes_a_small_one_in_its_box() -> None:
    plain = picture("eileen.png").copy()
    skin = plain[236, 160].copy()
    plain[212:235, 135:190] = skin
    rig = bake(plain, finding(anchors("eileen.png")), Framing())
    data: Any = rig.data
    assert data["quality"]["mouth"] <= 0.1
    rows, columns = mouth_area(rig)
    assert columns.stop - columns.start < 120
    rest = DrawingDrawer(rig).frame(Pose()).copy()
    assert changed(rest, DrawingDrawer(rig).frame(A))[rows, columns].any()


@pytest.mark.parametrize(
    "box", [Box(-50, -50, 20, 20), Box(300, 400, 1, 1), Box(100, 100, 400, 3), Box(0, 0, 320, 420)]
)
def test_no_box_is_wrong_enough_to_break_baking(box: Box) -> None:
    wrong = Anchors(box, box, box, (160.0, 260.0))
    rig = bake(picture("eileen.png"), finding(wrong), Framing())
    assert DrawingDrawer(rig).frame(A).shape == (512, 512, 4)


def test_without_anchors_there_is_nothing_to_bake() -> None:
    with pytest.raises(NoFace):
        bake(picture("eileen.png"), finding(None), Framing())


def test_a_matte_never_makes_a_hole_in_the_face() -> None:
    matte = np.full((1024, 1024), 255, dtype=np.uint8)
    matte[:, :200] = 0
    matte[540:640, 440:600] = 0
    rig = bake(picture("emma.webp"), finding(anchors("emma.webp"), matte), Framing())
    assert (rig.textures["base"][mouth_area(rig)][..., 3] == 255).all()


def test_the_person_is_cut_out_of_an_opaque_picture_along_its_flat_ground() -> None:
    image = picture("open_peeps.png")
    ground = (np.abs(image[..., :3].astype(int) - image[4, 4, :3]).max(axis=-1) < 12).astype(
        np.uint8
    )
    wavering = cv2.blur(255 - 200 * ground, (31, 31))
    rig = bake(image, finding(anchors("open_peeps.png"), wavering), Framing())
    alpha = rig.textures["base"][..., 3]
    assert 0.2 < (alpha == 255).mean() < 0.9
    assert ((alpha > 0) & (alpha < 255)).mean() < 0.03
    draw = DrawingDrawer(rig)
    rest = draw.frame_over(Pose(), draw.plate()[..., :3])
    assert changed(rest, rig.textures["base"], 24).mean() < 0.01


def test_scipy_is_not_needed() -> None:
    code = (
        "import sys; sys.modules['scipy'] = None;"
        "import charafy.engines.portrait.drawing.rig, charafy.engines.portrait.drawing.draw"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
