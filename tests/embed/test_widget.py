"""`widget.js` on somebody else's page: its modes, what scripts ask of it and what they hear."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Any

import pytest

from tests.embed.conftest import Theatre
from tests.support.chromium import Chromium, Tab
from tests.support.embedding import Framed

SCRIPT = """<!doctype html><html lang="en"><title>Shop</title><body><h1>Shop</h1>
<button data-charafy-open id="ask">Ask us</button>
<script>
  window.heard = [];
  for (const name of ["ready", "open", "close", "state", "transcript", "error"])
    document.addEventListener(name, ({{ detail }}) => heard.push([name, detail]), true);
</script>
<script async src="{{server}}/widget.js" data-character="{{character}}" {more}></script>"""
THERE = "() => document.querySelector('charafy-widget')"
OPENED = "() => document.querySelector('charafy-widget').opened"
NOT_OPENED = "() => !document.querySelector('charafy-widget').opened"
LAUNCH = "() => document.querySelector('charafy-widget').shadowRoot.querySelector('button').click()"
FRAMES = (
    "() => document.querySelector('charafy-widget').shadowRoot.querySelectorAll('iframe').length"
)
BOX = """() => {
  const dialog = document.querySelector('charafy-widget').shadowRoot.querySelector('dialog');
  const box = dialog.getBoundingClientRect();
  return [box.left, box.top, box.width, box.height].map(Math.round);
}"""


def place(theatre: Theatre, more: str = "") -> None:
    theatre.put("/", SCRIPT.format(more=more))


def act(tab: Tab, code: str) -> Any:
    return tab.evaluate(f"() => document.querySelector('charafy-widget').{code}")


def heard(tab: Tab, name: str) -> list[Any]:
    return [detail for event, detail in tab.evaluate("() => heard") if event == name]


@pytest.fixture
def tab(chromium: Chromium, theatre: Theatre) -> Iterator[Tab]:
    size = {"width": 1280, "height": 800}
    with chromium.visit(theatre.shop.origin, "", viewport=size, reduced_motion="reduce") as tab:
        yield tab


def test_floating_it_waits_in_the_corner_until_it_is_asked(tab: Tab, theatre: Theatre) -> None:
    place(theatre)
    tab.open("/")
    tab.wait_until(THERE)
    assert tab.evaluate(FRAMES) == 0, "nothing is loaded before it is opened"
    tab.evaluate(LAUNCH)
    frame = Framed(tab)
    assert tab.evaluate(BOX) == [860, 84, 400, 620]
    frame.begin("text")
    tab.press("Escape")
    tab.wait_until(NOT_OPENED)
    theatre.peer.wait_until(lambda: bool(theatre.peer.messages("disconnect-bot")))
    focus = "() => document.activeElement.shadowRoot?.activeElement?.part.value"
    assert tab.evaluate(focus) == "launcher"
    assert [name for name, _ in tab.evaluate("() => heard")].count("close") == 1


def test_as_an_overlay_it_is_modal_and_any_button_opens_it(tab: Tab, theatre: Theatre) -> None:
    place(theatre, 'data-mode="overlay" data-launcher="none"')
    tab.open("/")
    tab.wait_until(THERE)
    tab.click("#ask")
    frame = Framed(tab)
    assert tab.evaluate(BOX) == [200, 90, 880, 620]
    frame.wait_until("() => 'closable' in document.documentElement.dataset")
    frame.click(".close")
    tab.wait_until(NOT_OPENED)


def test_as_a_whole_page_it_is_simply_there(tab: Tab, theatre: Theatre) -> None:
    place(theatre, 'data-mode="fullpage" data-theme="dark" data-accent="#0a7d55" data-lang="ja"')
    tab.open("/")
    frame = Framed(tab)
    assert tab.evaluate(BOX) == [0, 0, 1280, 800]
    assert frame.text(".primary") == "Emmaと話す"
    look = """() => [getComputedStyle(document.body).backgroundColor,
      document.documentElement.style.getPropertyValue('--accent')]"""
    assert frame.evaluate(look) == ["rgb(23, 22, 28)", "#0a7d55"]


def test_as_an_element_it_fills_its_own_box(tab: Tab, theatre: Theatre) -> None:
    page = (
        "<!doctype html><body style='margin:0'><script async src='{server}/widget.js'></script>"
        "<charafy-widget character='{character}' style='width:300px;height:500px'></charafy-widget>"
    )
    theatre.put("/", page)
    tab.open("/")
    Framed(tab).begin("text")
    assert tab.evaluate(BOX) == [0, 0, 300, 500]
    act(tab, "remove()")
    theatre.peer.wait_until(lambda: bool(theatre.peer.calls))


def test_a_page_s_script_speaks_through_it_and_hears_what_goes_on(
    tab: Tab, theatre: Theatre
) -> None:
    peer = theatre.peer
    place(theatre)
    tab.open("/")
    tab.wait_until(THERE)
    act(tab, "open()")
    act(tab, "speak('Welcome to the shop.')")
    frame = Framed(tab)
    assert peer.told == [], "nobody is made to talk before they have begun"
    frame.begin("text")
    peer.wait_until(lambda: peer.asked("say") == [{"text": "Welcome to the shop."}])
    act(tab, "interrupt()")
    peer.wait_until(lambda: peer.asked("interrupt") == [{}])
    peer.say("user-transcription", text="Hi.", final=True, timestamp="")
    tab.wait_until("() => heard.some(([name]) => name === 'transcript')")
    assert heard(tab, "transcript") == [{"who": "user", "text": "Hi.", "final": True}]
    assert heard(tab, "ready")[0]["character"]["name"] == "Emma"
    assert act(tab, "state") == "listening"
    act(tab, "end()")
    tab.wait_until("() => document.querySelector('charafy-widget').state === 'ended'")
    assert heard(tab, "state")[-1] == {"state": "ended", "reason": "hang_up"}


def test_nobody_else_is_listened_to(tab: Tab, theatre: Theatre) -> None:
    """A frame of another origin poses as ours before the page, and as the page before ours."""
    place(theatre)
    theatre.shop.pages["/other"] = """<script>
      const targets = [parent, top];
      for (let at = 0; at < parent.length; at++) targets.push(parent[at]);
      for (const target of targets) {
        target.postMessage({ charafy: "widget", do: "end" }, "*");
        target.postMessage({ charafy: "embed", event: "close" }, "*");
        target.postMessage({ charafy: "embed", event: "transcript", text: "posed" }, "*");
      }
      parent.postMessage("done", "*");
    </script>"""
    tab.open("/")
    tab.wait_until(THERE)
    act(tab, "open()")
    Framed(tab).begin("text")
    tab.evaluate(
        """(url) => new Promise((done) => {
          addEventListener("message", ({ data }) => data === "done" && done());
          document.body.append(Object.assign(document.createElement("iframe"), { src: url }));
        })""",
        f"{theatre.shop.other_origin}/other",
    )
    assert tab.evaluate(OPENED)
    assert heard(tab, "transcript") == []
    assert act(tab, "state") == "listening"
    assert theatre.peer.messages("disconnect-bot") == []


def test_the_page_around_is_told_why_nobody_is_there(tab: Tab, theatre: Theatre) -> None:
    place(theatre)
    theatre.allow(embed_enabled=False)
    tab.open("/")
    tab.wait_until(THERE)
    act(tab, "open()")
    tab.wait_until("() => heard.some(([name]) => name === 'error')")
    assert heard(tab, "error")[0]["code"] == "not_found"
    tab.press("Escape")
    tab.complaints.clear()  # the browser notes the 404s


def test_it_runs_under_a_strict_policy_of_the_page(tab: Tab, theatre: Theatre) -> None:
    script = '<script async src="{server}/widget.js" data-character="{character}"></script>'
    theatre.put("/", f"<!doctype html>{script}")
    theatre.shop.headers["content-security-policy"] = (
        f"default-src 'none'; script-src {theatre.server}; frame-src {theatre.server}; "
        f"img-src {theatre.server}"
    )
    tab.open("/")
    tab.wait_until(THERE)
    act(tab, "open()")
    Framed(tab).begin("text")


def test_a_narrow_window_is_filled(chromium: Chromium, theatre: Theatre) -> None:
    place(theatre)
    size = {"width": 360, "height": 640}
    with chromium.visit(theatre.shop.origin, "", viewport=size, reduced_motion="reduce") as tab:
        tab.open("/")
        tab.wait_until(THERE)
        act(tab, "open()")
        frame = Framed(tab)
        assert tab.evaluate(BOX) == [0, 0, 360, 640]
        frame.begin("text")
        assert frame.evaluate("() => document.documentElement.scrollWidth") <= 360
        assert frame.evaluate("() => document.documentElement.scrollHeight") <= 640


def test_the_script_is_small_cached_and_for_pages_of_any_origin(tab: Tab, theatre: Theatre) -> None:
    place(theatre)
    tab.open("/")
    tab.wait_until(THERE)
    answer: dict[str, Any] = tab.evaluate(
        """async (url) => {
          const answer = await fetch(url);
          return { text: await answer.text(), cache: answer.headers.get("cache-control") };
        }""",
        f"{theatre.server}/widget.js",
    )
    assert answer["cache"] == "public, max-age=300"
    assert len(gzip.compress(answer["text"].encode())) < 6_000
