"""Fit the space in which voices are matched (`assets/voices/kokoro-timbres.npz`).

Speaks sentences in timbres drawn between and around the stock voices, listens who is heard, and
fits how an embedding moves with the timbre. 1,500 speeches take half an hour. Those of the shipped
file were drawn from all 54 voices of Kokoro v1.0, of which this package ships 33.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from charafy.engines.voice import Language, Pcm
from charafy.engines.voice.cloning.match.campplus import CamPlus
from charafy.engines.voice.cloning.match.pitch import median_hz
from charafy.engines.voice.cloning.match.space import TIMBRE
from charafy.engines.voice.kokoro import KokoroVoice, Style, language_of, stock_styles
from charafy.engines.voice.text import TextFrontEnd
from charafy.engines.weights import Store
from charafy.kernel.settings import Settings

SAID: dict[Language, tuple[str, ...]] = {
    "en": (
        "The birch canoe slid on the smooth planks while we walked home.",
        "A quick brown fox jumps over nine lazy dogs today.",
        "She had your dark suit in greasy wash water all year.",
        "We were away a year ago, measuring the yellow roses.",
        "Please call Stella and ask her to bring these things.",
        "Those boys usually enjoy voyages through the garage.",
        "Put five thin sheets of paper beside the chocolate cake.",
    ),
    "ja": (
        "今日はとても良い天気なので、公園へ散歩に行きました。",
        "駅前のパン屋で新しいケーキを買ってきました。",
        "来週の会議は火曜日の午後三時から始まります。",
    ),
}
INTRODUCED: dict[Language, str] = {
    "en": "We measured every angle of the yellow house, but she was sure that joy would choose the "
    "other garage.",
    "ja": SAID["ja"][0] + SAID["ja"][2],
}
ROWS = slice(10, 260, 10)
FLATTEST = 0.05
"""Least deviation of a direction, as a share of the widest: below lies rounding."""
MOVED = 40
"""Coordinates that are sought: with 15, 25 and 60 embeddings were foretold less well."""
RIDGE = 40.0
PITCH_WEIGHT = 5.0
Floats = NDArray[np.float64]


def axes(styles: dict[str, Style]) -> tuple[Floats, Floats]:
    """Mean [`TIMBRE`] and scaled directions [`TIMBRE`, `TIMBRE`] of the stock voices' timbres."""
    rows = np.concatenate([s.table[ROWS, :TIMBRE].astype(np.float64) for s in styles.values()])
    mean = rows.mean(axis=0)
    variances, turns = np.linalg.eigh(np.cov((rows - mean).T))
    order = np.argsort(-variances)
    deviations = np.sqrt(np.maximum(variances[order], 0.0))
    deviations = np.maximum(deviations, FLATTEST * deviations[0])
    return mean, (turns[:, order] * deviations).T


def draw(
    chance: np.random.Generator, styles: dict[str, Style], mean: Floats, basis: Floats
) -> Floats:
    """A timbre: in half of the cases a blend of two to four voices, pulled outwards a little."""
    if chance.random() < 0.5:
        return mean + (chance.normal(size=TIMBRE) * chance.uniform(0.5, 1.05)) @ basis
    names = list(styles)
    shares = chance.dirichlet(np.ones(chance.integers(2, 5)))
    mixed = sum(
        share * styles[names[chance.integers(len(names))]].table[60, :TIMBRE].astype(np.float64)
        for share in shares
    )
    around = (chance.normal(size=TIMBRE) * chance.uniform(0.0, 0.6)) @ basis
    drawn: Floats = mean + (mixed - mean) * chance.uniform(0.9, 1.6) + around
    return drawn


def speeches(count: int, voice: KokoroVoice, ear: CamPlus, seed: int = 1) -> dict[str, Floats]:
    """`count` drawn timbres [n, `TIMBRE`], factors of pitch [n] and embeddings [n, m]."""
    chance, styles = np.random.default_rng(seed), stock_styles()
    mean, basis = axes(styles)
    rows: dict[str, list[Any]] = {"timbres": [], "pitches": [], "embeddings": []}
    for _ in range(count):
        language: Language = "en" if chance.random() < 0.7 else "ja"
        names = [name for name in styles if language_of(name) == language]
        table = styles[names[chance.integers(len(names))]].table.astype(np.float32)
        timbre = draw(chance, styles, mean, basis)
        table[:, :TIMBRE] = timbre
        pitch = float(np.clip(np.exp(0.18 * chance.normal()), 0.6, 1.6))
        text = SAID[language][chance.integers(len(SAID[language]))]
        rows["timbres"].append(timbre)
        rows["pitches"].append(pitch)
        rows["embeddings"].append(ear.embed(_said(voice, text, Style(table, pitch), language)))
    return {name: np.array(values, np.float64) for name, values in rows.items()}


def fit(pairs: dict[str, Floats], voice: KokoroVoice, ear: CamPlus) -> dict[str, NDArray[Any]]:
    """What `space.shipped` reads."""
    styles = stock_styles()
    mean, basis = axes(styles)
    z = np.linalg.solve(basis.T, (pairs["timbres"] - mean).T).T[:, :MOVED]
    known = np.concatenate([z, PITCH_WEIGHT * np.log(pairs["pitches"])[:, np.newaxis]], axis=1)
    known -= known.mean(axis=0)
    heard = pairs["embeddings"] - pairs["embeddings"].mean(axis=0)
    slopes = np.linalg.solve(known.T @ known + RIDGE * np.eye(MOVED + 1), known.T @ heard)[:MOVED]
    said = [
        _said(voice, INTRODUCED[language_of(name)], style, language_of(name))
        for name, style in styles.items()
    ]
    return {
        "mean": mean.astype(np.float32),
        "basis": basis.astype(np.float32),
        "slopes": slopes.astype(np.float32),
        "names": np.array(list(styles)),
        "embeddings": np.stack([ear.embed(pcm) for pcm in said]).astype(np.float16),
        "pitches": np.array([median_hz(pcm) for pcm in said], np.float32),
    }


def _said(voice: KokoroVoice, text: str, style: Style, language: Language) -> Pcm:
    return np.concatenate([chunk.pcm for chunk in voice.speak_as(text, style, language)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("output", type=Path)
    parser.add_argument("--speeches", type=int, default=1500)
    parser.add_argument("--pairs", type=Path, help="speeches that were made before (npz)")
    arguments = parser.parse_args()
    store = Store(Settings().models)
    model = store.ensure("kokoro")
    voice = KokoroVoice(model, stock_styles(), TextFrontEnd(), model.parent / "derived", threads=1)
    ear = CamPlus(store.ensure("campplus"))
    if arguments.pairs:
        with np.load(arguments.pairs) as kept:
            pairs = {name: kept[name].astype(np.float64) for name in kept.files}
    else:
        pairs = speeches(arguments.speeches, voice, ear)
    np.savez_compressed(arguments.output, **fit(pairs, voice, ear))  # type: ignore[arg-type]
    print(f"Fitted to {len(pairs['timbres'])} speeches.")


if __name__ == "__main__":
    main()
