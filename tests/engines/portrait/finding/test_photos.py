"""Faces in photos, measured against points placed by hand."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from charafy.engines.portrait import Anchors, Box, Finding, Kind, Rgba
from charafy.engines.portrait.finding import Finder, mesh
from tests.engines.portrait.finding.conftest import Load
from tests.engines.portrait.finding.truth import LIP_LINES, PHOTOS, Point


def distance(one: Point, other: Point) -> float:
    return float(np.hypot(one[0] - other[0], one[1] - other[1]))


def codes(finding: Finding, *, fatal: bool) -> set[str]:
    return {problem.code for problem in finding.problems if problem.fatal == fatal}


def scaled(picture: Rgba, side: int) -> Rgba:
    by = side / max(picture.shape[:2])
    small = cv2.resize(picture, None, fx=by, fy=by, interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


@pytest.mark.parametrize("name", PHOTOS)
def test_eyes_and_mouth_are_where_a_person_sees_them(name: str, finder: Finder, load: Load) -> None:
    truth, found = PHOTOS[name], finder.find(load(name))
    assert found.kind is Kind.PHOTO
    assert found.kind_is_certain
    assert found.usable
    assert found.faces == 1
    assert found.anchors is not None and found.landmarks is not None
    between = distance(truth.left_pupil, truth.right_pupil)
    assert distance(found.anchors.left_eye.centre, truth.left_pupil) < 0.06 * between
    assert distance(found.anchors.right_eye.centre, truth.right_pupil) < 0.06 * between
    left, right = found.landmarks[61], found.landmarks[291]
    assert distance((left[0], left[1]), truth.left_corner) < 0.1 * between
    assert distance((right[0], right[1]), truth.right_corner) < 0.1 * between


@pytest.mark.parametrize("name", LIP_LINES)
def test_closed_lips_meet_where_they_do_in_the_picture(
    name: str, finder: Finder, load: Load
) -> None:
    found = finder.find(load(name), kind=Kind.PHOTO)
    assert found.landmarks is not None
    x, y = LIP_LINES[name]
    eyes = distance(
        (found.landmarks[33][0], found.landmarks[33][1]),
        (found.landmarks[263][0], found.landmarks[263][1]),
    )
    for edge in (mesh.INNER_UPPER, mesh.INNER_LOWER):
        line = found.landmarks[list(edge), :2]
        assert abs(np.interp(x, line[:, 0], line[:, 1]) - y) < 0.02 * eyes


@pytest.mark.parametrize("name", ["obama.jpg", "astronaut.jpg"])
def test_a_smile_stays_open(name: str, finder: Finder, load: Load) -> None:
    found = finder.find(load(name))
    assert found.landmarks is not None
    gap = found.landmarks[14, 1] - found.landmarks[13, 1]
    assert gap > 0.05 * (found.landmarks[263, 0] - found.landmarks[33, 0])
    assert not found.problems


def test_the_matte_holds_the_person_and_not_the_background(finder: Finder, load: Load) -> None:
    picture = load("obama.jpg")
    found = finder.find(picture)
    assert found.matte is not None and found.face is not None
    assert found.matte.shape == picture.shape[:2]
    face, matte = found.face, found.matte
    inside = matte[int(face.y) : int(face.y + face.height), int(face.x) : int(face.x + face.width)]
    assert inside.mean() > 225  # the box's corners are background
    assert matte[:200, :120].mean() < 15
    assert matte[600:, 200:500].mean() > 240


def test_transparency_is_the_matte(finder: Finder, load: Load) -> None:
    picture = load("obama.jpg")
    shape = finder.find(picture).matte
    assert shape is not None
    picture[..., 3] = shape
    found = finder.find(picture)
    assert found.matte is not None
    assert np.array_equal(found.matte, shape)
    assert found.usable


def test_grey_pictures_are_no_worse(finder: Finder, load: Load) -> None:
    picture = load("biden.jpg")
    picture[..., :3] = picture[..., :3].mean(2, keepdims=True).astype(np.uint8)
    found, coloured = finder.find(picture), finder.find(load("biden.jpg"))
    assert found.kind is Kind.PHOTO
    assert found.landmarks is not None and coloured.landmarks is not None
    assert np.abs(found.landmarks - coloured.landmarks)[:, :2].mean() < 3


def test_a_small_face_in_a_big_picture_is_found(finder: Finder, load: Load) -> None:
    wall = np.full((2048, 2048, 4), 255, np.uint8)
    wall[..., :3] = np.linspace(90, 160, 2048, dtype=np.uint8)[None, :, None]
    wall[1300:1812, 1450:1962] = load("astronaut.jpg")
    found = finder.find(wall, kind=Kind.PHOTO)
    assert found.face is not None
    assert distance(found.face.centre, (1450 + 224, 1300 + 115)) < 20


def test_the_largest_of_unequal_faces_speaks_with_a_word_about_it(
    finder: Finder, load: Load
) -> None:
    picture = load("obama.jpg")
    picture[300:556, 504:760] = scaled(load("hopper.jpg"), 300)[:256, :256]
    found = finder.find(picture)
    assert found.usable
    assert found.faces == 2
    assert codes(found, fatal=False) == {"several_faces"}
    assert found.face is not None and found.face.width > 200


def test_ten_faces_are_refused(finder: Finder, load: Load) -> None:
    one = scaled(load("biden.jpg"), 384)
    found = finder.find(np.ascontiguousarray(np.tile(one, (2, 5, 1))))
    assert not found.usable
    assert "several_faces" in codes(found, fatal=True)
    assert found.faces == 10
    assert "10 faces" in found.problems[0].message


def test_a_face_of_twenty_pixels_is_refused_with_its_size(finder: Finder, load: Load) -> None:
    found = finder.find(scaled(load("obama.jpg"), 66))
    assert not found.usable
    assert found.problems[0].code == "face_too_small"
    assert found.face is not None
    assert f"{round(found.face.width)} pixels" in found.problems[0].message


def test_a_face_of_fifty_pixels_is_taken_with_a_warning(finder: Finder, load: Load) -> None:
    found = finder.find(scaled(load("obama.jpg"), 170))
    assert found.usable
    assert "face_too_small" in codes(found, fatal=False)


@pytest.mark.parametrize(("turns", "says"), [(1, "to the right"), (3, "to the left"), (2, "down")])
@pytest.mark.parametrize("name", ["obama.jpg", "biden.jpg"])
def test_a_picture_that_lies_on_its_side_is_said_to(
    name: str, turns: int, says: str, finder: Finder, load: Load
) -> None:
    found = finder.find(np.ascontiguousarray(np.rot90(load(name), turns)))
    assert not found.usable
    assert found.problems[0].code == "face_sideways"
    assert says in found.problems[0].hint


@pytest.mark.parametrize("degrees", [-25, 25])
def test_a_tilted_head_is_no_problem(degrees: float, finder: Finder, load: Load) -> None:
    picture = load("obama.jpg")
    turn = cv2.getRotationMatrix2D((345, 235), degrees, 1.0)
    tilted = cv2.warpAffine(picture, turn, (760, 760), borderMode=cv2.BORDER_REPLICATE)
    found = finder.find(np.asarray(tilted, np.uint8))
    assert found.usable
    assert found.landmarks is not None
    assert np.degrees(mesh.roll(found.landmarks)) == pytest.approx(-degrees, abs=4)


def test_a_face_cut_by_the_edge_is_refused(finder: Finder, load: Load) -> None:
    found = finder.find(np.ascontiguousarray(load("obama.jpg")[:, :390]))
    assert "face_cut_off" in codes(found, fatal=True)


def test_a_profile_is_refused(finder: Finder, load: Load) -> None:
    found = finder.find(load("cameraman.jpg"))
    assert not found.usable
    assert "turned_away" in codes(found, fatal=True)


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_an_empty_picture_has_no_face(shade: int, finder: Finder) -> None:
    found = finder.find(np.full((300, 400, 4), shade, np.uint8))
    assert codes(found, fatal=True) == {"no_face"}
    assert found.faces == 0


def test_noise_has_no_face(finder: Finder) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (640, 640, 4)).astype(np.uint8)
    assert codes(finder.find(noise), fatal=True) == {"no_face"}


@pytest.mark.parametrize("size", [(1, 1), (1, 700), (3, 5), (2048, 20)])
def test_odd_sizes_have_no_face_either(size: tuple[int, int], finder: Finder) -> None:
    assert not finder.find(np.zeros((*size, 4), np.uint8)).usable


def test_a_dark_face_gets_a_warning(finder: Finder, load: Load) -> None:
    picture = load("obama.jpg")
    picture[..., :3] = picture[..., :3] // 6
    assert "too_dark" in codes(finder.find(picture, kind=Kind.PHOTO), fatal=False)


def test_anchors_placed_by_hand_are_kept(finder: Finder, load: Load) -> None:
    mine = Anchors(Box(270, 200, 44, 24), Box(378, 200, 44, 24), Box(285, 305, 120, 55), (345, 395))
    found = finder.find(load("obama.jpg"), anchors=mine)
    assert found.anchors == mine
    assert found.landmarks is not None
    assert found.usable


def test_closed_eyes_get_a_warning_and_open_ones_do_not(finder: Finder, load: Load) -> None:
    picture = load("obama.jpg")
    assert not finder.find(picture).problems
    # Shut both eyes: the upper lid's skin drawn down over them, and a line of lashes.
    for x, y in ((292, 212), (399, 212)):
        skin = cv2.resize(picture[y - 22 : y - 10, x - 32 : x + 32, :3], (64, 26))
        picture[y - 12 : y + 14, x - 32 : x + 32, :3] = skin
        lashes = np.array([[x - 30, y + 8], [x, y + 15], [x + 30, y + 8]], np.int32)
        drawn = np.ascontiguousarray(picture[..., :3])
        cv2.polylines(drawn, [lashes], isClosed=False, color=(40, 25, 20), thickness=4)
        picture[..., :3] = drawn
    assert codes(finder.find(picture), fatal=False) == {"eyes_closed"}


def test_many_threads_find_the_same(models: Path, load: Load) -> None:
    shared, pictures = Finder(models), [load("obama.jpg"), load("biden.jpg")] * 4
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(shared.find, pictures))
    for one, first in zip(found, found[:2] * 4, strict=True):
        assert one.landmarks is not None and first.landmarks is not None
        assert np.array_equal(one.landmarks, first.landmarks)


def test_missing_models_are_said_to_be_missing(tmp_path: Path, load: Load) -> None:
    with pytest.raises(FileNotFoundError):
        Finder(tmp_path).find(load("obama.jpg"))
