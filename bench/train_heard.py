"""Train the network of `voice.heard`: `python -m bench.train_heard [SPEECHES]`.

Speech of our own voices, whose shapes are known, made louder and softer, coloured, with noise and
with longer and shorter vocal tracts; Adam in numpy. Everything is seeded. About 0.3 CPU-s per
second of speech to make it, then some minutes. Prints how it does on voices and sentences it never
heard and writes the weights into the package.
"""

from __future__ import annotations

import io
import itertools
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.heard_align import aligned, marked
from bench.heard_corpus import Speech, to_judge, to_train
from charafy.engines.voice import SAMPLE_RATE, Pcm
from charafy.engines.voice.heard import Network
from charafy.engines.voice.heard.features import (
    BANDS,
    CONTEXT,
    HOP_S,
    Floats,
    log_mel,
    normalised,
)
from charafy.engines.voice.visemes import SHAPES, trim_to_sound

TARGET: Final = Path("src/charafy/engines/voice/heard/weights.npz")
HIDDEN: Final = (112, 56)
VERSIONS: Final = 3
"""Of every speech: as it is, and with other gain, colour and noise."""
ALIGNMENTS: Final = 2
EPOCHS: Final = 10
BATCH: Final = 256
RATE: Final = 2e-3
DECAY: Final = 0.01
SMOOTHING: Final = 0.05
TRACT: Final = 3.0
"""Bands by which the spectrum is stretched at most, as by another vocal tract."""
PP_LEANING: Final = 0.0

Layers = list[NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Lesson:
    frames: Floats
    """[n, bands], speeches one after another with their ends repeated around them."""
    index: NDArray[np.intp]
    labels: NDArray[np.intp]


def labels(speech: Speech, net: Network | None) -> NDArray[np.intp]:
    """The shape of every frame: as marked, or with borders where `net` hears them."""
    shapes = trim_to_sound(speech.visemes, speech.pcm, SAMPLE_RATE)
    if net is None:
        return marked(shapes, int(len(speech.pcm) / SAMPLE_RATE / HOP_S))
    return aligned(shapes, net.logits(normalised(log_mel(speech.pcm, SAMPLE_RATE))))


def disguised(pcm: Pcm, chance: np.random.Generator) -> Pcm:
    """Another gain, another colour, and noise at 10 to 50 dB."""
    spectrum = np.fft.rfft(pcm * chance.uniform(0.1, 1.0))
    hertz = np.log(np.fft.rfftfreq(len(pcm), 1.0 / SAMPLE_RATE) + 50.0)
    points = np.linspace(hertz[0], hertz[-1], 7)
    spectrum *= 10.0 ** (np.interp(hertz, points, chance.normal(0.0, 4.0, 7)) / 20.0)
    coloured = np.fft.irfft(spectrum, len(pcm))
    noise = chance.standard_normal(len(pcm))
    if chance.random() < 0.5:
        noise = np.convolve(noise, np.ones(8) / 8, "same")
    noise *= np.sqrt(np.square(coloured).mean() / np.square(noise).mean())
    noisy: Pcm = coloured + noise * 10.0 ** (-chance.uniform(10.0, 50.0) / 20.0)
    return noisy.astype(np.float32)


def lesson(
    speeches: Iterable[Speech], chance: np.random.Generator, net: Network | None = None
) -> Lesson:
    pad = -min(CONTEXT)
    frames, index, truth, at = [], [], [], 0
    for speech in speeches:
        shapes = labels(speech, net)
        for version in range(VERSIONS):
            pcm = disguised(speech.pcm, chance) if version else speech.pcm
            seen = normalised(log_mel(pcm, SAMPLE_RATE))
            frames.append(np.pad(seen, ((pad, pad), (0, 0)), mode="edge"))
            index.append(np.arange(len(seen)) + at + pad)
            truth.append(shapes)
            at += len(seen) + 2 * pad
    return Lesson(np.concatenate(frames), np.concatenate(index), np.concatenate(truth))


def batches(
    learn: Lesson, chance: np.random.Generator
) -> Iterator[tuple[Floats, NDArray[np.intp]]]:
    """A third of the frames in random order, as `VERSIONS` are much alike."""
    order = chance.permutation(len(learn.index))[: len(learn.index) // VERSIONS]
    bands = np.arange(BANDS)
    for begin in range(0, len(order) - BATCH + 1, BATCH):
        some = order[begin : begin + BATCH]
        seen = learn.frames[learn.index[some][:, None] + np.array(CONTEXT)]
        stretch = chance.uniform(-TRACT, TRACT)
        place = np.clip(bands * (1.0 + stretch / BANDS) + 0.3 * stretch, 0.0, BANDS - 1.001)
        low, part = place.astype(np.intp), np.float32(1.0) * (place % 1.0).astype(np.float32)
        warped = seen[..., low] * (1 - part) + seen[..., low + 1] * part
        yield warped.reshape(BATCH, -1), learn.labels[some]


def gradients(layers: Layers, seen: Floats, truth: NDArray[np.intp]) -> Layers:
    """Of the cross-entropy with smoothed labels, by back-propagation."""
    values = [seen]
    for weight, bias in zip(layers[:-2:2], layers[1:-2:2], strict=True):
        values.append(np.maximum(values[-1] @ weight + bias, np.float32(0)))
    logits = values[-1] @ layers[-2] + layers[-1]
    chances = np.exp(logits - logits.max(axis=1, keepdims=True))
    error = chances / chances.sum(axis=1, keepdims=True) - np.float32(SMOOTHING / len(SHAPES))
    error[np.arange(len(truth)), truth] -= np.float32(1.0 - SMOOTHING)
    error /= np.float32(len(truth))
    out: Layers = []
    for depth in range(len(values) - 1, -1, -1):
        out = [values[depth].T @ error, error.sum(axis=0), *out]
        error = (error @ layers[2 * depth].T) * (values[depth] > 0)
    return out


def train(learn: Lesson, chance: np.random.Generator) -> Layers:
    sizes = (BANDS * len(CONTEXT), *HIDDEN, len(SHAPES))
    layers: Layers = []
    for wide, narrow in itertools.pairwise(sizes):
        weight = chance.standard_normal((wide, narrow)) * np.sqrt(2.0 / wide)
        layers += [weight.astype(np.float32), np.zeros(narrow, np.float32)]
    means = [np.zeros_like(layer) for layer in layers]
    squares = [np.zeros_like(layer) for layer in layers]
    steps = EPOCHS * (len(learn.index) // VERSIONS // BATCH)
    step = 0
    for _ in range(EPOCHS):
        for seen, truth in batches(learn, chance):
            step += 1
            rate = RATE * 0.5 * (1.0 + np.cos(np.pi * step / (steps + 1))) * min(1.0, step / 200)
            for i, slope in enumerate(gradients(layers, seen, truth)):
                means[i] += 0.1 * (slope - means[i])
                squares[i] += 0.001 * (slope * slope - squares[i])
                move = means[i] / (1.0 - 0.9**step)
                move /= np.sqrt(squares[i] / (1.0 - 0.999**step)) + 1e-8
                kept = DECAY * layers[i] if layers[i].ndim > 1 else 0.0
                layers[i] -= (rate * (move + kept)).astype(np.float32)
    return layers


def taught(speeches: Sequence[Speech]) -> Network:
    """Trained on the marks, then `ALIGNMENTS` times on what was heard."""
    net: Network | None = None
    for _ in range(ALIGNMENTS + 1):
        chance = np.random.default_rng(1)
        net = network(train(lesson(speeches, chance, net), chance))
    assert net is not None
    return net


def network(layers: Layers) -> Network:
    leanings = np.zeros(len(SHAPES), np.float32)
    leanings[SHAPES.index("PP")] = PP_LEANING
    # As it will be read back: half precision is what is shipped.
    halves = [layer.astype(np.float16).astype(np.float32) for layer in layers]
    return Network(tuple(halves[::2]), tuple(halves[1::2]), leanings)


def write(net: Network) -> None:
    arrays = {f"weight{i}": w.astype(np.float16) for i, w in enumerate(net.weights)}
    arrays |= {f"bias{i}": b.astype(np.float16) for i, b in enumerate(net.biases)}
    written = io.BytesIO()
    np.savez_compressed(written, allow_pickle=False, leanings=net.leanings, **arrays)
    TARGET.write_bytes(written.getvalue())


def main() -> None:
    from bench.heard import figures
    from bench.report import table

    count = int(sys.argv[1]) if len(sys.argv) > 1 else 480
    began = time.process_time()
    net = taught(list(to_train(count)))
    write(net)
    print(f"{time.process_time() - began:.0f} CPU-s, {TARGET.stat().st_size} bytes")
    table("heard, on voices and sentences never heard", figures(list(to_judge()), net))


if __name__ == "__main__":
    main()
