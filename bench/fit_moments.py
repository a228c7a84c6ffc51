"""Fit the map by which the voice foretells its vocoder's moments (`assets/voices/*-moments.npz`).

Decodes clauses of every stock voice, and of blends of two, as a whole; reads the mean and variance
that each norm saw; fits them by ridge regression on what is known beforehand. About ten minutes.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto, helper, load

from bench.sentences import ENGLISH, JAPANESE
from charafy.engines.voice.kokoro import language_of, stock_styles
from charafy.engines.voice.kokoro.acoustic import Acoustics
from charafy.engines.voice.kokoro.derive import derive
from charafy.engines.voice.kokoro.graph import Graph
from charafy.engines.voice.kokoro.moments import summary
from charafy.engines.voice.kokoro.timeline import script
from charafy.engines.voice.text import TextFrontEnd
from charafy.engines.weights import Store
from charafy.kernel.settings import Settings

RANK = 96
RIDGE = 3.0
SPEEDS = (1.0, 1.0, 1.0, 0.8, 0.9, 1.1, 1.25)
PITCHES = (1.0, 1.0, 1.0, 1.0, 0.85, 1.15)
SHORT = {
    "en": ("Yes.", "Hello!", "Hello, how are you?", "Okay, sure.", "Thank you so much!", "Well,"),
    "ja": (
        "はい。",
        "こんにちは。",
        "そうですね。",
        "なるほど、",
        "ありがとうございます!",
        "すごい!",
    ),
}
Floats = NDArray[np.float32]


def reporting_vocoder(path: Path) -> ort.InferenceSession:
    """The derived vocoder, normalising by its own input again and telling what it found."""
    model = load(str(path))
    graph = Graph(model.graph)
    norms = [n for n in graph.nodes("BatchNormalization") if n.input[3].startswith("means.")]
    axes = graph.add_weight("report.axes", np.array([0, 2], np.int64))
    remade: dict[str, list[Any]] = {}
    for i, norm in enumerate(norms):
        x, out = norm.input[0], norm.output[0]
        remade[out] = [
            helper.make_node("ReduceMean", [x, axes], [f"seen.mean.{i}"], keepdims=0),
            helper.make_node("Mul", [x, x], [f"seen.square.{i}"]),
            helper.make_node(
                "ReduceMean", [f"seen.square.{i}", axes], [f"seen.power.{i}"], keepdims=0
            ),
            helper.make_node("InstanceNormalization", list(norm.input[:3]), [out]),
        ]
    last = [
        helper.make_node(
            "Concat", [f"seen.{kind}.{i}" for i in range(len(norms))], [f"seen.{kind}s"], axis=0
        )
        for kind in ("mean", "power")
    ]
    audio = graph.maker("audio")
    assert audio is not None
    remade["audio"] = [audio, *last]
    for node in last:
        value = helper.make_tensor_value_info(node.output[0], TensorProto.FLOAT, None)
        model.graph.output.append(value)
    graph.replace(remade)
    del model.graph.input[-2:]
    options = ort.SessionOptions()
    options.add_session_config_entry("session.qdqisint8allowed", "1")
    return ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )


def clauses(count: int, seed: int) -> Iterator[tuple[Floats, Floats, Floats]]:
    """(summary, means, variances) of `count` random clauses."""
    model = Store(Settings().models).ensure("kokoro")
    acoustics = Acoustics(model, model.parent)
    vocoder = reporting_vocoder(derive(model, model.parent)[1])
    styles, front_end = stock_styles(), TextFrontEnd()
    chance = random.Random(seed)
    for i in range(count):
        name = list(styles)[i % len(styles)]
        language = language_of(name)
        table = styles[name].table.astype(np.float32)
        if chance.random() < 0.15:
            share = chance.random()
            other = styles[chance.choice(list(styles))].table.astype(np.float32)
            table = (1 - share) * table + share * other
        text = chance.choice((ENGLISH if language == "en" else JAPANESE) + SHORT[language])
        symbols = script(next(front_end.clauses(text, language))).symbols
        style = table[len(symbols) - 1 : len(symbols)]
        said = acoustics.plan(symbols, style, chance.choice(SPEEDS), chance.choice(PITCHES))
        means, powers = vocoder.run(
            ["seen.means", "seen.powers"],
            {"features": said.features, "source": said.source, "style": style},
        )
        yield summary(symbols, said.durations, said.source, style), means, powers - means**2


def fit(rows: list[tuple[Floats, Floats, Floats]]) -> dict[str, NDArray[Any]]:
    """Ridge regression of all moments, kept to `RANK` directions in 8 bits each."""
    known, means, variances = (
        np.stack(column).astype(np.float64) for column in zip(*rows, strict=True)
    )
    spread = np.sqrt(variances.mean(0))
    wanted = np.concatenate([means / spread, np.log(np.maximum(variances, 1e-12)) / 2], axis=1)
    centre, scale, base = known.mean(0), known.std(0) + 1e-3, wanted.mean(0)
    z = (known - centre) / scale
    slopes = z.T @ np.linalg.solve(z @ z.T + RIDGE * np.eye(len(z)), wanted - base)
    foretold = z @ slopes
    strengths, turns = np.linalg.eigh(foretold @ foretold.T)
    best = np.argsort(-strengths)[:RANK]
    basis = (turns[:, best].T @ foretold) / np.sqrt(strengths[best])[:, np.newaxis]
    step = np.abs(basis).max(1) / 127
    return {
        "centre": centre.astype(np.float32),
        "weights": ((slopes @ basis.T) / scale[:, np.newaxis] * step).astype(np.float32),
        "basis": np.round(basis / step[:, np.newaxis]).astype(np.int8),
        "base": base.astype(np.float16),
        "spread": spread.astype(np.float32),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("--clauses", type=int, default=600)
    arguments = parser.parse_args()
    rows = list(clauses(arguments.clauses, seed=0))
    np.savez_compressed(arguments.output, **fit(rows))  # type: ignore[arg-type]
    print(f"Fitted to {len(rows)} clauses.")


if __name__ == "__main__":
    main()
