"""How the player behaves: what it follows, when it stops, what it tells."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from charafy.engines.portrait import CHANNELS, Pose
from charafy.engines.portrait.sprites import SpriteRenderer, SpriteSheet
from tests.support.chromium import Chromium, Site, Tab
from tests.web.avatar.conftest import SAY

MOUTH = CHANNELS[: CHANNELS.index("blink_left")]


def test_its_channels_are_the_server_s(tab: Tab) -> None:
    assert tab.evaluate("() => tools.CHANNELS") == list(CHANNELS)


def test_it_draws_and_says_that_it_is_ready(tab: Tab, sheet: SpriteSheet) -> None:
    result = tab.evaluate("""async () => {
      const player = await tools.load("/face/sprites.json", { background: "transparent" });
      await new Promise((done) => player.addEventListener("ready", done, { once: true }));
      player.pose({ open: 0.9, speaking: 1 });
      const picture = player.snapshot();
      const role = player.canvas.getAttribute("role");
      return [player.renderer, picture.width, [...picture.data], role];
    }""")
    renderer, width, pixels, role = result
    assert (renderer, width, role) == ("sprites", sheet.width, "img")
    drawn = np.array(pixels, np.uint8).reshape(sheet.height, sheet.width, 4)
    wanted = SpriteRenderer().frame(sheet, Pose(open=0.9, speaking=1))
    person = wanted[..., 3] == 255
    assert np.abs(drawn.astype(int) - wanted)[person].mean() < 0.5


def test_the_mouth_follows_the_clock(tab: Tab) -> None:
    seen = tab.evaluate(
        """async (cues) => {
      const player = await tools.load("/face/sprites.json");
      const began = performance.now();
      const clock = () => (performance.now() - began) / 1000;
      await player.play({ audio: clock, cues, seed: 7 });
      const track = tools.createTrack(cues, { seed: 7 });
      const names = ["open", "round", "press"];
      const at = names.map((name) => tools.CHANNELS.indexOf(name));
      return await tools.frames(2.5, () => [
        player.time, clock(), ...names.map((name) => player.current[name]),
        ...at.map((index) => track.poseAt(player.time)[index]),
      ]);
    }""",
        SAY,
    )
    rows = np.array(seen[len(seen) // 4 :])
    assert len(rows) > 10
    assert rows[:, 2:5].std(axis=0).min() > 0.1, "the mouth did move"
    assert np.abs(rows[:, 2:5] - rows[:, 5:8]).max() < 1e-3
    # Looked at between frames, so on a busy machine a moment or two are a frame old.
    assert np.median(np.abs(rows[:, 0] - rows[:, 1])) < 0.1


def test_it_follows_a_coarse_clock_smoothly(tab: Tab) -> None:
    """Some browsers move a media clock on only four times a second."""
    seen = tab.evaluate("""async () => {
      const { Clock } = await import("/static/avatar/clock.js");
      const clock = new Clock(() => Math.floor(now / 0.25) * 0.25);
      let now = 0;
      const times = [];
      for (; now < 5; now += 1 / 60) times.push([now, clock.at(now)]);
      return times;
    }""")
    rows = np.array(seen)[60:]
    steps = np.diff(rows[:, 1])
    assert steps.min() >= 0, "never backwards"
    assert steps.max() < 2.5 / 60, "no leaps"
    assert np.abs(rows[:, 1] - rows[:, 0]).max() < 0.15


def test_a_seek_is_followed_at_once_and_a_stop_stops(tab: Tab) -> None:
    seen = tab.evaluate("""async () => {
      const { Clock } = await import("/static/avatar/clock.js");
      let raw = 0;
      const clock = new Clock(() => raw);
      const run = (now, frames, speed) => {
        for (let i = 0; i < frames; i++) { raw += speed / 60; clock.at((now += 1 / 60)); }
        return now;
      };
      let now = run(0, 60, 1);
      raw = 30;
      now = run(now, 2, 1);
      const sought = [clock.time - raw, clock.running];
      now = run(now, 40, 0);
      return [...sought, clock.time - raw, clock.running];
    }""")
    assert abs(seen[0]) < 0.05 and seen[1]
    assert abs(seen[2]) < 0.001 and not seen[3]


def test_real_sound_drives_it_to_its_end(tab: Tab) -> None:
    seen = tab.evaluate(
        """async (cues) => {
      const player = await tools.load("/face/sprites.json");
      const audio = new Audio("/hum.wav");
      const ended = new Promise((done) => player.addEventListener("ended", (e) => done(e.detail)));
      await player.play({ audio, cues });
      const off = await tools.frames(1.0, () => player.time - audio.currentTime);
      const speaking = player.speaking;
      return [off, speaking, await ended, player.time, player.speaking];
    }""",
        SAY,
    )
    off, speaking, ended, time, after = seen
    assert speaking and np.median(np.abs(off)) < 0.1
    assert ended == {"interrupted": False} and time is None and not after


def test_pausing_settles_the_mouth_and_playing_goes_on(tab: Tab) -> None:
    seen = tab.evaluate(
        """async (cues) => {
      const player = await tools.load("/face/sprites.json");
      const audio = new Audio("/hum.wav");
      await player.play({ audio, cues });
      const before = Math.max(...(await tools.frames(0.4, () => player.current.open)));
      audio.pause();
      await tools.frames(0.8, () => 0);
      const paused = [player.current.open, player.speaking, audio.currentTime - player.time];
      await audio.play();
      await tools.frames(0.4, () => 0);
      const again = player.speaking;
      player.destroy();
      return [before, ...paused, again, audio.paused];
    }""",
        SAY,
    )
    before, opened, speaking, off, again, silent = seen
    assert before > 0.2 and opened < 0.05 and not speaking and abs(off) < 0.01
    assert again and silent


def test_an_audio_buffer_is_heard_and_ends(tab: Tab) -> None:
    seen = tab.evaluate(
        """async (cues) => {
      const player = await tools.load("/face/sprites.json");
      const context = new AudioContext();
      const audio = context.createBuffer(1, 24000 * 0.6, 24000);
      const ended = new Promise((done) => player.addEventListener("ended", done));
      await player.play({ audio, cues, context });
      const times = [];
      let over = false;
      ended.then(() => { over = true; });
      while (!over) times.push(...(await tools.frames(0.05, () => player.time ?? 0)));
      return times.slice(0, -5);
    }""",
        SAY,
    )
    assert max(seen) > 0.15 and all(b >= a for a, b in pairwise(seen))


def test_an_interrupted_mouth_settles_within_150_ms(tab: Tab) -> None:
    seen = tab.evaluate("""async () => {
      const { Actor } = await import("/static/avatar/actor.js");
      const { Clock } = await import("/static/avatar/clock.js");
      const actor = new Actor({ seed: 1 });
      let now = 0;
      actor.perform(() => tools.row(0, 0.9), new Clock(() => now));
      for (; now < 1; now += 1 / 60) actor.poseAt(now);
      const said = actor.poseAt(now)[0];
      actor.release();
      const after = [];
      for (const late of [0.02, 0.05, 0.1, 0.15]) after.push(actor.poseAt(now + late)[0]);
      return [said, after];
    }""")
    said, after = seen
    assert said == pytest.approx(0.9, abs=1e-6)
    assert after[0] > after[1] > after[2] > after[3]
    assert after[0] > 0.5, "it closes, it doesn't snap"
    assert after[3] < 0.001


def test_an_interruption_is_told_and_silences_the_sound(tab: Tab) -> None:
    seen = tab.evaluate(
        """async (cues) => {
      const player = await tools.load("/face/sprites.json");
      let told = null;
      player.addEventListener("ended", (event) => { told = event.detail; });
      const audio = new Audio("/hum.wav");
      await player.play({ audio, cues });
      const said = Math.max(...(await tools.frames(0.4, () => player.current.open)));
      player.interrupt();
      await tools.frames(0.5, () => 0);
      return [said, told, audio.paused, player.current.open, player.time];
    }""",
        SAY,
    )
    assert seen[0] > 0.2 and seen[1:3] == [{"interrupted": True}, True]
    assert seen[3] < 0.02 and seen[4] is None


def test_a_live_stream_is_pushed_piece_by_piece_and_cut_off(tab: Tab) -> None:
    seen = tab.evaluate("""async () => {
      const player = await tools.load("/face/sprites.json");
      const began = performance.now();
      const clock = () => (performance.now() - began) / 1000;
      const vowel = [{ viseme: "aa", start_s: 0, end_s: 0.5 }];
      player.clock = clock;
      player.push(vowel, clock() + 0.1);
      player.push(vowel, clock() + 0.6);
      const said = await tools.frames(1.0, () => player.current.open);
      player.interrupt();
      await tools.frames(0.25, () => 0);
      const cut = player.current.open;
      const rows = Array.from({ length: 25 }, () => tools.row(2, 0.7));
      player.push({ fps: 25, rows }, clock());
      await tools.frames(0.4, () => 0);
      return [Math.max(...said), cut, player.current.round];
    }""")
    assert seen[0] > 0.5 and seen[1] < 0.03 and seen[2] == pytest.approx(0.7, abs=0.01)


def test_ready_poses_are_read_between_their_frames(tab: Tab) -> None:
    seen = tab.evaluate("""async () => {
      const { scriptOfPoses } = await import("/static/avatar/script.js");
      const rows = [0, 1, 0.5].map((open) => tools.row(0, open));
      const at = scriptOfPoses({ fps: 10, rows });
      return [-1, 0, 0.05, 0.1, 0.15, 9].map((time) => at(time)[0]);
    }""")
    assert seen == pytest.approx([0, 0, 0.5, 1, 0.75, 0.5], abs=1e-6)


def test_idle_life_goes_on_without_sound(tab: Tab) -> None:
    seen = tab.evaluate("""async () => {
      const player = await tools.load("/face/sprites.json");
      const { frames } = tools;
      return await frames(1.5, () => ["yaw", "breath", "open"].map((name) => player.current[name]));
    }""")
    rows = np.array(seen)
    assert rows[:, :2].std(axis=0).min() > 0 and np.abs(rows[:, 2]).max() < 0.02


def test_who_wants_little_motion_sees_only_mouth_and_lids(chromium: Chromium, site: Site) -> None:
    with chromium.tab(site, reduced_motion="reduce") as tab:
        tab.open("/index.html")
        tab.wait_until("() => window.tools")
        seen = tab.evaluate(
            """async (cues) => {
          const player = await tools.load("/face/sprites.json");
          const began = performance.now();
          await player.play({ audio: () => (performance.now() - began) / 1000, cues });
          return await tools.frames(1.2, () => [player.current.open, player.current.yaw,
            player.current.pitch, player.current.roll, player.current.breath, player.current.sway]);
        }""",
            SAY,
        )
    rows = np.array(seen)
    assert rows[:, 0].max() > 0.5 and np.abs(rows[:, 1:]).max() < 1e-6


def test_nothing_is_drawn_that_nobody_sees(tab: Tab) -> None:
    seen = tab.evaluate("""async () => {
      const player = await tools.load("/face/sprites.json");
      await tools.frames(0.3, () => 0);
      player.canvas.style.marginTop = "5000px";
      await tools.frames(0.3, () => 0);
      const away = player.drawn;
      await tools.frames(0.3, () => 0);
      const still = player.drawn;
      player.canvas.style.marginTop = "0";
      await tools.frames(0.4, () => 0);
      return [away, still, player.drawn];
    }""")
    assert seen[0] == seen[1] < seen[2]


def test_a_hidden_page_draws_nothing_and_is_right_again_at_once(tab: Tab) -> None:
    seen = tab.evaluate("""async () => {
      const player = await tools.load("/face/sprites.json");
      const began = performance.now();
      const clock = () => (performance.now() - began) / 1000;
      await player.play({ audio: clock, cues: [] });
      const hide = (hidden) => {
        Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
      };
      await tools.frames(0.3, () => 0);
      hide(true);
      const away = player.drawn;
      await tools.frames(0.6, () => 0);
      const still = player.drawn;
      hide(false);
      await tools.frames(0.3, () => 0);
      return [away, still, player.drawn, Math.abs(player.time - clock())];
    }""")
    assert seen[0] == seen[1] < seen[2]
    assert seen[3] < 0.3


def test_several_players_share_a_page(tab: Tab) -> None:
    seen = tab.evaluate(
        """async (cues) => {
      const names = Object.keys(window).length;
      const [one, two] = await Promise.all([1, 2].map(() => tools.load("/face/sprites.json")));
      const began = performance.now();
      await one.play({ audio: () => (performance.now() - began) / 1000, cues });
      const rows = await tools.frames(0.5, () => [one.current.open, two.current.open]);
      one.destroy();
      const before = two.drawn;
      await tools.frames(0.2, () => 0);
      return [rows, two.drawn > before, Object.keys(window).length - names];
    }""",
        SAY,
    )
    rows, alive, globals_left = seen
    assert max(row[0] for row in rows) > 0.3 and max(row[1] for row in rows) < 0.02
    assert alive and globals_left == 0


def test_the_canvas_gets_the_pixels_that_it_shows(chromium: Chromium, site: Site) -> None:
    with chromium.tab(site, device_scale_factor=2) as tab:
        tab.open("/index.html")
        tab.wait_until("() => window.tools")
        seen = tab.evaluate("""async () => {
          const player = await tools.load("/face/sprites.json");
          const { canvas } = player;
          const sizes = [[canvas.width, canvas.height]];
          canvas.style.width = "100px";
          await tools.frames(0.2, () => 0);
          sizes.push([canvas.width, canvas.height]);
          canvas.style.width = canvas.style.height = "900px";
          await tools.frames(0.2, () => 0);
          sizes.push([canvas.width, canvas.height]);
          return sizes;
        }""")
    assert seen == [[384, 384], [200, 384], [384, 384]]


def test_a_canvas_without_a_size_gets_the_rig_s(tab: Tab) -> None:
    seen = tab.evaluate("""async () => {
      document.head.querySelector("style").remove();
      const { canvas } = await tools.load("/face/sprites.json");
      await tools.frames(0.2, () => 0);
      return [canvas.clientWidth, canvas.clientHeight, canvas.width];
    }""")
    assert seen == [192, 192, 192]


def test_a_face_that_is_not_there_is_refused_in_words(tab: Tab) -> None:
    said = tab.evaluate("""() => tools.load("/nobody/rig.json").catch((error) => error.message)""")
    assert said == "/nobody/rig.json answered 404"
    assert len(tab.complaints) == 1 and "404" in tab.complaints[0]
    tab.complaints.clear()


def test_a_sound_that_cannot_be_played_is_told(tab: Tab) -> None:
    told = tab.evaluate("""async () => {
      const player = await tools.load("/face/sprites.json");
      const told = new Promise((done) => player.addEventListener("error", () => done("told")));
      const audio = "data:audio/wav;base64,AAAA";
      const thrown = await player.play({ audio }).catch((error) => error.name);
      return [thrown, await told, player.time];
    }""")
    assert told == ["NotSupportedError", "told", None]


def test_the_element_wraps_a_player(tab: Tab) -> None:
    seen = tab.evaluate("""async () => {
      await import("/static/avatar/charafy-avatar.js");
      const element = document.createElement("charafy-avatar");
      element.setAttribute("src", "/face/sprites.json");
      element.setAttribute("label", "Mira");
      element.style.width = "120px";
      const ready = new Promise((done) => element.addEventListener("ready", done));
      document.body.append(element);
      await ready;
      const canvas = element.shadowRoot.querySelector("canvas");
      const first = element.player;
      const facts = [canvas.getAttribute("aria-label"), canvas.clientWidth, canvas.clientHeight];
      element.remove();
      document.body.append(element);
      await new Promise((done) => element.addEventListener("ready", done));
      return [...facts, first.leaving.signal.aborted, element.player !== first,
        element.shadowRoot.querySelectorAll("canvas").length];
    }""")
    assert seen == ["Mira", 120, 120, True, True, 1]
