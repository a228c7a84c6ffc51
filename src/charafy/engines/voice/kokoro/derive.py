"""Kokoro's one graph -> two that stream: text -> features, and features -> audio by windows.

The acoustic part (text, prosody, features at 40 frames per second, source signal) costs little and
runs once per clause, so that it sees the whole of it. The vocoder costs nearly everything and runs
window by window. The source signal (harmonics of the pitch) belongs to the acoustic part because
its phase adds up from the first frame: neighbouring windows agree on it and join without a click.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from onnx import ModelProto, TensorProto, helper, load_from_string

from charafy.engines.voice.kokoro import rewrite
from charafy.engines.voice.kokoro.arithmetic import signed_products_are_exact
from charafy.engines.voice.kokoro.graph import Graph, extract
from charafy.kernel.files import write_atomic

RECIPE: Final = 3
"""Part of the cache key: raise it with every change of what is derived."""

_NORMS: Final = 48
_PITCH: Final = "/encoder/Squeeze_output_0"
_RENAMED: Final = {
    "/encoder/Clip_output_0": "durations",
    "/encoder/Reshape_1_output_0": "energy",
    "/decoder/decoder/decode.3/Div_4_output_0": "features",
    "/decoder/decoder/generator/Squeeze_output_0": "source",
}


def derive(model_path: Path, cache_dir: Path) -> tuple[Path, Path]:
    """Paths of the acoustic and the vocoder graph of `model_path`, made on first use.

    Raises `OSError` when the model cannot be read or the cache not written, `ValueError` when the
    file is not the Kokoro export that is expected.
    """
    data = model_path.read_bytes()
    signed = signed_products_are_exact()
    key = f"kokoro-{hashlib.sha256(data).hexdigest()[:16]}-{'s8' if signed else 'u8'}-{RECIPE}"
    acoustic, vocoder = cache_dir / f"{key}.acoustic.onnx", cache_dir / f"{key}.vocoder.onnx"
    if not (acoustic.exists() and vocoder.exists()):
        model = load_from_string(data)
        _rename(model)
        _scale_pitch(model)
        write_atomic(acoustic, _acoustic(model, signed).SerializeToString())
        write_atomic(vocoder, _vocoder(model, signed).SerializeToString())
    return acoustic, vocoder


def _acoustic(model: ModelProto, signed: bool) -> ModelProto:
    part = extract(
        model,
        ["tokens", "style", "speed", "pitch"],
        ["durations", "energy", "features", "source"],
    )
    graph = Graph(part.graph)
    rewrite.join_norms(graph)
    if signed:
        rewrite.sign_activations(graph)
    rewrite.join_scales(graph)
    return part


def _vocoder(model: ModelProto, signed: bool) -> ModelProto:
    part = extract(model, ["features", "source", "style"], ["audio"])
    graph = Graph(part.graph)
    if rewrite.join_norms(graph) != _NORMS or rewrite.join_snakes(graph) != _NORMS:
        raise ValueError("the model's vocoder is not the one of Kokoro v1.0")
    if signed:
        rewrite.sign_activations(graph)
    rewrite.give_moments(graph)
    rewrite.join_scales(graph)
    return part


def _rename(model: ModelProto) -> None:
    for node in model.graph.node:
        for names in (node.input, node.output):
            for i, name in enumerate(names):
                names[i] = _RENAMED.get(name, name)
    del model.graph.output[1:]


def _scale_pitch(model: ModelProto) -> None:
    """Multiply the predicted pitch by an input of that name (1 = as predicted)."""
    graph = model.graph
    places = [i for i, node in enumerate(graph.node) if _PITCH in node.output]
    if len(places) != 1:
        raise ValueError("the model has no pitch track")
    node = graph.node[places[0]]
    node.output[0] = f"{_PITCH}.plain"
    graph.node.insert(places[0] + 1, helper.make_node("Mul", [node.output[0], "pitch"], [_PITCH]))
    graph.input.append(helper.make_tensor_value_info("pitch", TensorProto.FLOAT, [1]))
