"""Filming: the right moment in every frame, before the right background."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from charafy.engines.portrait import Pose, Rgba
from charafy.engines.portrait.over import over
from charafy.kernel.media.audio import SAMPLE_RATE
from charafy.videos.filming import TAIL_S, film, frames_of
from charafy.videos.scene import Backdrop, Rgb, plate_for

SIZE = 64


@dataclass
class Lamp:
    """A face whose whole picture shows its jaw: black when closed, white when open."""

    shown: list[Pose] = field(default_factory=list)

    def frame(self, pose: Pose) -> Rgba:
        self.shown.append(pose)
        level = round(255 * pose.open)
        picture = np.full((SIZE, SIZE, 4), level, np.uint8)
        picture[..., 3] = 255
        picture[: SIZE // 2, :, 3] = 0
        return picture

    def frame_over(self, pose: Pose, plate: Rgb) -> Rgb:
        return over(self.frame(pose), plate)

    def plate(self) -> Rgba:
        return np.full((SIZE, SIZE, 4), (10, 200, 10, 255), np.uint8)


@dataclass(frozen=True)
class Ramp:
    """Opens the jaw in one second."""

    def poses(self, fps: float) -> Iterator[Pose]:
        return (Pose(open=min(1.0, number / fps)) for number in itertools.count())


def silence(seconds: float) -> NDArray[np.float32]:
    return np.zeros(round(seconds * SAMPLE_RATE), np.float32)


def pictures(path: Path) -> Iterable[NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


@pytest.mark.parametrize("fps", [12, 25, 30])
def test_every_frame_shows_the_moment_it_is_shown_at(tmp_path: Path, fps: int) -> None:
    face = Lamp()
    filmed = film(tmp_path / "out.mp4", face, Ramp(), silence(1.0), fps=fps)
    assert [pose.open for pose in face.shown] == [
        pytest.approx(min(1.0, number / fps)) for number in range(filmed.frames)
    ]
    assert len(list(pictures(tmp_path / "out.mp4"))) == filmed.frames


def test_the_video_outlasts_the_sound_by_less_than_a_tail_and_a_frame(tmp_path: Path) -> None:
    filmed = film(tmp_path / "out.mp4", Lamp(), Ramp(), silence(0.9), fps=25)
    assert 0.9 + TAIL_S <= filmed.duration_s < 0.9 + TAIL_S + 1 / 25
    assert filmed.duration_s == frames_of(0.9, 25) / 25


def test_a_face_that_stops_moving_stays_as_it_is(tmp_path: Path) -> None:
    class Nod:
        def poses(self, fps: float) -> Iterator[Pose]:
            yield Pose(open=0.0)
            yield Pose(open=1.0)

    face = Lamp()
    filmed = film(tmp_path / "out.mp4", face, Nod(), silence(0.5))
    assert [pose.open for pose in face.shown] == [0.0] + [1.0] * (filmed.frames - 1)


def test_progress_is_told_after_every_frame_and_may_end_the_work(tmp_path: Path) -> None:
    told: list[float] = []

    class Enough(Exception):
        pass

    def on_frame(done: float) -> None:
        told.append(done)
        if done > 0.5:
            raise Enough

    with pytest.raises(Enough):
        film(tmp_path / "out.mp4", Lamp(), Ramp(), silence(1.0), on_frame=on_frame)
    assert all(now < after for now, after in itertools.pairwise(told))
    assert 0.5 < told[-1] < 0.6


@pytest.mark.parametrize(
    ("backdrop", "expected"),
    [
        (Backdrop(), (10, 200, 10)),
        (Backdrop("blur"), (10, 200, 10)),
        (Backdrop("colour", colour=(200, 30, 40)), (200, 30, 40)),
        (
            Backdrop("image", image=np.full((10, 40, 4), (20, 40, 220, 255), np.uint8)),
            (20, 40, 220),
        ),
    ],
)
def test_the_backdrop_is_what_was_asked_for(
    tmp_path: Path, backdrop: Backdrop, expected: tuple[int, int, int]
) -> None:
    path = tmp_path / "out.mp4"
    film(path, Lamp(), Ramp(), silence(0.2), backdrop=backdrop)
    first = next(iter(pictures(path)))
    assert np.abs(first[: SIZE // 2 - 4].mean((0, 1)) - expected).max() < 8
    assert first[SIZE // 2 + 4 :].max() < 30


def test_a_picture_covers_the_frame_without_being_stretched() -> None:
    wide = np.zeros((20, 80, 4), np.uint8)
    wide[..., 3] = 255
    wide[:, 30:50, 0] = 255  # the middle square is red
    plate = plate_for(Backdrop("image", image=wide), Lamp().plate())
    assert plate is not None
    assert plate.shape == (SIZE, SIZE, 3)
    assert plate[:, 4:-4, 0].min() > 200


def test_a_see_through_picture_stands_on_white_and_a_transparent_film_on_nothing() -> None:
    own = np.zeros((SIZE, SIZE, 4), np.uint8)
    plate = plate_for(Backdrop(), own)
    assert plate is not None
    assert plate.min() == 255
    assert plate_for(Backdrop("transparent"), own) is None


def test_a_transparent_film_shows_the_face_alone(tmp_path: Path) -> None:
    path = tmp_path / "out.webm"
    film(
        path,
        Lamp(),
        Ramp(),
        silence(0.1),
        backdrop=Backdrop("transparent"),
        video_format="webm",
    )
    with av.open(str(path)) as container:
        assert container.streams.video[0].metadata["ALPHA_MODE"] == "1"
