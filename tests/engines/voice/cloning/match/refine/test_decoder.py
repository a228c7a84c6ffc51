"""Kokoro's decoder in JAX says what the int8 graph says, and its gradients are true."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import ModelProto
from onnxruntime import InferenceSession

from charafy.engines.voice.cloning.match.refine.decoder import decode
from charafy.engines.voice.cloning.match.refine.weights import decoder_weights
from charafy.engines.voice.kokoro import stock_styles
from charafy.engines.voice.kokoro.graph import extract
from charafy.engines.voice.vocabulary import SYMBOLS
from tests.engines.voice.kokoro.phonemes import HELLO
from tests.support.refining import model, weights

Floats = NDArray[np.float32]
NAMES = {
    "asr": "/encoder/MatMul_1_output_0",
    "f0": "/encoder/Reshape_output_0",
    "energy": "/encoder/Reshape_1_output_0",
    "harmonics": "/decoder/decoder/generator/Concat_3_output_0",
    "audio": "audio",
}


def said(symbols: str, style: Floats) -> dict[str, Floats]:
    """What the whole int8 graph computes on its way to the audio."""
    part = extract(model(), ["tokens", "style", "speed"], list(NAMES.values()))
    session = InferenceSession(part.SerializeToString(), providers=["CPUExecutionProvider"])
    tokens = np.array([[0, *(SYMBOLS[s] for s in symbols), 0]], np.int64)
    speed = np.ones(1, np.float32)
    out = session.run(list(NAMES.values()), {"tokens": tokens, "style": style, "speed": speed})
    found = dict(zip(NAMES, out, strict=True))
    told = {name: found[name][0] for name in ("f0", "energy")}
    turned = {name: found[name][0].T for name in ("asr", "harmonics")}
    return told | turned | {"audio": found["audio"].ravel()}


def spectrum(pcm: Floats) -> Floats:
    frames = np.lib.stride_tricks.sliding_window_view(pcm, 1024)[::256] * np.hanning(1024)
    return np.log(np.square(np.abs(np.fft.rfft(frames))) + 1e-3).astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize("voice", ["af_heart", "am_michael", "jf_alpha"])
def test_it_says_what_the_graph_says_as_loud(voice: str) -> None:
    style = stock_styles()[voice].row(len(HELLO))
    told = said(HELLO, style)
    wanted = told.pop("audio")
    got = np.asarray(jax.jit(decode)(weights(), **told, timbre=style[0, :128]))
    assert len(got) == len(wanted)
    # Not closer, because the graph rounds every activation to 8 bits.
    assert np.corrcoef(got, wanted)[0, 1] > 0.95
    assert np.abs(spectrum(got) - spectrum(wanted)).mean() < 0.6
    assert np.sqrt(np.mean(got**2) / np.mean(wanted**2)) == pytest.approx(1.0, abs=0.05)


@pytest.mark.slow
def test_another_timbre_is_another_voice() -> None:
    heart, michael = (stock_styles()[v].row(len(HELLO)) for v in ("af_heart", "am_michael"))
    told = said(HELLO, heart)
    wanted = told.pop("audio")
    own, other = (
        np.asarray(jax.jit(decode)(weights(), **told, timbre=style[0, :128]))
        for style in (heart, michael)
    )
    apart = np.abs(spectrum(other) - spectrum(wanted)).mean()
    assert apart > 2 * np.abs(spectrum(own) - spectrum(wanted)).mean()


def test_another_model_is_refused() -> None:
    with pytest.raises(ValueError, match="decoder is not the one of Kokoro"):
        decoder_weights(ModelProto())
