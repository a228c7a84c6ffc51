"""Faces in drawings, measured against boxes placed by hand."""

from __future__ import annotations

import numpy as np
import pytest

from charafy.engines.portrait import Anchors, Box, Kind
from charafy.engines.portrait.finding import Finder, animeface
from tests.engines.portrait.finding.conftest import Load
from tests.engines.portrait.finding.truth import DRAWINGS, Edges

ANIME = ("eileen.png", "lucy.png", "sylvie_blue.png", "sylvie_green.png", "lorelei.png")


def overlap(box: Box, edges: Edges) -> float:
    """Shared area over the area of both."""
    left, top, right, bottom = edges
    across = min(box.x + box.width, right) - max(box.x, left)
    down = min(box.y + box.height, bottom) - max(box.y, top)
    shared = max(0.0, across) * max(0.0, down)
    return shared / (box.width * box.height + (right - left) * (bottom - top) - shared)


@pytest.mark.parametrize("name", DRAWINGS)
def test_eyes_and_mouth_are_where_a_person_sees_them(name: str, finder: Finder, load: Load) -> None:
    truth, found = DRAWINGS[name], finder.find(load(name))
    assert found.kind is Kind.DRAWING
    assert found.kind_is_certain
    assert found.usable
    assert found.anchors is not None
    assert overlap(found.anchors.left_eye, truth.left_eye) > 0.55
    assert overlap(found.anchors.right_eye, truth.right_eye) > 0.55
    assert overlap(found.anchors.mouth, truth.mouth) > 0.5
    below = max(truth.mouth[3], truth.mouth[1])
    assert found.anchors.chin[1] > below


@pytest.mark.parametrize("name", ANIME)
def test_an_anime_face_is_found_without_doubts(name: str, finder: Finder, load: Load) -> None:
    found = finder.find(load(name))
    assert found.confidence > 0.9
    assert not found.problems


@pytest.mark.parametrize("name", ["notionists.png", "open_peeps.png"])
def test_what_only_the_mesh_finds_is_usable_but_to_be_checked(
    name: str, finder: Finder, load: Load
) -> None:
    found = finder.find(load(name))
    assert found.usable
    assert [problem.code for problem in found.problems] == ["unsure_anchors"]
    assert found.confidence < 0.6


@pytest.mark.parametrize("name", ["emma.webp", "hana.webp", "leo.webp"])
def test_the_demo_portraits_are_usable_either_way(name: str, finder: Finder, load: Load) -> None:
    for kind in (None, *Kind):
        found = finder.find(load(name), kind=kind)
        assert found.usable
        assert not found.problems
        assert found.landmarks is not None
        if kind is not None:
            assert found.kind is kind


def test_the_picture_s_own_alpha_is_the_matte(finder: Finder, load: Load) -> None:
    picture = load("eileen.png")
    found = finder.find(picture)
    assert found.matte is not None
    assert np.array_equal(found.matte, picture[..., 3])


@pytest.mark.parametrize("name", ["lorelei.png", "open_peeps.png", "notionists.png"])
def test_a_drawing_on_a_flat_ground_is_cut_out_of_it(name: str, finder: Finder, load: Load) -> None:
    found = finder.find(load(name))
    assert found.matte is not None and found.anchors is not None
    x, y = (int(value) for value in found.anchors.mouth.centre)
    assert found.matte[y - 8 : y + 8, x - 15 : x + 15].min() > 250
    assert found.matte[:100, :100].max() == 0


def test_what_stands_behind_a_drawing_is_not_taken_for_it(finder: Finder, load: Load) -> None:
    found = finder.find(load("leo.webp"), kind=Kind.DRAWING)
    assert found.matte is not None
    assert found.matte[300:500, 100:180].max() < 20  # the disc behind his head


def test_a_drawing_that_cannot_be_cut_out_stays_whole(finder: Finder, load: Load) -> None:
    picture = load("lorelei.png")
    ground = (picture[..., :3] == picture[0, 0, :3]).all(2)
    noise = np.random.default_rng(2).integers(60, 200, picture.shape).astype(np.uint8)
    picture[ground, :3] = noise[ground, :3]
    found = finder.find(picture, kind=Kind.DRAWING)
    assert found.matte is None or found.matte[260:330, 260:320].mean() > 200


def test_the_user_may_call_a_photo_a_drawing(finder: Finder, load: Load) -> None:
    found = finder.find(load("obama.jpg"), kind=Kind.DRAWING)
    assert found.kind is Kind.DRAWING
    assert found.anchors is not None
    assert found.usable


def test_a_drawing_without_a_face_can_be_placed_by_hand(finder: Finder) -> None:
    flat = np.full((400, 400, 4), 255, np.uint8)
    flat[150:170, 120:160, :3] = 0
    flat[150:170, 240:280, :3] = 0
    flat[260:266, 170:230, :3] = 0
    assert finder.find(flat).problems[0].code == "no_face"
    eyes = Box(120, 150, 40, 20), Box(240, 150, 40, 20)
    mine = Anchors(*eyes, Box(170, 260, 60, 6), (200, 320))
    found = finder.find(flat, kind=Kind.DRAWING, anchors=mine)
    assert found.usable
    assert found.anchors == mine
    assert found.face is not None
    assert found.face.x < 120 and found.face.x + found.face.width > 280


def test_without_the_anime_library_the_mesh_has_to_do(
    finder: Finder, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(animeface, "__file__", "/nowhere/animeface.py")
    found = finder.find(load("sylvie_green.png"))
    assert found.kind is Kind.DRAWING
    assert found.usable
    assert found.anchors is not None


def test_a_face_placed_in_a_strip_of_a_picture_is_too_small(finder: Finder) -> None:
    strip = np.full((4, 2048, 4), 255, np.uint8)
    across = Anchors(Box(0, 0, 1000, 4), Box(1024, 0, 1000, 4), Box(0, 0, 2048, 3.9), (1024, 4))
    found = finder.find(strip, kind=Kind.DRAWING, anchors=across)
    assert not found.usable
    assert [problem.code for problem in found.problems] == ["face_too_small"]
