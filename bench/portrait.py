"""A face from picture to film: CPU seconds, one thread, the best of several rounds turn by turn.

With `CHARAFY_BENCH_PROTOTYPE` naming a folder with the prototype's `talkface.py`, it is measured in
the same rounds on the same picture, landmarks and speech.
"""

from __future__ import annotations

import importlib.util
import itertools
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait import Framing, Pose, Rig
from charafy.engines.portrait.baking import bake
from charafy.engines.portrait.finding import Finder
from charafy.engines.portrait.motion import Track, track
from charafy.engines.portrait.rendering import RigRenderer
from charafy.engines.portrait.sprites import SpriteRenderer, bake_sprites
from charafy.engines.voice import SAMPLE_RATE, Mark, Pcm
from charafy.engines.voice.kokoro import KokoroVoice, stock_styles
from charafy.engines.voice.text import TextFrontEnd
from charafy.engines.voice.visemes import trim_to_sound, visemes
from charafy.engines.weights import Store
from charafy.kernel.media.video import Film
from charafy.kernel.settings import Settings
from charafy.videos.filming import TAIL_S, Face, RigFace, film
from charafy.videos.studio import SpriteFace

ROOT = Path(__file__).parents[1]
FACES = ROOT / "tests" / "data" / "faces"
PHOTO = FACES / "obama.jpg"
DRAWING = ROOT / "src" / "charafy" / "demo" / "portraits" / "hana.webp"
TEXT = (
    "My mother brought five big apples from the village, and Bob put them on the table. "
    "Would you like some? They are very good for baking pie."
)
ROUNDS = 3
T = TypeVar("T")
FPS = 25


@dataclass(frozen=True, slots=True)
class Speech:
    """What is said in every film here."""

    pcm: Pcm
    marks: tuple[Mark, ...]

    @property
    def audio_s(self) -> float:
        return len(self.pcm) / SAMPLE_RATE

    def moves(self) -> Track:
        shapes = visemes(self.marks, self.audio_s)
        cues = trim_to_sound(shapes, self.pcm, SAMPLE_RATE)
        return track(cues, self.audio_s + TAIL_S, seed=1)


def run() -> dict[str, Any]:
    import cv2

    cv2.setNumThreads(1)
    speech = spoken()
    figures: dict[str, Any] = {
        "baking": {"photo": baking(PHOTO), "drawing": baking(DRAWING)},
        "cold_start": cold_start(),
    }
    faces = filmed_faces()
    figures["cpu_s_per_output_s"] = {
        name: per_output_second(face, speech) for name, face in faces.items()
    }
    if folder := os.environ.get("CHARAFY_BENCH_PROTOTYPE"):
        figures["cpu_s_per_output_s"]["prototype_512"] = prototype(Path(folder), speech)
    figures["resident_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000
    return figures


def filmed_faces() -> Mapping[str, Face]:
    renderer = RigRenderer(kept=8)
    photo = rig_of(PHOTO, Framing(512, 512))
    return {
        "photo_512": RigFace(photo, renderer),
        "drawing_512": RigFace(rig_of(DRAWING, Framing(512, 512)), renderer),
        "sprite_512": SpriteFace(bake_sprites(photo, renderer), SpriteRenderer()),
        "photo_720x1280": RigFace(rig_of(PHOTO, Framing(720, 1280)), renderer),
        "drawing_720x1280": RigFace(rig_of(DRAWING, Framing(720, 1280)), renderer),
    }


def baking(path: Path) -> dict[str, float]:
    """CPU seconds of finding and baking at 512x512, warm."""
    image, finder = picture(path), finder_of_all()
    best: dict[str, float] = {}
    for _ in range(ROUNDS + 1):
        finding, find_s = timed(lambda: finder.find(image))
        _, bake_s = timed(partial(bake, image, finding, Framing()))
        for name, took in (("find_s", find_s), ("bake_s", bake_s), ("both_s", find_s + bake_s)):
            best[name] = min(took, best.get(name, took))
    return best


def per_output_second(face: Face, speech: Speech) -> dict[str, float]:
    """CPU seconds that one second of film takes: all of it, and its parts alone."""
    plate = np.ascontiguousarray(face.plate()[..., :3])
    poses = list(speech.moves().poses(FPS))
    output_s = len(poses) / FPS
    pictures = [face.frame_over(pose, plate).copy() for pose in poses[: 4 * FPS]]
    best: dict[str, float] = {}
    for _ in range(ROUNDS):
        _, render_s = timed(lambda: [face.frame_over(pose, plate) for pose in poses])
        _, encode_s = timed(lambda: encoded(pictures, speech.pcm))
        _, total_s = timed(lambda: whole(face, speech))
        parts = {
            "render": render_s / output_s,
            "encode": encode_s / (len(pictures) / FPS),
            "total": total_s / output_s,
        }
        best = {name: min(took, best.get(name, took)) for name, took in parts.items()}
    return best


def encoded(pictures: list[NDArray[np.uint8]], pcm: Pcm) -> None:
    height, width = pictures[0].shape[:2]
    with tempfile.TemporaryDirectory() as folder:
        sound = pcm[: len(pictures) * SAMPLE_RATE // FPS]
        out = Path(folder) / "out.mp4"
        with Film(out, sound, width=width, height=height, fps=FPS) as writer:
            for one in pictures:
                writer.show(one)


def whole(face: Face, speech: Speech) -> None:
    """From the marks to the finished file."""
    with tempfile.TemporaryDirectory() as folder:
        film(Path(folder) / "out.mp4", face, speech.moves(), speech.pcm, fps=FPS)


def cold_start() -> dict[str, float]:
    """A process of its own, from its start to the first frame of a photo."""
    began = time.perf_counter()
    code = "from bench import portrait; portrait.first_frame()"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    wall_s = time.perf_counter() - began
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return {"wall_s": wall_s, **figures}


def first_frame() -> None:
    """Find, bake, draw once; prints what it took as JSON."""
    rig = rig_of(PHOTO, Framing())
    RigRenderer().frame(rig, Pose(open=0.5))
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000
    print(json.dumps({"cpu_s": time.process_time(), "resident_mb": peak_mb}))


def prototype(folder: Path, speech: Speech) -> dict[str, float]:
    """The prototype's renderer with its own encoder settings, on our landmarks and matte."""
    import cv2

    image = picture(PHOTO)
    finding = finder_of_all().find(image)
    assert finding.landmarks is not None
    bgr = np.ascontiguousarray(image[..., 2::-1])
    topology = ROOT / "src/charafy/engines/portrait/photo/topology.npy"
    with tempfile.TemporaryDirectory() as scratch:
        triangles = Path(scratch) / "triangles.npy"
        np.save(triangles, np.load(topology).reshape(-1, 3).astype(np.int32))
        # A copy of its own: what it compiles is kept beside it.
        module = _module(Path(shutil.copy(folder / "talkface.py", scratch)))
        rig = module.Rig(bgr, finding.landmarks, 512, tri=str(triangles), matte=finding.matte)
        rig.frame({})
    phonemes = [(m.text, m.start_s, m.end_s) for m in speech.marks if m.kind == "phoneme"]
    sound = (speech.pcm * 32767).astype(np.int16)
    poses = module.animate(rig, phonemes, speech.audio_s, sound, SAMPLE_RATE)
    pictures = [
        np.asarray(cv2.cvtColor(rig.frame(pose), cv2.COLOR_BGR2RGB), np.uint8)
        for pose in itertools.islice(poses, 4 * FPS)
    ]
    best: dict[str, float] = {}
    for _ in range(ROUNDS):
        _, render_s = timed(lambda: [rig.frame(pose) for pose in poses])
        _, encode_s = timed(lambda: encoded(pictures, speech.pcm))
        parts = {
            "render": render_s / (len(poses) / FPS),
            "encode_by_ours": encode_s / (len(pictures) / FPS),
        }
        best = {name: min(took, best.get(name, took)) for name, took in parts.items()}
    return best


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What it gives, and the CPU seconds of this process."""
    began = time.process_time()
    result = work()
    return result, time.process_time() - began


def rig_of(path: Path, framing: Framing) -> Rig:
    image = picture(path)
    return bake(image, finder_of_all().find(image), framing)


@cache
def finder_of_all() -> Finder:
    return Finder(Store(Settings().models).ensure("portrait"))


@cache
def spoken(text: str = TEXT) -> Speech:
    store = Store(Settings().models)
    model = store.ensure("kokoro")
    voice = KokoroVoice(model, stock_styles(), TextFrontEnd(), model.parent / "derived", 2)
    chunks = list(voice.speak(text, "af_heart", "en"))
    pcm = np.concatenate([chunk.pcm for chunk in chunks])
    return Speech(pcm, tuple(mark for chunk in chunks for mark in chunk.marks))


def picture(path: Path) -> NDArray[np.uint8]:
    from PIL import Image

    with Image.open(path) as image:
        return np.asarray(image.convert("RGBA"), np.uint8)


def _module(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module
