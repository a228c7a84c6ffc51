"""Pictures and recordings that something bit into: read, or refused in our own words, and soon.

What is bitten are real files. CHARAFY_TEST_EXAMPLES says how many bites each kind gets.
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

import av
import hypothesis
import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from PIL import Image

from charafy.kernel.errors import BadRequest
from charafy.kernel.media.audio import SAMPLE_RATE
from charafy.kernel.media.images import PhotoReader
from charafy.kernel.media.recordings import MAX_RECORDING_S, read_recording

DATA: Final = Path(__file__).parents[1] / "data"
EXAMPLES: Final = int(os.environ.get("CHARAFY_TEST_EXAMPLES", "60"))
PATIENCE_S: Final = 30.0
"""Of processor time, for one file of some hundred kilobytes."""

Bite = tuple[str, float, float, bytes]
"""What is done, where (as parts of the whole), and with which bytes."""

bites: Final = st.lists(
    st.tuples(
        st.sampled_from(("flip", "cut", "drop", "repeat", "splice", "number")),
        st.floats(0, 1),
        st.floats(0, 0.2),
        st.binary(min_size=1, max_size=16),
    ),
    min_size=1,
    max_size=6,
)


def bitten(data: bytes, what: list[Bite]) -> bytes:
    """Heads of files get as many bites as all the rest: there lies what decoders believe."""
    for kind, where, length, put in what:
        at = int(where * (len(data) - 1)) if len(put) % 2 else int(where * min(200, len(data) - 1))
        end = at + max(1, int(length * len(data)))
        if kind == "flip":
            data = data[:at] + bytes([data[at] ^ (1 << put[0] % 8)]) + data[at + 1 :]
        elif kind == "cut":
            data = data[: max(16, at)]
        elif kind == "drop":
            data = data[:at] + data[end:]
        elif kind == "repeat":
            data = data[:end] + data[at:end] + data[end:]
        elif kind == "splice":
            data = data[:at] + put + data[at:]
        else:
            data = data[:at] + b"\xff\xff\xff\x7f" + data[at + 4 :]
        data = data or b"\0"
    return data


def fuzzed(test: Callable[..., None]) -> Callable[..., None]:
    bounded = hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        phases=[hypothesis.Phase.generate],
    )
    made: Callable[..., None] = pytest.mark.slow(bounded(given(what=bites)(test)))
    return made


@cache
def picture(form: str) -> bytes:
    name = {"PNG": "eileen.png", "JPEG": "hopper.jpg"}.get(form, "hopper.jpg")
    with Image.open(DATA / "faces" / name) as image:
        small = image.convert("RGB")
        small.thumbnail((300, 300))
    buffer = io.BytesIO()
    if form == "HEIF":
        import pillow_heif

        pillow_heif.from_pillow(small).save(buffer)
    else:
        small.save(buffer, form, progressive=True)
    return buffer.getvalue()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "HEIF"])
def test_a_whole_picture_is_read(form: str) -> None:
    assert PhotoReader().read(picture(form)).data


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "HEIF"])
@fuzzed
def test_a_bitten_picture_is_read_or_refused(form: str, what: list[Bite]) -> None:
    began_s = time.process_time()
    try:
        photo = PhotoReader().read(bitten(picture(form), what))
    except BadRequest as refused:
        assert refused.param == "image"
    else:
        with Image.open(io.BytesIO(photo.data)) as image:
            image.load()
    assert time.process_time() - began_s < PATIENCE_S


@cache
def recording(ending: str) -> bytes:
    """Two seconds of a real voice."""
    pcm = read_recording((DATA / "voices" / "sonnet.flac").read_bytes())[: 2 * SAMPLE_RATE]
    codec, container = {
        "wav": ("pcm_s16le", "wav"),
        "mp3": ("libmp3lame", "mp3"),
        "ogg": ("libopus", "ogg"),
        "webm": ("libopus", "webm"),
        "flac": ("flac", "flac"),
        "m4a": ("aac", "mp4"),
    }[ending]
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as file:
        stream = file.add_stream(codec, rate=24_000, layout="mono")
        assert isinstance(stream, av.AudioStream)
        samples = np.round(pcm * 32_767).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return buffer.getvalue()


ENDINGS: Final = ["wav", "mp3", "ogg", "webm", "flac", "m4a"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_whole_recording_is_read(ending: str) -> None:
    assert len(read_recording(recording(ending))) == pytest.approx(2 * SAMPLE_RATE, rel=0.1)


@pytest.mark.parametrize("ending", ENDINGS)
@fuzzed
def test_a_bitten_recording_is_read_or_refused(ending: str, what: list[Bite]) -> None:
    began_s = time.process_time()
    try:
        pcm = read_recording(bitten(recording(ending), what))
    except BadRequest as refused:
        assert refused.param == "audio"
    else:
        assert len(pcm) <= MAX_RECORDING_S * SAMPLE_RATE
        assert np.isfinite(pcm).all()
    assert time.process_time() - began_s < PATIENCE_S
