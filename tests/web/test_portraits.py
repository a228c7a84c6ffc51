"""The demo's faces: parts a rig can find, pictures an upload would accept."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image, ImageStat

import charafy

PORTRAITS = Path(charafy.__file__).parent / "demo" / "portraits"
HAIR = ("hair-back", "hair-front")
FACE = ("face", "nose", "mouth", "eyes", "brows")
SVG = "{http://www.w3.org/2000/svg}"

each = pytest.mark.parametrize("name", ["hana", "emma", "leo"])


@each
def test_the_drawing_names_its_parts(name: str) -> None:
    root = ElementTree.parse(PORTRAITS / f"{name}.svg").getroot()
    parts = [group.get("id") for group in root.findall(f"{SVG}g")]
    assert {"background", "neck", "body", *HAIR, *FACE} <= set(parts)
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    for side in ("left", "right"):
        for part in ("eye", "iris", "lid", "brow"):
            assert f"{name}-{part}-{side}" in ids


@each
def test_the_drawing_stands_alone(name: str) -> None:
    source = (PORTRAITS / f"{name}.svg").read_text("utf-8")
    assert "<image" not in source and "<script" not in source and "href" not in source
    used = set(re.findall(r"url\(#([\w-]+)\)", source))
    assert used and used <= set(re.findall(r'id="([\w-]+)"', source))


@each
def test_the_picture_is_square_and_light(name: str) -> None:
    file = PORTRAITS / f"{name}.webp"
    assert file.stat().st_size < 500_000
    with Image.open(file) as picture:
        assert (picture.size, picture.mode) == ((1024, 1024), "RGB")


@each
def test_the_pupils_lie_level_and_dark(name: str) -> None:
    source = (PORTRAITS / f"{name}.svg").read_text("utf-8")
    centres = []
    for side in ("left", "right"):
        iris = re.search(rf'id="{name}-iris-{side}">\s*<circle cx="([\d.]+)" cy="([\d.]+)"', source)
        assert iris
        centres.append((float(iris[1]), float(iris[2])))
    (left_x, left_y), (right_x, right_y) = centres
    assert left_y == right_y and left_x < 512 < right_x
    with Image.open(PORTRAITS / f"{name}.webp") as picture:
        grey = picture.convert("L")
        for x, y in centres:
            pupil = grey.crop((round(x) - 4, round(y) - 4, round(x) + 4, round(y) + 4))
            assert ImageStat.Stat(pupil).mean[0] < 60
