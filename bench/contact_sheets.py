"""`python -m bench.contact_sheets docs/images`: the pictures of docs/faces.md, drawn anew.

One sheet shows every face in the same states; the other shows consecutive frames of a sentence.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.portrait import FACES, ROOT, finder_of_all, picture, spoken
from charafy.engines.portrait import Framing, Kind, Pose
from charafy.engines.portrait.baking import bake
from charafy.engines.portrait.rendering import RigRenderer
from charafy.videos.filming import RigFace

PORTRAITS = ROOT / "src" / "charafy" / "demo" / "portraits"
SHOWN = (
    FACES / "astronaut.jpg",
    PORTRAITS / "leo.webp",
    PORTRAITS / "emma.webp",
    PORTRAITS / "hana.webp",
    FACES / "eileen.png",
    FACES / "lucy.png",
    FACES / "sylvie_blue.png",
    FACES / "open_peeps.png",
    FACES / "lorelei.png",
)
AS_PHOTO = frozenset({PORTRAITS / "leo.webp"})
"""Painted with modelled light: shown bent like a photo, which any picture can be asked for."""
STATES: tuple[tuple[str, Pose], ...] = (
    ("picture", Pose()),
    ("m, b, p", Pose(speaking=1, press=1)),
    ("ah", Pose(speaking=1, open=0.85, wide=0.1, upper=0.35, lower=0.3)),
    ("ee", Pose(speaking=1, open=0.2, wide=0.7, upper=0.35, lower=0.4)),
    ("oo", Pose(speaking=1, open=0.22, round=1.0, upper=0.1, lower=0.15)),
    ("f, v", Pose(speaking=1, open=0.05, bite=1, upper=0.2)),
    ("half closed", Pose(blink_left=0.5, blink_right=0.5)),
    ("blink", Pose(blink_left=1, blink_right=1)),
    ("turned", Pose(speaking=1, open=0.4, wide=0.3, upper=0.3, yaw=0.1, pitch=0.04, roll=0.04)),
)
CELL = 192
SEQUENCE_S = (1.0, 1.96)
"""Of the sentence of `bench.portrait`: every frame of this second."""


def states(paths: Sequence[Path]) -> Any:
    """A row for each face, a column for each state."""
    rows = []
    for path in paths:
        face = face_of(path)
        plate = np.ascontiguousarray(face.plate()[..., :3])
        rows.append([cropped(face.frame_over(pose, plate)) for _, pose in STATES])
    return sheet(rows)


def sequence(paths: Sequence[Path]) -> Any:
    """Two rows of consecutive frames for each face."""
    moves = spoken().moves()
    poses = list(moves.poses(25))[round(SEQUENCE_S[0] * 25) : round(SEQUENCE_S[1] * 25)]
    rows = []
    for path in paths:
        face = face_of(path)
        plate = np.ascontiguousarray(face.plate()[..., :3])
        frames = [cropped(face.frame_over(pose, plate)) for pose in poses]
        half = len(frames) // 2
        rows += [frames[:half], frames[half : 2 * half]]
    return sheet(rows)


def face_of(path: Path) -> RigFace:
    image = picture(path)
    finder = finder_of_all()
    finding = finder.find(image, kind=Kind.PHOTO if path in AS_PHOTO else None)
    return RigFace(bake(image, finding, Framing(512, 512)), RigRenderer())


def cropped(frame: Any) -> Any:
    """The face, without most of what surrounds it."""
    from PIL import Image

    height, width = frame.shape[:2]
    box = (width * 0.18, height * 0.12, width * 0.82, height * 0.76)
    return Image.fromarray(frame.copy()).resize((CELL, CELL), Image.Resampling.LANCZOS, box)


def sheet(rows: Iterable[Sequence[Any]]) -> Any:
    from PIL import Image

    rows = list(rows)
    whole = Image.new("RGB", (CELL * max(map(len, rows)), CELL * len(rows)), "white")
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            whole.paste(cell, (x * CELL, y * CELL))
    return whole


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    states(SHOWN).save(folder / "faces.webp", quality=82, method=6)
    both = (FACES / "astronaut.jpg", FACES / "eileen.png")
    sequence(both).save(folder / "sequence.webp", quality=82, method=6)


if __name__ == "__main__":
    main()
