"""Films: what players and editors will find in the file."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from charafy.kernel.media.audio import SAMPLE_RATE
from charafy.kernel.media.video import Film, VideoFormat

FPS = 25
SIZE = 64


def grey(level: int) -> NDArray[np.uint8]:
    return np.full((SIZE, SIZE, 3), level, np.uint8)


def beep_after(silence_s: float, duration_s: float) -> NDArray[np.float32]:
    at = np.arange(round(duration_s * SAMPLE_RATE)) / SAMPLE_RATE
    return (0.4 * np.sin(2 * np.pi * 440 * at) * (at >= silence_s)).astype(np.float32)


def shoot(path: Path, video_format: VideoFormat, onset_s: float = 1.0) -> None:
    """Black, then a second of white and a beep."""
    with Film(
        path,
        beep_after(onset_s, onset_s + 1.0),
        width=SIZE,
        height=SIZE,
        fps=FPS,
        video_format=video_format,
    ) as film:
        while film.at_s < onset_s + 1.0:
            film.show(grey(250 if film.at_s >= onset_s else 5))


def onset_of_light(path: Path) -> float:
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            if frame.to_ndarray(format="gray").mean() > 128:
                assert frame.time is not None
                return frame.time
    raise AssertionError("it never became light")


def onset_of_sound(path: Path) -> float:
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            samples = np.abs(frame.to_ndarray()[0])
            if samples.max() > 0.2:
                assert frame.time is not None
                return frame.time + int(np.argmax(samples > 0.2)) / frame.sample_rate
    raise AssertionError("nothing was heard")


@pytest.mark.parametrize("video_format", ["mp4", "webm"])
def test_sound_and_picture_meet_within_a_few_milliseconds(
    tmp_path: Path, video_format: VideoFormat
) -> None:
    path = tmp_path / f"film.{video_format}"
    shoot(path, video_format)
    assert onset_of_light(path) == pytest.approx(1.0, abs=0.002)
    assert onset_of_sound(path) == pytest.approx(1.0, abs=0.005)


@pytest.mark.slow
def test_they_still_meet_after_ten_minutes(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    shoot(path, "mp4", onset_s=600.0)
    assert onset_of_light(path) == pytest.approx(600.0, abs=0.002)
    assert onset_of_sound(path) == pytest.approx(600.0, abs=0.005)


def test_every_frame_is_there_and_colours_come_back(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    colours = ([200, 60, 40], [40, 160, 60], [30, 70, 190])
    with Film(path, np.zeros(2400, np.float32), width=SIZE, height=SIZE, fps=FPS) as film:
        for colour in colours:
            film.show(np.full((SIZE, SIZE, 3), colour, np.uint8))
    with av.open(str(path)) as container:
        shown = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(shown) == len(colours)
    for picture, colour in zip(shown, colours, strict=True):
        assert np.abs(picture.mean((0, 1)) - colour).max() < 6


def test_an_mp4_starts_playing_before_it_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    shoot(path, "mp4", onset_s=0.0)
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_a_transparent_webm_keeps_its_alpha(tmp_path: Path) -> None:
    path = tmp_path / "film.webm"
    picture = np.dstack([grey(200), np.full((SIZE, SIZE), 255, np.uint8)])
    picture[:, : SIZE // 2, 3] = 0
    with Film(
        path,
        np.zeros(2400, np.float32),
        width=SIZE,
        height=SIZE,
        fps=FPS,
        video_format="webm",
        transparent=True,
    ) as film:
        film.show(picture)
    decoder = av.CodecContext.create("libvpx-vp9", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    with av.open(str(path)) as container:
        assert container.streams.video[0].metadata["ALPHA_MODE"] == "1"
        shown = [f for packet in container.demux(video=0) for f in decoder.decode(packet)]
    alpha = shown[0].to_ndarray(format="rgba")[..., 3]
    assert alpha[:, : SIZE // 2 - 2].max() < 10
    assert alpha[:, SIZE // 2 + 2 :].min() > 245


def test_sound_longer_than_the_pictures_is_kept_whole(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    with Film(path, beep_after(0.9, 1.0), width=SIZE, height=SIZE, fps=FPS) as film:
        film.show(grey(10))
    assert onset_of_sound(path) == pytest.approx(0.9, abs=0.005)


def test_what_no_player_shows_is_refused(tmp_path: Path) -> None:
    silence = np.zeros(10, np.float32)
    with pytest.raises(ValueError, match="even"):
        Film(tmp_path / "odd.mp4", silence, width=63, height=64, fps=FPS)
    with pytest.raises(ValueError, match="WebM"):
        Film(tmp_path / "see.mp4", silence, width=64, height=64, fps=FPS, transparent=True)
