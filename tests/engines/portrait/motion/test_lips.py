"""What is measured on a finished film is what the film shows."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import platformdirs
import pytest
from numpy.typing import NDArray
from PIL import Image

from bench.lips import Gauge, Lips, by_mesh, by_pixels, lips, parting
from charafy.engines.portrait import Box, Framing
from charafy.engines.portrait.baking import bake
from charafy.engines.portrait.finding import Finder
from charafy.engines.portrait.motion import Track, track
from charafy.engines.portrait.rendering import RigRenderer
from charafy.engines.voice.visemes import Viseme
from charafy.engines.weights import Store
from charafy.kernel.media.audio import SAMPLE_RATE
from charafy.kernel.media.video import Film
from charafy.videos.filming import RigFace, film
from tests.engines.portrait.motion.speeches import in_a_row

FACES = Path(__file__).parents[3] / "data" / "faces"
SKIN, INK = (230, 200, 180), (60, 20, 30)
MOUTH = Box(54, 90, 20, 8)
SAYING = in_a_row(
    *[("aa", 0.2), ("PP", 0.08), ("E", 0.25), ("SS", 0.1), ("oh", 0.2), ("PP", 0.08), ("ih", 0.15)]
    * 3,
    ("sil", 1.6),
    *[("DD", 0.1), ("aa", 0.3), ("PP", 0.1), ("ou", 0.2), ("PP", 0.08), ("E", 0.2)] * 2,
    start_s=0.4,
)
DURATION_S = 8.0
Opening = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@pytest.fixture(scope="module")
def said() -> Track:
    return track(SAYING, DURATION_S, seed=1)


def visemes() -> list[Viseme]:
    return [Viseme(c.shape, c.start_s, c.end_s) for c in SAYING]  # type: ignore[arg-type]


def voice() -> NDArray[np.float32]:
    """A hum while something is said."""
    times = np.arange(round(DURATION_S * SAMPLE_RATE)) / SAMPLE_RATE
    loud = np.zeros(len(times))
    for cue in SAYING:
        inside = (times >= cue.start_s) & (times < cue.end_s)
        loud[inside] = 0.0 if cue.shape == "sil" else 0.02 if cue.shape == "PP" else 0.3
    return (loud * np.sin(2 * np.pi * 150 * times)).astype(np.float32)


def puppet(path: Path, opening: Opening, pcm: NDArray[np.float32]) -> Path:
    """A film of a dark rectangle on skin, as high as `opening` says."""
    with Film(path, pcm, width=128, height=128, fps=25) as out:
        for number in range(round(DURATION_S * 25)):
            frame = np.full((128, 128, 3), SKIN, np.uint8)
            height = 16.0 * float(opening(np.array([number / 25]))[0])
            rows = np.clip(height - np.arange(24), 0, 1)[:, None, None]
            part = frame[90:114, 54:74]
            part[:] = (part * (1 - rows) + np.array(INK) * rows).astype(np.uint8)
            out.show(frame)
    return path


def seen(path: Path, said: Track, gauge: Gauge | None = None) -> Lips:
    return lips(
        path,
        gauge or by_pixels(MOUTH),
        parting(said),
        visemes=visemes(),
        pcm=voice(),
        sample_rate=SAMPLE_RATE,
    )


def test_a_film_that_does_as_it_was_told_is_found_so(tmp_path: Path, said: Track) -> None:
    found = seen(puppet(tmp_path / "good.mp4", parting(said), voice()), said)
    assert found.frames == 200
    assert found.without_face == 0
    assert found.correlation > 0.97
    assert abs(found.offset_ms) < 5
    assert found.closed == found.closures == 10
    assert found.silence_spread < 0.02
    assert abs(found.end_gap_ms) < 45


@pytest.mark.parametrize("late_s", [-0.08, 0.12])
def test_a_mouth_that_comes_late_is_noticed(tmp_path: Path, said: Track, late_s: float) -> None:
    path = puppet(tmp_path / "late.mp4", lambda t: parting(said)(t - late_s), voice())
    assert seen(path, said).offset_ms == pytest.approx(1000 * late_s, abs=12)


def test_sound_that_comes_late_is_noticed(tmp_path: Path, said: Track) -> None:
    late = np.concatenate([np.zeros(SAMPLE_RATE // 10, np.float32), voice()])[: len(voice())]
    found = seen(puppet(tmp_path / "sound.mp4", parting(said), late), said)
    assert found.audio_late_ms == pytest.approx(100, abs=10)
    assert found.offset_ms == pytest.approx(-100, abs=12)


def test_lips_that_never_meet_are_noticed(tmp_path: Path, said: Track) -> None:
    def ajar(t: NDArray[np.float64]) -> NDArray[np.float64]:
        talking = (t > 0.3) & (t < 7.6)
        return np.maximum(parting(said)(t), np.where(talking, 0.35, 0.0))

    found = seen(puppet(tmp_path / "ajar.mp4", ajar, voice()), said)
    assert found.closures == 10
    assert found.closed == 0


def test_a_mouth_that_trembles_in_silence_is_noticed(tmp_path: Path, said: Track) -> None:
    def trembling(t: NDArray[np.float64]) -> NDArray[np.float64]:
        return parting(said)(t) + 0.15 * (np.floor(t * 25 + 0.5) % 2)

    assert seen(puppet(tmp_path / "shaky.mp4", trembling, voice()), said).silence_spread > 0.05


def test_a_film_without_a_face_has_no_figures(tmp_path: Path, said: Track) -> None:
    path = puppet(tmp_path / "nobody.mp4", parting(said), voice())
    with pytest.raises(ValueError, match="0 frames"):
        lips(path, lambda frame: None, parting(said))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["hopper.jpg", "obama.jpg"])
def test_a_photo_speaks_as_its_track_asks(tmp_path: Path, said: Track, name: str) -> None:
    folder = os.environ.get("CHARAFY_MODELS") or str(
        Path(platformdirs.user_cache_dir("charafy", appauthor=False)) / "models"
    )
    models = Store(Path(folder)).ensure("portrait")
    with Image.open(FACES / name) as image:
        picture = np.asarray(image.convert("RGBA"))
    rig = bake(picture, Finder(models).find(picture), Framing(384, 384))
    path = tmp_path / "film.mp4"
    film(path, RigFace(rig, RigRenderer()), said, voice())
    found = lips(
        path,
        by_mesh(models),
        parting(said),
        visemes=visemes(),
        pcm=voice(),
        sample_rate=SAMPLE_RATE,
    )
    assert found.without_face == 0
    assert found.correlation > 0.88
    assert abs(found.offset_ms) < 20
    assert found.closed == found.closures
    assert found.silence_spread < 0.05
