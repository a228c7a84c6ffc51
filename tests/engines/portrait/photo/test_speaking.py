"""What a photo does when it speaks: measured on its vertices and on its pixels."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from charafy.engines.portrait import Finding, Framing, Pose, Rgba, Rig
from charafy.engines.portrait.finding import Finder
from charafy.engines.portrait.over import over
from charafy.engines.portrait.photo import PhotoDrawer
from charafy.engines.portrait.photo.framing import place
from charafy.engines.portrait.photo.landmarks import CHIN_TIP, FOREHEAD_TOP
from charafy.engines.portrait.photo.pose import Skeleton, values

FACES = ("obama.jpg", "biden.jpg", "hopper.jpg", "astronaut.jpg")
Drawn = Callable[[str], PhotoDrawer]
Baked = Callable[[str], Rig]


def gap(rig: Rig, pose: Pose) -> float:
    """Between the middles of the inner lips, in distances between the eyes' outer corners."""
    skeleton = Skeleton(rig.data)
    local = skeleton.place(values(pose)).local
    return float((local[14] - local[13]) @ skeleton.down / skeleton.span)


def shown(drawer: PhotoDrawer, pose: Pose) -> Rgba:
    """The frame on its own background, opaque."""
    picture = over(drawer.frame(pose), np.ascontiguousarray(drawer.plate()[..., :3]))
    return np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])


@pytest.mark.parametrize("name", FACES)
def test_pressed_lips_touch_whatever_the_jaw_does(name: str, baked: Baked) -> None:
    for jaw in (0.0, 0.06, 0.3):
        pose = Pose(speaking=1, press=1, open=jaw, upper=0.3, lower=0.3)
        assert gap(baked(name), pose) <= 0.004


@pytest.mark.parametrize("name", FACES)
def test_the_mouth_opens_further_with_the_jaw(name: str, baked: Baked) -> None:
    openings = [gap(baked(name), Pose(speaking=1, open=jaw)) for jaw in np.linspace(0, 1, 6)]
    assert np.diff(openings).min() > 0.015
    assert openings[0] < 0.012


def test_landmarks_of_the_drawn_face_see_the_mouth_open(drawn: Drawn, finder: Finder) -> None:
    openings = []
    for jaw in (0.1, 0.35, 0.6, 0.9):
        points = finder.find(shown(drawn("biden.jpg"), Pose(speaking=1, open=jaw))).landmarks
        assert points is not None
        span = np.hypot(*(points[263, :2] - points[33, :2]))
        openings.append(np.hypot(*(points[14, :2] - points[13, :2])) / span)
    assert np.diff(openings).min() > 0.02


def test_an_open_smile_closes_when_the_mouth_goes_to_work(baked: Baked) -> None:
    assert gap(baked("obama.jpg"), Pose()) > 0.05
    assert gap(baked("obama.jpg"), Pose(speaking=1)) < 0.012


@pytest.mark.parametrize("name", FACES)
def test_at_rest_the_frame_is_the_picture(
    name: str, drawn: Drawn, found: Callable[[str], tuple[Rgba, Finding]]
) -> None:
    picture, finding = found(name)
    assert finding.landmarks is not None
    height, width = picture.shape[:2]
    top, chin = finding.landmarks[FOREHEAD_TOP], finding.landmarks[CHIN_TIP]
    crop = place(top, chin, width, height, Framing(512, 512))
    wanted = crop.cut(picture[..., :3], 0, 4)
    frame = drawn(name).frame(Pose())
    sure = frame[..., 3] > 250
    off = np.abs(frame[..., :3].astype(int) - wanted)
    assert sure.mean() > 0.2
    assert off[sure].mean() < 0.5
    assert np.abs(shown(drawn(name), Pose())[..., :3].astype(int) - wanted).mean() < 6


@pytest.mark.parametrize("name", FACES)
def test_a_turning_head_has_no_holes(name: str, drawn: Drawn) -> None:
    rest = drawn(name).frame(Pose())[..., 3].copy()
    inside = _eroded(rest > 250, 24)
    for pose in (
        Pose(yaw=0.15, pitch=-0.08, roll=0.05),
        Pose(yaw=-0.15, pitch=0.08, roll=-0.05, breath=1, sway=0.03),
        Pose(blink_left=0.5, blink_right=1, open=0.8, smile=1, brow=1, gaze_x=1, gaze_y=-1),
    ):
        assert (drawn(name).frame(pose)[..., 3][inside] > 200).all()


def test_the_edge_of_the_person_is_soft_and_nothing_lies_beyond(drawn: Drawn) -> None:
    frame = drawn("biden.jpg").frame(Pose())
    alpha = frame[..., 3]
    assert ((alpha > 20) & (alpha < 235)).any()
    assert (alpha[:20, :20] == 0).all()


def test_shoulders_stay_while_the_head_turns(drawn: Drawn) -> None:
    rest = drawn("obama.jpg").frame(Pose())[460:].copy()
    turned = drawn("obama.jpg").frame(Pose(yaw=0.1, roll=0.05))[460:]
    assert np.array_equal(rest, turned)


def test_a_closed_eye_hides_the_iris(drawn: Drawn, baked: Baked) -> None:
    vertices = Skeleton(baked("biden.jpg").data).rest
    x, y = np.round(vertices[[159, 145], :2].mean(axis=0)).astype(int)
    open_eye = drawn("biden.jpg").frame(Pose())[y - 2 : y + 3, x - 4 : x + 5, :3].mean()
    closed = drawn("biden.jpg").frame(Pose(blink_left=1))[y - 2 : y + 3, x - 4 : x + 5, :3].mean()
    assert closed > open_eye + 12


def test_one_eye_blinks_without_the_other(drawn: Drawn) -> None:
    rest = drawn("obama.jpg").frame(Pose()).copy()
    wink = drawn("obama.jpg").frame(Pose(blink_left=1))
    changed = np.flatnonzero((rest != wink).any(axis=(0, 2)))
    middle = (rest.shape[1]) / 2
    assert 0 < changed.max() < middle + 20


def test_gaze_moves_the_iris_and_nothing_but_the_eyes(drawn: Drawn, baked: Baked) -> None:
    rest = drawn("astronaut.jpg").frame(Pose()).copy()
    aside = drawn("astronaut.jpg").frame(Pose(gaze_x=1))
    changed = (rest != aside).any(axis=2)
    eyes = np.zeros_like(changed)
    vertices = Skeleton(baked("astronaut.jpg").data).rest
    for ring in ((33, 133), (362, 263)):
        left, right = np.round(vertices[list(ring), :2]).astype(int)
        tall = abs(right[0] - left[0])
        rows = slice(min(left[1], right[1]) - tall, max(left[1], right[1]) + tall)
        eyes[rows, left[0] - 2 : right[0] + 3] = True
    assert changed.sum() > 20
    assert not (changed & ~eyes).any()


def test_the_same_pose_is_always_the_same_picture(drawn: Drawn, baked: Baked) -> None:
    pose = Pose(open=0.4, speaking=1, yaw=0.05, blink_left=0.3)
    first = drawn("hopper.jpg").frame(pose).copy()
    drawn("hopper.jpg").frame(Pose(smile=1, yaw=-0.1))
    assert np.array_equal(first, drawn("hopper.jpg").frame(pose))
    assert np.array_equal(first, PhotoDrawer(baked("hopper.jpg")).frame(pose))


def test_over_a_plate_a_frame_is_what_alpha_says(drawn: Drawn) -> None:
    plate = np.random.default_rng(3).integers(0, 256, (512, 512, 3), np.uint8)
    frame = drawn("biden.jpg").frame(Pose(open=0.5)).astype(float)
    share = frame[..., 3:] / 255
    mixed = drawn("biden.jpg").frame_over(Pose(open=0.5), plate)
    assert np.abs(mixed - (frame[..., :3] * share + plate * (1 - share))).max() <= 1


def test_a_plate_of_another_size_is_refused(drawn: Drawn) -> None:
    with pytest.raises(ValueError, match="plate"):
        drawn("biden.jpg").frame_over(Pose(), np.zeros((10, 10, 3), np.uint8))


def _eroded(mask: NDArray[np.bool_], by: int) -> NDArray[np.bool_]:
    shrunk = cv2.erode(np.pad(mask.astype(np.uint8), 1), np.ones((2 * by + 1,) * 2, np.uint8))
    return np.asarray(shrunk[1:-1, 1:-1], bool)
