"""Sprites: cut from a renderer's frames, put together again by the pose."""

from __future__ import annotations

import dataclasses
import io
import json

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from charafy.engines.portrait import Pose, Rgba
from charafy.engines.portrait.spritefile import from_files, idle_loop, idle_pose, to_files
from charafy.engines.portrait.sprites import (
    LIDS,
    MOUTHS,
    PAD,
    SpriteRenderer,
    SpriteSheet,
    bake_sprites,
    bob,
    nearest_lid,
    nearest_mouth,
)
from tests.support.puppet import PuppetRenderer, puppet


@pytest.fixture(scope="module")
def sheet() -> SpriteSheet:
    return bake_sprites(puppet(), PuppetRenderer())


def off(one: Rgba, other: Rgba) -> NDArray[np.int16]:
    difference: NDArray[np.int16] = np.abs(one.astype(np.int16) - other)
    return difference


@pytest.mark.parametrize("name", list(MOUTHS))
@pytest.mark.parametrize("lid", LIDS)
def test_a_cel_s_own_pose_is_drawn_as_the_renderer_draws_it(
    sheet: SpriteSheet, name: str, lid: float
) -> None:
    pose = dataclasses.replace(MOUTHS[name], blink_left=lid, blink_right=lid)
    wanted = PuppetRenderer().frame(puppet(), pose)
    drawn = SpriteRenderer().frame(sheet, pose)
    assert drawn.shape == wanted.shape
    assert off(drawn, wanted).max() <= 3


def test_the_cels_do_differ(sheet: SpriteSheet) -> None:
    renderer = SpriteRenderer()
    frames = {name: renderer.frame(sheet, pose).tobytes() for name, pose in MOUTHS.items()}
    # The puppet knows no tongue, no teeth and no work, so some of its mouths are the same.
    assert len(set(frames.values())) >= 6


def test_every_cel_is_the_nearest_to_its_own_pose() -> None:
    assert [nearest_mouth(pose) for pose in MOUTHS.values()] == list(range(12))
    assert [nearest_lid(lid) for lid in LIDS] == [0, 1, 2]


def test_poses_in_between_take_a_neighbour() -> None:
    names = list(MOUTHS)
    assert names[nearest_mouth(Pose(speaking=1, open=0.8, wide=0.1, upper=0.3))] == "aa"
    assert names[nearest_mouth(Pose(speaking=1, round=0.9, open=0.2))] == "ou"
    assert names[nearest_mouth(Pose(speaking=1, press=0.9, open=0.02))] == "PP"
    assert names[nearest_mouth(Pose(speaking=0.1))] == "rest"
    assert (nearest_lid(0.1), nearest_lid(0.5), nearest_lid(0.9)) == (0, 1, 2)


def test_each_eye_winks_alone(sheet: SpriteSheet) -> None:
    open_eyes = SpriteRenderer().frame(sheet, Pose()).copy()
    left = SpriteRenderer().frame(sheet, Pose(blink_left=1))
    changed = np.flatnonzero(off(left, open_eyes).any(axis=(0, 2)))
    assert len(changed) and changed.max() < 96


def test_a_frame_on_a_plate_is_the_frame_laid_over_it(sheet: SpriteSheet) -> None:
    plate = np.ascontiguousarray(sheet.plate[..., :3])
    frame = SpriteRenderer().frame(sheet, Pose(open=1)).astype(np.float64)
    alpha = frame[..., 3:] / 255
    wanted = frame[..., :3] * alpha + plate * (1 - alpha)
    drawn = SpriteRenderer().frame_over(sheet, Pose(open=1), plate)
    assert np.abs(drawn - wanted).max() <= 2


def test_the_picture_moves_with_the_head_and_uncovers_nothing(sheet: SpriteSheet) -> None:
    nod = Pose(pitch=0.2)
    right, down = bob(sheet, nod)
    assert right == 0 and 1 < down < PAD
    still, moved = SpriteRenderer().frame(sheet, Pose()).copy(), SpriteRenderer().frame(sheet, nod)
    whole = int(down)
    assert off(moved[60:150], still[60 - whole : 150 - whole]).mean() < 4
    assert (moved[-1, 70:120, 3] == 255).all(), "the body reaches the lower edge"
    assert bob(sheet, Pose(pitch=99)) == (0, PAD - 1)


def test_a_sheet_comes_back_from_its_files(sheet: SpriteSheet) -> None:
    files = to_files(sheet)
    again = from_files(files)
    assert (again.mouth, again.left_eye, again.right_eye) == (
        sheet.mouth,
        sheet.left_eye,
        sheet.right_eye,
    )
    assert again.unit == sheet.unit
    for name in ("base", "plate", "atlas"):
        assert off(getattr(again, name), getattr(sheet, name)).mean() < 2
    assert sum(map(len, files.values())) < 60_000
    assert set(files) == {"sprites.json", *json.loads(files["sprites.json"])["textures"].values()}


def test_a_sheet_of_another_version_is_refused(sheet: SpriteSheet) -> None:
    files = to_files(sheet)
    manifest = json.loads(files["sprites.json"]) | {"version": 99}
    with pytest.raises(ValueError, match="another version"):
        from_files(files | {"sprites.json": json.dumps(manifest).encode()})


def test_the_idle_loop_ends_where_it_begins() -> None:
    begin, end = idle_pose(0), idle_pose(1)
    assert np.allclose(np.array(_row(begin)), np.array(_row(end)), atol=1e-9)
    assert max(idle_pose(part / 60).blink_left for part in range(60)) > 0.9
    assert all(idle_pose(part / 60).open == 0 for part in range(60))


def test_the_idle_loop_is_a_small_animated_picture() -> None:
    data = idle_loop(puppet(), PuppetRenderer(), width=96)
    with Image.open(io.BytesIO(data)) as loop:
        assert (loop.format, loop.size) == ("WEBP", (96, 96))
        assert getattr(loop, "n_frames", 1) > 4
    assert len(data) < 60_000


def _row(pose: Pose) -> tuple[float, ...]:
    return dataclasses.astuple(pose)
