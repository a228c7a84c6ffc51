"""`lips` on films of a smiling photo, a plain one, a drawing, and at the end of ten minutes."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.lips import Gauge, Lips, by_mesh, by_pixels, lips, parting, shown
from bench.sentences import ENGLISH, JAPANESE
from charafy.engines.portrait import Framing, Kind, Pose
from charafy.engines.portrait.baking import bake
from charafy.engines.portrait.finding import Finder
from charafy.engines.portrait.motion import track
from charafy.engines.portrait.rendering import RigRenderer
from charafy.engines.voice import SAMPLE_RATE, Language, Mark
from charafy.engines.voice.kokoro import KokoroVoice, stock_styles
from charafy.engines.voice.text import TextFrontEnd
from charafy.engines.voice.visemes import Viseme, trim_to_sound, visemes
from charafy.engines.weights import Store
from charafy.kernel.settings import Settings
from charafy.videos.filming import TAIL_S, RigFace, film

FACES: Final = Path(__file__).parents[1] / "tests" / "data" / "faces"
PAUSE_S: Final = 1.6
LONG_S: Final = 600.0
SEEN_S: Final = 30.0
"""The last part of the long film that is looked at."""


@dataclass(frozen=True, slots=True)
class Speech:
    language: Language
    pcm: NDArray[np.float32]
    visemes: tuple[Viseme, ...]

    @property
    def duration_s(self) -> float:
        return len(self.pcm) / SAMPLE_RATE


def speech(texts: Sequence[str], voice: str, language: Language) -> Speech:
    """The sentences with a pause after each."""
    model = Store(Settings().models).ensure("kokoro")
    speaker = KokoroVoice(model, stock_styles(), TextFrontEnd(), model.parent, 1)
    pieces: list[NDArray[np.float32]] = []
    marks: list[Mark] = []
    at = 0.0
    for text in texts:
        chunks = list(speaker.speak(text, voice, language))
        marks += [
            replace(mark, start_s=mark.start_s + at, end_s=mark.end_s + at)
            for chunk in chunks
            for mark in chunk.marks
        ]
        pieces += [chunk.pcm for chunk in chunks]
        pieces.append(np.zeros(round(PAUSE_S * SAMPLE_RATE), np.float32))
        at = sum(map(len, pieces)) / SAMPLE_RATE
    pcm = np.concatenate(pieces)
    return Speech(language, pcm, trim_to_sound(visemes(marks, at), pcm, SAMPLE_RATE))


def repeated(said: Speech, duration_s: float) -> Speech:
    """The same over and over."""
    times = int(duration_s / said.duration_s) + 1
    shifted = [
        replace(v, start_s=v.start_s + i * said.duration_s, end_s=v.end_s + i * said.duration_s)
        for i in range(times)
        for v in said.visemes
    ]
    return Speech(said.language, np.tile(said.pcm, times), tuple(shifted))


def measured(picture: Path, said: Speech, size: int, part: tuple[float, float]) -> Lips:
    """Film the face of `picture` speaking and look at the film."""
    models = Store(Settings().models).ensure("portrait")
    finder = Finder(models)
    with Image.open(picture) as image:
        pixels = np.asarray(image.convert("RGBA"))
    finding = finder.find(pixels)
    rig = bake(pixels, finding, Framing(size, size))
    face = RigFace(rig, RigRenderer())
    moves = track(said.visemes, said.duration_s + TAIL_S, seed=5, language=said.language)
    gauge = by_mesh(models) if finding.kind is Kind.PHOTO else _drawn(finder, face)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.mp4"
        film(path, face, moves, said.pcm)
        return lips(path, gauge, parting(moves), visemes=said.visemes, pcm=said.pcm, part=part)


def _drawn(finder: Finder, face: RigFace) -> Gauge:
    frame = face.frame_over(Pose(), face.plate()[..., :3].copy())
    opaque = np.full((*frame.shape[:2], 4), 255, np.uint8)
    opaque[..., :3] = frame
    anchors = finder.find(opaque, kind=Kind.DRAWING).anchors
    if anchors is None:
        raise ValueError("the drawing's mouth was not found in its own film")
    return by_pixels(anchors.mouth)


def run() -> dict[str, Any]:
    english = speech(ENGLISH[3:6], "af_heart", "en")
    japanese = speech(JAPANESE[:3], "jf_alpha", "ja")
    whole = partial(measured, size=512, part=(0.0, np.inf))
    long = repeated(english, LONG_S)
    end = (long.duration_s - SEEN_S, long.duration_s)
    return {
        "smiling_photo_en": shown(whole(FACES / "obama.jpg", english)),
        "photo_ja": shown(whole(FACES / "hopper.jpg", japanese)),
        "drawing_ja": shown(whole(FACES / "lucy.png", japanese)),
        "end_of_ten_minutes": shown(measured(FACES / "hopper.jpg", long, 256, end)),
    }
