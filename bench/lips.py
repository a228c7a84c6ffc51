"""What the mouth of a finished video really does, seen from its pixels alone.

The file is decoded, the face found anew in every frame, and how far the lips are apart is compared
with what drove them, with the sounds that close lips, and with the audio of the same file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from charafy.engines.portrait import CHANNELS, Box
from charafy.engines.portrait.finding import faces, mesh
from charafy.engines.portrait.finding.networks import Networks
from charafy.engines.portrait.motion import Track
from charafy.engines.voice.loudness import STEP_S, levels
from charafy.engines.voice.visemes import Viseme

Floats = NDArray[np.float64]
Rgb = NDArray[np.uint8]
Gauge = Callable[[Rgb], float | None]
"""How far a mouth is open in a frame, in any unit that 0 means closed in; None without a face."""

_GAPS: Final = ((13, 14), (81, 178), (311, 402))
"""Upper and lower inner lip, in the middle and at its sides."""
_SURE: Final = 0.5
_CLOSED: Final = 0.15
"""Share of the usual range of opening below which lips count as closed."""
_LAGS_S: Final = 0.3
_AROUND_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Lips:
    """Figures of one file or of a part of it."""

    frames: int
    without_face: int
    correlation: float
    """Of opening and driver at lag 0, while there is speech: at rest a photo may well smile."""
    lag_ms: float
    """Where that correlation is best; positive: the picture is late."""
    closures: int
    """How many p, b, m were said."""
    closed: int
    """... and how many show a frame with closed lips."""
    silence_spread: float
    """Standard deviation of the opening where nothing is said, of its whole range."""
    audio_late_ms: float
    """Of the file's audio behind the speech that was given, by loudness; NaN if none was given."""
    end_gap_ms: float
    """How much longer the picture lasts than the sound, by the container's times."""

    @property
    def offset_ms(self) -> float:
        """The picture behind the sound."""
        return self.lag_ms - self.audio_late_ms


def lips(
    path: Path,
    gauge: Gauge,
    driver: Callable[[Floats], Floats],
    *,
    visemes: Sequence[Viseme] = (),
    pcm: NDArray[np.float32] | None = None,
    sample_rate: int = 24_000,
    part: tuple[float, float] = (0.0, np.inf),
) -> Lips:
    """Measure the frames between the two times of `part`, in seconds.

    `driver` gives the opening that was asked for at any times; `visemes` and `pcm` are those of
    the speech, from time 0 of the file.
    """
    times, opened = _openings(path, gauge, part)
    seen = np.isfinite(opened)
    if seen.sum() < 10:
        raise ValueError(f"a face was seen in {int(seen.sum())} frames only")
    times, known = times[seen], opened[seen]
    low, high = np.percentile(known, [3, 97])
    relative = (known - low) / max(high - low, 1e-6)
    talks = _talks(times, visemes) if visemes else np.ones(len(times), np.bool_)
    closures = [v for v in visemes if v.shape == "PP" and part[0] < v.start_s and v.end_s < part[1]]
    shut = [_closes(times, relative, v) for v in closures]
    silent = _silent(times, visemes)
    heard, late = _audio(path, part, pcm, sample_rate)
    return Lips(
        frames=len(opened),
        without_face=int((~seen).sum()),
        correlation=float(np.corrcoef(known[talks], driver(times[talks]))[0, 1]),
        lag_ms=1000 * _best_lag(lambda lag: driver(times[talks] - lag), known[talks]),
        closures=len(shut),
        closed=sum(shut),
        silence_spread=float(relative[silent].std()) if silent.any() else float("nan"),
        audio_late_ms=1000 * late,
        end_gap_ms=1000 * (_end(path, "video") - heard),
    )


def parting(said: Track) -> Callable[[Floats], Floats]:
    """How far a track asks the lips to part: by the jaw, and a little by the lower lip alone."""
    jaw, lower = CHANNELS.index("open"), CHANNELS.index("lower")

    def driver(times: Floats) -> Floats:
        asked = said.at(times)
        return asked[:, jaw] + 0.15 * asked[:, lower]

    return driver


def by_mesh(models: Path) -> Gauge:
    """Lips' distance in distances between the eyes, by the face mesh, followed from frame to
    frame. `models`: the weights store's "portrait"."""
    networks = Networks(models)
    last: list[mesh.Square] = []

    def gauge(frame: Rgb) -> float | None:
        if not last:
            found = faces.detect(networks.detector, frame)
            if not found:
                return None
            last.append(mesh.around(max(found, key=lambda face: face.size)))
        fitted = mesh.fit(networks.mesh, frame, last.pop())
        if fitted is None or fitted.presence < _SURE:
            return None
        box = mesh.box(fitted.points)
        side = max(box.width, box.height) * mesh.MARGIN
        last.append(mesh.Square(box.centre, side, mesh.roll(fitted.points)))
        gaps = [fitted.points[b, :2] - fitted.points[a, :2] for a, b in _GAPS]
        return float(np.mean([np.hypot(*gap) for gap in gaps])) / fitted.eye_distance

    return gauge


def by_pixels(mouth: Box) -> Gauge:
    """For drawings: how much of the surroundings of the mouth isn't skin, by its width.

    `mouth` in pixels of the frame; it may move by a quarter of its width.
    """
    margin = 0.25 * mouth.width
    left, right = int(mouth.x - margin), int(mouth.x + mouth.width + margin)
    top = int(mouth.y - margin)
    bottom = int(mouth.y + max(mouth.height, 0.8 * mouth.width) + margin)

    def gauge(frame: Rgb) -> float | None:
        part = frame[max(top, 0) : bottom, max(left, 0) : right].astype(np.float64)
        skin = np.median(part.reshape(-1, 3), axis=0)
        other = np.linalg.norm(part - skin, axis=2) > 60.0
        return float(other.sum()) / mouth.width

    return gauge


def _openings(path: Path, gauge: Gauge, part: tuple[float, float]) -> tuple[Floats, Floats]:
    times, opened = [], []
    for at, frame in _frames(path, part):
        seen = gauge(frame)
        times.append(at)
        opened.append(np.nan if seen is None else seen)
    return np.array(times), np.array(opened)


def _frames(path: Path, part: tuple[float, float]) -> Iterator[tuple[float, Rgb]]:
    import av

    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        if part[0] > 0:
            container.seek(int(part[0] * 1_000_000), backward=True)
        for frame in container.decode(stream):
            if frame.time is None or frame.time < part[0]:
                continue
            if frame.time >= part[1]:
                return
            yield float(frame.time), np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


def _closes(times: Floats, relative: Floats, viseme: Viseme) -> bool:
    near = (times > viseme.start_s - _AROUND_S) & (times < viseme.end_s + _AROUND_S)
    return bool(near.any() and relative[near].min() < _CLOSED)


def _talks(times: Floats, visemes: Sequence[Viseme]) -> NDArray[np.bool_]:
    """Frames between the first and the last sound that are in no rest worth the name."""
    sounding = [v for v in visemes if v.shape != "sil"]
    if not sounding:
        return np.ones(len(times), np.bool_)
    talks = (times > sounding[0].start_s) & (times < sounding[-1].end_s)
    for viseme in visemes:
        if viseme.shape == "sil" and viseme.end_s - viseme.start_s > 0.3:
            talks &= (times < viseme.start_s) | (times > viseme.end_s)
    return talks


def _silent(times: Floats, visemes: Sequence[Viseme]) -> NDArray[np.bool_]:
    """Frames well inside of rests."""
    silent = np.zeros(len(times), np.bool_)
    for viseme in visemes:
        if viseme.shape == "sil":
            silent |= (times > viseme.start_s + 0.5) & (times < viseme.end_s - 0.3)
    return silent


def _best_lag(shifted: Callable[[float], Floats], seen: Floats) -> float:
    """The shift in seconds at which both agree best, between the steps by a parabola."""
    lags = np.arange(-_LAGS_S, _LAGS_S + 0.001, 0.01)
    fit = np.array([np.corrcoef(shifted(lag), seen)[0, 1] for lag in lags])
    best = int(np.clip(np.argmax(fit), 1, len(lags) - 2))
    before, top, after = fit[best - 1 : best + 2]
    bend = before - 2 * top + after
    return float(lags[best] + (0.5 * 0.01 * (before - after) / bend if bend < 0 else 0.0))


def _audio(
    path: Path, part: tuple[float, float], pcm: NDArray[np.float32] | None, sample_rate: int
) -> tuple[float, float]:
    """When the file's audio ends, and how late it is, in seconds."""
    sound, rate = _sound(path)
    end_s = len(sound) / rate
    if pcm is None:
        return end_s, float("nan")
    given, heard = levels(pcm, sample_rate), levels(sound, rate)
    first = int(part[0] / STEP_S) + 50
    last = int(min(part[1] / STEP_S, len(given), len(heard))) - 50
    steps = np.arange(first, last)

    def shifted(lag: float) -> Floats:
        moved = np.interp(steps - lag / STEP_S, np.arange(len(given)), np.maximum(given, -60.0))
        return np.asarray(moved, np.float64)

    return end_s, _best_lag(shifted, np.maximum(heard[first:last], -60.0))


def _sound(path: Path) -> tuple[NDArray[np.float32], int]:
    """The audio, mono, from the container's time 0 on: a late start shows as silence."""
    import av

    pieces: list[NDArray[np.float32]] = []
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        rate = stream.codec_context.sample_rate
        resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
        for frame in container.decode(stream):
            if not pieces and frame.time:
                pieces.append(np.zeros(max(0, round(frame.time * rate)), np.float32))
            resampled = resampler.resample(frame)
            pieces += [np.asarray(out.to_ndarray(), np.float32).ravel() for out in resampled]
    return np.concatenate(pieces), rate


def _end(path: Path, kind: str) -> float:
    """When the last packet of a stream ends."""
    import av

    end = 0.0
    with av.open(str(path)) as container:
        stream = getattr(container.streams, kind)[0]
        for packet in container.demux(stream):
            if packet.pts is not None:
                end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
    return end


def shown(found: Lips) -> dict[str, Any]:
    """For a table of figures."""
    return {**asdict(found), "offset_ms": found.offset_ms}
