"""What `charafy voices` says of recordings and clones, here and elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from charafy.client.api.voices import Method, RecordingQuality, Refinement
    from charafy.voices.schemas import QualityAnswer


def measured(quality: QualityAnswer | RecordingQuality) -> Iterator[str]:
    noise = "" if quality.snr_db is None else f", {quality.snr_db:.0f} dB above the noise"
    who = {None: "", 1: ", one speaker"}.get(quality.speakers, ", several speakers")
    yield (
        f"Recording: {quality.duration_s:.1f} s with {quality.speech_s:.1f} s of speech"
        f"{noise}, up to {quality.bandwidth_hz / 1000:.1f} kHz{who}"
    )
    for problem in quality.problems:
        yield f"{problem.code}: {problem.message}"


def likeness(method: Method, similarity: float | None) -> str:
    """How close it comes and, honestly, by what means."""
    how = {
        "matching": "voice matching: the nearest voice that the embedded engine can speak with",
        "cloning": "cloning by a model that was trained for it",
    }[method]
    close = number(similarity) or "not measured"
    return f"Similarity: {close} ({how})"


def state(refinement: Refinement) -> str:
    return {
        "none": "cloned",
        "waiting": "cloned; a better clone is to be looked for",
        "running": "cloned; a better clone is being looked for",
        "kept": "cloned and refined",
        "not_better": "cloned; no better clone was found",
        "failed": "cloned; the search for a better clone failed",
    }[refinement]


def number(similarity: float | None) -> str:
    return "" if similarity is None else f"{similarity:.2f}"
