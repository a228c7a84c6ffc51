"""Kokoro here and in the `kokoro-onnx` package: same model file, same run, turn by turn.

Ours starts from written text; the package is handed phonemes, so its text work is not counted.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from bench.sentences import ENGLISH, JAPANESE
from charafy.engines.voice import SAMPLE_RATE, Language
from charafy.engines.voice.kokoro import KokoroVoice, stock_styles
from charafy.engines.voice.text import TextFrontEnd
from charafy.engines.weights import Store
from charafy.kernel.settings import Settings

Engine = Literal["ours", "kokoro_onnx"]
ENGINES: tuple[Engine, ...] = ("ours", "kokoro_onnx")
THREADS = (1, 2)
GREETINGS: Mapping[Language, str] = {"en": "Hello, how are you?", "ja": "こんにちは、元気ですか。"}
VOICES: Mapping[Language, str] = {"en": "af_heart", "ja": "jf_alpha"}
READING: tuple[tuple[str, Language], ...] = (
    (" ".join(ENGLISH[1:3]), "en"),
    ("".join(JAPANESE[1:3]), "ja"),
)


@dataclass(frozen=True, slots=True)
class Run:
    """One speech: all times in seconds."""

    first_s: float
    wall_s: float
    cpu_s: float
    audio_s: float
    gap_s: float
    """Longest that a player which started with the first chunk had to wait."""


Speak = Callable[[str, Language], Iterator[int]]
"""Yields the samples of every chunk as it is ready."""


def ours(threads: int) -> Speak:
    model = _model()
    front_end = TextFrontEnd()
    voice = KokoroVoice(model, stock_styles(), front_end, model.parent, threads)

    def speak(text: str, language: Language) -> Iterator[int]:
        for chunk in voice.speak(text, VOICES[language], language):
            yield len(chunk.pcm)

    return speak


def kokoro_onnx(threads: int) -> Speak:
    import onnxruntime as ort
    from kokoro_onnx import Kokoro

    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(str(_model()), options, providers=["CPUExecutionProvider"])
    with _voices_file() as path:
        kokoro = Kokoro.from_session(session, str(path))
        kokoro.voices = dict(kokoro.voices)
    front_end = TextFrontEnd()
    texts = [*((text, language) for language, text in GREETINGS.items()), *READING]
    phonemes = {
        text: " ".join(clause.phonemes for clause in front_end.clauses(text, language))
        for text, language in texts
    }

    def speak(text: str, language: Language) -> Iterator[int]:
        stream = kokoro.create_stream(phonemes[text], VOICES[language], is_phonemes=True)
        with asyncio.Runner() as runner:
            while True:
                try:
                    pcm, _rate = runner.run(anext(stream))
                except StopAsyncIteration:
                    return
                yield len(pcm)

    return speak


BUILD: Mapping[Engine, Callable[[int], Speak]] = {"ours": ours, "kokoro_onnx": kokoro_onnx}


def measure(speak: Speak, text: str, language: Language) -> Run:
    began, cpu = time.perf_counter(), time.process_time()
    first = gap = 0.0
    samples = 0
    for chunk in speak(text, language):
        now = time.perf_counter() - began
        first = first or now
        gap = max(gap, now - first - samples / SAMPLE_RATE)
        samples += chunk
    wall, cpu = time.perf_counter() - began, time.process_time() - cpu
    return Run(first, wall, cpu, samples / SAMPLE_RATE, gap)


def run(repetitions: int = 3) -> dict[str, Any]:
    """Medians per engine and thread count, and load time and memory in a process of its own.

    Keys: `ours`, `kokoro_onnx` -> `threads_1`, `threads_2` -> figures; `ratios` ours / theirs.
    """
    engines = {(e, t): BUILD[e](t) for t in THREADS for e in ENGINES}
    for speak in engines.values():
        for language, text in GREETINGS.items():
            measure(speak, text, language)
    runs: dict[tuple[Engine, int, str], list[Run]] = {}
    for _ in range(repetitions):
        for (engine, threads), speak in engines.items():
            for language, text in GREETINGS.items():
                result = measure(speak, text, language)
                runs.setdefault((engine, threads, language), []).append(result)
            for text, language in READING:
                result = measure(speak, text, language)
                runs.setdefault((engine, threads, "reading"), []).append(result)
    report: dict[str, Any] = {
        engine: {f"threads_{t}": _figures(runs, engine, t) for t in THREADS} for engine in ENGINES
    }
    for engine in ENGINES:
        report[engine].update(_fresh(engine))
    report["ratios"] = {
        f"{key}_threads_{t}": report["ours"][f"threads_{t}"][key]
        / report["kokoro_onnx"][f"threads_{t}"][key]
        for t in THREADS
        for key in ("cpu_s_per_audio_s", "first_audio_en_ms", "first_audio_ja_ms")
    }
    return report


def _figures(
    runs: Mapping[tuple[Engine, int, str], list[Run]], engine: Engine, threads: int
) -> dict[str, float]:
    reading = runs[engine, threads, "reading"]
    every = [
        run for (e, t, _), group in runs.items() if (e, t) == (engine, threads) for run in group
    ]
    return {
        "first_audio_en_ms": 1000
        * statistics.median(r.first_s for r in runs[engine, threads, "en"]),
        "first_audio_ja_ms": 1000
        * statistics.median(r.first_s for r in runs[engine, threads, "ja"]),
        "real_time_factor": statistics.median(r.wall_s / r.audio_s for r in reading),
        "cpu_s_per_audio_s": statistics.median(r.cpu_s / r.audio_s for r in reading),
        "longest_gap_ms": 1000 * statistics.median(r.gap_s for r in every),
    }


def _fresh(engine: Engine) -> dict[str, float]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context) as pool:
        return pool.submit(_load, engine).result(timeout=120)


def _load(engine: Engine) -> dict[str, float]:
    began = time.perf_counter()
    speak = BUILD[engine](2)
    load_s = time.perf_counter() - began
    for text, language in READING:
        measure(speak, text, language)
    return {"load_s": load_s, "peak_rss_mb": _peak_rss_mb()}


def _peak_rss_mb() -> float:
    """Of this process alone: `getrusage` on Linux starts from what the parent had reached."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(s for s in status.read_text().splitlines() if s.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024**2 if sys.platform == "darwin" else 1024)


def _model() -> Path:
    return Store(Settings().models).ensure("kokoro")


@contextmanager
def _voices_file() -> Iterator[Path]:
    """The stock styles in the form that the package reads: float32 [510, 1, 256] per voice."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "voices.npz"
        tables = {n: s.table.astype(np.float32)[:, np.newaxis] for n, s in stock_styles().items()}
        np.savez(path, **tables)  # type: ignore[arg-type]
        yield path


if __name__ == "__main__":
    from bench.__main__ import grouped
    from bench.report import table

    for title, figures in grouped("voice", run()):
        table(title, figures)
