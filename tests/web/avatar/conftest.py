"""The player in a real browser, on a site that lives in memory."""

from __future__ import annotations

import io
import math
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import charafy
from charafy.engines.portrait import spritefile
from charafy.engines.portrait.sprites import SpriteSheet, bake_sprites
from tests.support.chromium import Chromium, Site, Tab, chromium, files, first_of, folder
from tests.support.puppet import PuppetRenderer, puppet

__all__ = ["chromium"]

STATIC = Path(charafy.__file__).parent / "web" / "static"
PAGE = b"""<!doctype html><title>player</title>
<style>body { margin: 0 } canvas { width: 192px; height: 192px }</style>
<script type="module">
import { AvatarPlayer } from "/static/avatar/avatar-player.js";
import { createTrack } from "/static/avatar/track.js";
import { CHANNELS } from "/static/avatar/pose.js";
const frame = () => new Promise(requestAnimationFrame);
window.tools = {
  AvatarPlayer, createTrack, CHANNELS, frame,
  canvas() { return document.body.appendChild(document.createElement("canvas")); },
  load(url, options = {}) {
    return AvatarPlayer.load(url, { canvas: this.canvas(), seed: 7, ...options });
  },
  row(index, value) { const row = Array(CHANNELS.length).fill(0); row[index] = value; return row; },
  async frames(seconds, look) {
    const seen = [];
    const end = performance.now() + seconds * 1000;
    while (performance.now() < end) { await frame(); seen.push(look(performance.now() / 1000)); }
    return seen;
  },
};
</script>"""
SAY = [
    {"viseme": shape, "start_s": 0.4 * place, "end_s": 0.4 * place + 0.4}
    for place, shape in enumerate(["aa", "PP", "ou", "PP", "aa", "E", "PP", "oh"])
]
"""Slow speech: no mouth is like the one before."""


def tone(seconds: float) -> bytes:
    """A quiet hum as WAV."""
    times = np.arange(round(24_000 * seconds)) / 24_000
    samples = np.asarray(np.sin(2 * math.pi * 220 * times) * 3000, "<i2")
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(24_000)
        file.writeframes(samples.tobytes())
    return written.getvalue()


@pytest.fixture(scope="session")
def sheet() -> SpriteSheet:
    """A puppet's sprites, as they come back from their files."""
    return spritefile.from_files(spritefile.to_files(bake_sprites(puppet(), PuppetRenderer())))


@pytest.fixture(scope="session")
def site() -> Site:
    baked = spritefile.to_files(bake_sprites(puppet(), PuppetRenderer()))
    contents = {f"/face/{name}": data for name, data in baked.items()}
    return first_of(
        folder(STATIC, "/static/"),
        files({"/index.html": PAGE, "/hum.wav": tone(1.6), **contents}),
    )


@pytest.fixture
def tab(chromium: Chromium, site: Site) -> Iterator[Tab]:
    with chromium.tab(site, viewport={"width": 640, "height": 480}) as tab:
        tab.open("/index.html")
        tab.wait_until("() => window.tools")
        yield tab
