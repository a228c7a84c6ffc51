"""Photos and films on the command line."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest
from PIL import Image

from tests.cli.conftest import Run
from tests.support import faces


def test_a_photo_is_told_what_it_is_good_for(charafy: Run) -> None:
    answer = charafy("characters", "preview", str(faces.FACES / "astronaut.jpg"))
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.startswith("An avatar can be made of it: a photo of 512 x 512 pixels")


def test_a_photo_that_is_good_for_nothing_says_why_and_leaves_with_1(
    charafy: Run, tmp_path: Path
) -> None:
    Image.new("RGB", (200, 200), "white").save(tmp_path / "white.png")
    answer = charafy("characters", "preview", str(tmp_path / "white.png"))
    assert answer.returncode == 1
    first, second = answer.stdout.splitlines()
    assert first == "No avatar can be made of it (200 x 200 pixels)."
    assert second.startswith("no_face: No face was found in this picture.")


def test_what_is_no_photo_is_one_sentence(charafy: Run, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    for path, words in (
        (tmp_path / "notes.txt", "is not a JPEG, PNG, WebP or HEIC picture"),
        (tmp_path / "missing.jpg", "can't be read"),
    ):
        answer = charafy("characters", "preview", str(path))
        assert (answer.returncode, answer.stdout) == (1, "")
        assert words in answer.stderr
        assert "Traceback" not in answer.stderr


def filmed(path: Path) -> tuple[int, int, float, Fraction]:
    """Width, height, seconds and frame rate."""
    with av.open(str(path)) as film:
        video, (audio, *_) = film.streams.video[0], film.streams.audio
        frames = sum(1 for _ in film.decode(video))
        assert audio.codec_context.sample_rate in (24_000, 48_000)
        assert video.average_rate
        return video.width, video.height, float(frames / video.average_rate), video.average_rate


@pytest.mark.slow
def test_a_character_is_filmed_into_the_file_that_was_named(charafy: Run, tmp_path: Path) -> None:
    output = tmp_path / "hello.mp4"
    answer = charafy(
        "video", "Hello there.", "--character", "emma", "-o", str(output),
        "--size", "256x320", "--fps", "20", "--background", "#f5efe6",
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    width, height, seconds, rate = filmed(output)
    assert (width, height, rate) == (256, 320, Fraction(20))
    assert f"Emma speaks for {seconds:.1f} s in {output}." in answer.stderr
    assert answer.stdout == ""
    assert [path.name for path in tmp_path.iterdir()] == ["hello.mp4"]


@pytest.mark.slow
def test_sprites_stand_before_a_picture_of_one_s_own(charafy: Run, tmp_path: Path) -> None:
    Image.new("RGB", (400, 300), "#2060a0").save(tmp_path / "sea.png")
    output = tmp_path / "hello.webm"
    answer = charafy(
        "video", "Hi.", "--character", "Emma", "-o", str(output),
        "--size", "128x128", "--sprite", "--background", str(tmp_path / "sea.png"),
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert filmed(output)[:2] == (128, 128)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("-o", "film.avi"), "The file's name must end in .mp4 or .webm."),
        (("-o", "film.mp4", "--size", "big"), "--size must be width x height in pixels"),
        (("-o", "film.mp4", "--size", "64x64"), "width: must be greater than or equal to 128."),
        (("-o", "film.mp4", "--size", "129x128"), "width: must be even."),
        (("-o", "film.mp4", "--aspect", "4:3"), "aspect: must be"),
        (("-o", "film.mp4", "--fps", "500"), "fps: must be less than or equal to 60."),
        (("-o", "film.mp4", "--background", "transparent"), "only WebM can be transparent"),
        (("-o", "film.mp4", "--background", "missing.png"), 'background: must be "keep"'),
        (("-o", "no-such-folder/film.mp4"), "There is no folder no-such-folder."),
        (("-o", "film.mp4", "--character", "Nobody"), "There is no character called Nobody"),
    ],
)
def test_what_can_t_be_filmed_is_one_sentence_and_no_file(
    charafy: Run, tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    named = [str(tmp_path / part) if part == "film.mp4" else part for part in options]
    answer = charafy("video", "Hi.", "--character", "Emma", *named)
    assert (answer.returncode, answer.stdout) == (1, "")
    assert words in answer.stderr
    assert "Traceback" not in answer.stderr
    assert list(tmp_path.iterdir()) == []


def test_nothing_to_say_leaves_no_film(charafy: Run, tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"an older film")
    answer = charafy("video", "😀", "--character", "Emma", "-o", str(tmp_path / "film.mp4"))
    assert answer.returncode == 1
    assert "There is nothing to say in the text" in answer.stderr
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"an older film"]
