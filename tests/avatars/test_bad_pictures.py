"""Whatever picture comes: its owner hears what is wrong with it before paying anything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from tests.avatars.conftest import START
from tests.support import faces
from tests.support.neighbours import Customer, Street, data_uri

Picture = Callable[[], bytes]


def preview(customer: Customer, picture: bytes, **fields: Any) -> Any:
    body = {"image": data_uri(picture), **fields}
    return customer.post("/characters/preview-photo", body)


USABLE: tuple[tuple[str, Picture, str], ...] = (
    ("a photo", lambda: faces.file("astronaut.jpg"), "photo"),
    ("glasses and a hat", lambda: faces.file("hopper.jpg"), "photo"),
    ("anime", lambda: faces.file("eileen.png"), "drawing"),
    ("turned by EXIF", faces.turned_by_exif, "photo"),
    ("cut out, with alpha", faces.cut_out, "photo"),
    ("CMYK", lambda: faces.written(faces.picture("obama.jpg").convert("CMYK"), "JPEG"), "photo"),
    ("HEIC", faces.heic, "photo"),
    ("16 bits a channel", faces.sixteen_bit, "photo"),
    (
        "huge",
        lambda: faces.written(faces.picture("obama.jpg").resize((4800, 4800)), "JPEG"),
        "photo",
    ),
)


@pytest.mark.parametrize(("picture", "kind"), [pytest.param(p, k, id=i) for i, p, k in USABLE])
def test_a_usable_picture_shows_what_will_move(
    alice: Customer, picture: Picture, kind: str
) -> None:
    answer = preview(alice, picture())
    found = answer.json()
    assert answer.status_code == 200, answer.text
    assert found["usable"] is True
    assert found["kind"] == kind
    anchors = found["anchors"]
    left, right, mouth, chin = (anchors[k] for k in ("left_eye", "right_eye", "mouth", "chin"))
    assert 0 < left["x"] < right["x"] < 1
    assert left["y"] < mouth["y"] < chin["y"] <= 1
    face, size = found["face"], found["size"]
    assert face["x"] <= left["x"]
    assert max(size["width"], size["height"]) <= 2048


TINY = ("no_face", "face_too_small")
USELESS: tuple[tuple[str, Picture, tuple[str, ...]], ...] = (
    ("no face", lambda: faces.written(Image.new("RGB", (400, 400), "#d2452d")), ("no_face",)),
    (
        "a face of 20 pixels",
        lambda: faces.written(faces.small(20)),
        ("no_face", "face_too_small"),
    ),
    ("a face of 40 pixels", lambda: faces.written(faces.small(60)), ("face_too_small",)),
    ("ten faces", lambda: faces.written(faces.among(10)), ("several_faces",)),
    ("lying on its side", lambda: faces.written(faces.turned(90)), ("face_sideways",)),
    ("upside down", lambda: faces.written(faces.turned(180)), ("face_sideways",)),
    ("from the side", lambda: faces.file("cameraman.jpg"), ("turned_away",)),
    ("tiny", lambda: faces.written(faces.picture("obama.jpg").resize((24, 24))), TINY),
    ("one pixel", lambda: faces.written(Image.new("RGB", (1, 1), "white")), ("no_face",)),
    ("a line", lambda: faces.written(Image.new("RGB", (2000, 2), "white")), ("no_face",)),
)


@pytest.mark.parametrize(("picture", "codes"), [pytest.param(p, c, id=i) for i, p, c in USELESS])
def test_a_useless_picture_is_told_why_and_makes_no_avatar_and_costs_nothing(
    alice: Customer, house_street: Street, picture: Picture, codes: tuple[str, ...]
) -> None:
    data = picture()
    answer = preview(alice, data)
    found = answer.json()
    assert (answer.status_code, found["usable"]) == (200, False), answer.text
    assert {p["code"] for p in found["problems"] if p["fatal"]} <= set(codes)
    for problem in found["problems"]:
        assert problem["message"].endswith(".")
        assert problem["hint"].endswith(".")

    body = {
        "name": "Sakura",
        "image": data_uri(data),
        "voice_id": alice.voice(),
        "avatar_type": "motion",
    }
    refused = alice.post("/characters", body)
    assert (refused.status_code, refused.json()["param"]) == (400, "image")
    assert refused.json()["code"] in codes
    assert alice.get("/credits").json()["credits_remaining"] == START
    assert house_street.files() == []


def test_only_what_is_no_picture_is_an_error(alice: Customer) -> None:
    for data in (b"", b"not a picture", b"\xff\xd8\xff" + bytes(100)):
        answer = preview(alice, data)
        assert (answer.status_code, answer.json()["param"]) == (400, "image")


def test_a_preview_costs_nothing_and_keeps_nothing(alice: Customer, house_street: Street) -> None:
    assert preview(alice, faces.file("obama.jpg")).status_code == 200
    assert alice.get("/credits").json()["credits_remaining"] == START
    assert house_street.files() == []


def test_the_user_s_word_on_the_kind_counts(alice: Customer) -> None:
    found = preview(alice, faces.file("eileen.png"), kind="drawing").json()
    assert (found["kind"], found["kind_is_certain"]) == ("drawing", True)


ANCHORS = {
    "left_eye": {"x": 0.36, "y": 0.4, "width": 0.1, "height": 0.04},
    "right_eye": {"x": 0.54, "y": 0.4, "width": 0.1, "height": 0.04},
    "mouth": {"x": 0.44, "y": 0.57, "width": 0.12, "height": 0.05},
    "chin": {"x": 0.5, "y": 0.69},
}


def test_what_was_placed_by_hand_comes_back_as_it_was_placed(alice: Customer) -> None:
    found = preview(alice, faces.file("notionists.png"), kind="drawing", anchors=ANCHORS).json()
    assert found["usable"] is True
    for name, box in ANCHORS.items():
        assert found["anchors"][name] == pytest.approx(box, abs=1e-4)


def test_an_avatar_keeps_what_was_placed_by_hand(alice: Customer) -> None:
    character_id = alice.character(
        image=data_uri(faces.file("notionists.png")), kind="drawing", anchors=ANCHORS
    )
    path = f"/characters/{character_id}/avatar"
    body = {"avatar_type": "motion", "kind": "drawing", "anchors": ANCHORS}
    made = alice.put(path, body)
    assert made.status_code == 200, made.text
    found = alice.get(path).json()
    assert found["anchors"]["mouth"] == pytest.approx(ANCHORS["mouth"], abs=1e-4)
    assert found["kind"] == "drawing"


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in ANCHORS.items() if key != name}


@pytest.mark.parametrize(
    ("anchors", "param"),
    [
        (without("mouth"), "anchors.mouth"),
        ({**ANCHORS, "chin": {"x": 0.5}}, "anchors.chin.y"),
        ({**ANCHORS, "chin": {"x": 0.5, "y": 1.2}}, "anchors.chin.y"),
        ({**ANCHORS, "chin": {"x": 0.5, "y": 0.1}}, "anchors"),
        ({**ANCHORS, "mouth": {"x": 0.44, "y": 0.1, "width": 0.1, "height": 0.1}}, "anchors"),
        ({**ANCHORS, "left_eye": ANCHORS["right_eye"]}, "anchors"),
        ({**ANCHORS, "mouth": {**ANCHORS["mouth"], "width": 0}}, "anchors.mouth.width"),
        ({**ANCHORS, "mouth": {**ANCHORS["mouth"], "x": 0.95}}, "anchors.mouth"),
        ({**ANCHORS, "mouth": {**ANCHORS["mouth"], "x": "0.4"}}, "anchors.mouth.x"),
        ({**ANCHORS, "mouth": {**ANCHORS["mouth"], "x": 300}}, "anchors.mouth.x"),
        ("face", "anchors"),
    ],
)
def test_anchors_that_are_no_face_are_refused_by_name(
    alice: Customer, anchors: Any, param: str
) -> None:
    answer = preview(alice, faces.file("obama.jpg"), anchors=anchors)
    assert (answer.status_code, answer.json()["param"]) == (400, param)


def test_previews_are_limited(alice: Customer) -> None:
    picture = faces.written(Image.new("RGB", (8, 8), "white"))
    statuses = [preview(alice, picture).status_code for _ in range(31)]
    assert statuses == [200] * 30 + [429]
