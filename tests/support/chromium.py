"""A real browser for tests: Chromium without a window, driven from a thread of its own.

Playwright's synchronous interface would leave an event loop running in pytest's thread, and every
later `asyncio.run` in the session would fail. Here the loop lives in a thread, tests call plain
methods, every wait is bounded, and what the page complains about fails the test.

A test's site is a function from a path to its bytes: no socket is opened, nothing leaves the
machine. Import `chromium` in a folder's conftest to have the fixture.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar
from urllib.parse import urljoin, urlsplit

import pytest
from fastapi.testclient import TestClient
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    FilePayload,
    Page,
    Playwright,
    Route,
    async_playwright,
)

from tests.support import recordings
from tests.support.needed import needed
from tests.support.relay import Relay

ORIGIN: Final = "https://charafy.test"
"""Where a test's site lives. HTTPS, so that the page is a secure context."""

WAIT_S: Final = 60.0
START_S: Final = 60.0

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_FLAGS: Final = (
    "--no-sandbox",  # containers and CI have no user namespaces
    "--disable-dev-shm-usage",
    "--use-angle=swiftshader",  # WebGL without a graphics card
    "--enable-unsafe-swiftshader",
    "--autoplay-policy=no-user-gesture-required",
    "--force-color-profile=srgb",
    "--disable-background-networking",
    "--disable-component-update",
)

_SLOW: Final = "GPU stall due to ReadPixels"
"""What the driver says of every picture that a test reads back."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Served:
    """What the site answers."""

    body: bytes
    content_type: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


_NOT_ASKED: Final = ("host", "content-length", "accept-encoding", "cookie", "origin")
"""Headers that a client of the application sets itself."""
_KEPT: Final = ("content-security-policy", "cache-control", "content-range", "accept-ranges")


def served(http: TestClient, asked: Asked) -> Served:
    """What the application behind `http`, a client who is signed in, answers a page's request."""
    headers = {k: v for k, v in asked.headers.items() if k not in _NOT_ASKED and k[0] != ":"}
    answer = http.request(asked.method, asked.path, content=asked.body, headers=headers)
    sent = {name: answer.headers[name] for name in _KEPT if name in answer.headers}
    content_type = answer.headers.get("content-type", "text/plain")
    return Served(answer.content, content_type, answer.status_code, sent)


Site = Callable[[str], Served | None]
"""Path with query -> answer; None is 404. Called from worker threads."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of the browser."""

    method: str
    path: str
    """With its query."""
    headers: Mapping[str, str]
    body: bytes | None


Server = Callable[[Asked], Served]
"""A site that also takes forms. Called from worker threads."""

TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".json": "application/json",
        ".webp": "image/webp",
        ".png": "image/png",
        ".svg": "image/svg+xml",
        ".wav": "audio/wav",
        ".mp3": "audio/mpeg",
        ".woff2": "font/woff2",
    }
)


def folder(root: Path, prefix: str = "/") -> Site:
    """A site of the files under `root`, at `prefix`."""

    def answer(path: str) -> Served | None:
        name = urlsplit(path).path
        if not name.startswith(prefix):
            return None
        file = (root / name.removeprefix(prefix)).resolve()
        if not file.is_relative_to(root.resolve()) or not file.is_file():
            return None
        return Served(file.read_bytes(), TYPES[file.suffix])

    return answer


def files(contents: Mapping[str, bytes]) -> Site:
    """A site of the given paths; the type follows from the ending."""

    def answer(path: str) -> Served | None:
        name = urlsplit(path).path
        if name not in contents:
            return None
        return Served(contents[name], TYPES[Path(name).suffix])

    return answer


def first_of(*sites: Site) -> Site:
    """The first site that has the path answers."""

    def answer(path: str) -> Served | None:
        return next((found for site in sites if (found := site(path)) is not None), None)

    return answer


@dataclass(slots=True)
class Tab:
    """One page in a browser profile of its own."""

    _page: Page
    _run: Callable[[Coroutine[Any, Any, Any]], Any]
    complaints: list[str]
    """Errors on the console, uncaught exceptions, missing files; a test that provokes one
    clears the list."""
    _origin: str = ORIGIN

    def open(self, path: str) -> None:
        """A path of the site, or a whole address of it."""
        self._run(self._page.goto(urljoin(self._origin, path), timeout=WAIT_S * 1000))

    def evaluate(self, code: str, argument: Any = None) -> Any:
        """The value of a JavaScript function (awaited), JSON-able both ways."""
        return self._run(self._page.evaluate(code, argument))

    def wait_until(self, condition: str, argument: Any = None) -> None:
        """Until the JavaScript function answers true; `TimeoutError` after `WAIT_S`."""
        waiting = self._page.wait_for_function(condition, arg=argument, timeout=WAIT_S * 1000)
        self._run(waiting)

    def choose_file(self, selector: str, name: str, data: bytes) -> None:
        """Put a file into a form, as if it were chosen in the dialog."""
        # By its bytes: of a file on the disk the browser would not show what it sends.
        file: FilePayload = {"name": name, "mimeType": "", "buffer": data}
        self._run(self._page.set_input_files(selector, file, timeout=WAIT_S * 1000))

    def type(self, selector: str, text: str) -> None:
        self._run(self._page.fill(selector, text, timeout=WAIT_S * 1000))

    def click(self, selector: str) -> None:
        self._run(self._page.click(selector, timeout=WAIT_S * 1000))

    def press(self, key: str) -> None:
        self._run(self._page.keyboard.press(key))

    def resize(self, width: int, height: int) -> None:
        self._run(self._page.set_viewport_size({"width": width, "height": height}))

    def picture(self, *, whole_page: bool = False) -> bytes:
        """What is to be seen, as PNG."""
        shot: bytes = self._run(self._page.screenshot(full_page=whole_page, timeout=WAIT_S * 1000))
        return shot


class Chromium:
    """A running browser. Tabs share the process, nothing else."""

    def __init__(self, executable: str, microphone: Path | None = None) -> None:
        """`microphone`: a WAV file that is heard, again and again, by who may listen."""
        self._executable = executable
        self._heard = (
            ()
            if microphone is None
            else (
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-audio-capture={microphone}",
            )
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="chromium", daemon=True)
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None

    def start(self) -> None:
        self._thread.start()
        self._run(self._launch(), START_S)

    def close(self) -> None:
        try:
            self._run(self._quit(), START_S)
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(WAIT_S)
            self._loop.close()

    @contextlib.contextmanager
    def tab(
        self, site: Site | None = None, *, server: Server | None = None, **context: Any
    ) -> Iterator[Tab]:
        """A page on `site` or `server`; `context` are Playwright's options, as `viewport`.

        Fails at the end if the page complained.
        """
        assert site or server
        complaints: list[str] = []
        answer = server or (lambda asked: _of_site(site, asked))
        profile, page = self._run(self._new(answer, context, complaints))
        tab = Tab(page, self._run, complaints)
        try:
            yield tab
            assert not tab.complaints, tab.complaints
        finally:
            self._run(profile.close())

    @contextlib.contextmanager
    def visit(
        self, origin: str, script: str, relay: Relay | None = None, **context: Any
    ) -> Iterator[Tab]:
        """A page at a real server on the loopback; `script` runs in it before its own.

        With a `relay` offers of conversations and their answers lead through it. Fails at the end
        if the page complained.
        """
        complaints: list[str] = []
        profile, page = self._run(self._new(None, context, complaints, script))
        self._run(profile.route("**/favicon.ico", lambda r: r.fulfill(status=204)))
        if relay is not None:
            self._run(profile.route("**/conversation/connect", lambda r: _relayed(r, relay)))
        tab = Tab(page, self._run, complaints, origin)
        try:
            yield tab
            assert not tab.complaints, tab.complaints
        finally:
            self._run(profile.close())

    def _run(self, work: Coroutine[Any, Any, T], patience_s: float = WAIT_S + 10) -> T:
        future: Future[T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(patience_s)
        finally:
            future.cancel()

    async def _launch(self) -> None:
        self._playwright = await async_playwright().start()
        self._browser = await self._playwright.chromium.launch(
            executable_path=self._executable,
            args=[*_FLAGS, *self._heard],
            timeout=START_S * 1000,
        )

    async def _quit(self) -> None:
        if self._browser:
            await self._browser.close()
        if self._playwright:
            await self._playwright.stop()

    async def _new(
        self,
        server: Server | None,
        options: dict[str, Any],
        complaints: list[str],
        script: str = "",
    ) -> tuple[BrowserContext, Page]:
        assert self._browser is not None
        profile = await self._browser.new_context(**options)
        if server is not None:
            await profile.route("**/*", lambda route: _answer(route, server))
        if script:
            await profile.add_init_script(script)
        page = await profile.new_page()
        _listen(page, complaints)
        return profile, page


def _listen(page: Page, complaints: list[str]) -> None:
    def said(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and _SLOW not in message.text:
            complaints.append(f"{message.type}: {message.text}")

    page.on("console", said)
    page.on("pageerror", lambda error: complaints.append(f"uncaught: {error}"))


def _of_site(site: Site | None, asked: Asked) -> Served:
    served = site(asked.path) if site else None
    return served or Served(b"There is no such file.", "text/plain", 404)


async def _answer(route: Route, server: Server) -> None:
    url = urlsplit(route.request.url)
    if f"{url.scheme}://{url.netloc}" != ORIGIN:
        await route.abort()  # a page that reaches for another host is told so, and complains
        return
    path = url.path + (f"?{url.query}" if url.query else "")
    if path == "/favicon.ico":
        await route.fulfill(status=204)
        return
    request = route.request
    asked = Asked(request.method, path, await request.all_headers(), request.post_data_buffer)
    served = await asyncio.to_thread(server, asked)
    await route.fulfill(
        status=served.status,
        body=served.body,
        content_type=served.content_type,
        headers={"content-type": served.content_type, **served.headers},
    )


async def _relayed(route: Route, relay: Relay) -> None:
    body: dict[str, Any] = route.request.post_data_json or {}
    answer = await route.fetch(post_data=json.dumps(relay.described(body)))
    if not answer.ok:
        await route.fulfill(response=answer)
        return
    await route.fulfill(response=answer, json=relay.described(await answer.json()))


def find_browser() -> str | None:
    """Chromium or Chrome: what CHARAFY_BROWSER names, else the first on the PATH."""
    named = os.environ.get("CHARAFY_BROWSER")
    return named or next((found for name in _NAMES if (found := shutil.which(name))), None)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    """One browser for the session's tests. Without one they are skipped, in CI they fail."""
    executable = needed(find_browser(), "no Chromium on the PATH: scripts/browser installs one")
    microphone = tmp_path_factory.mktemp("microphone") / "speech.wav"
    microphone.write_bytes(recordings.written("wav"))
    browser = Chromium(executable, microphone)
    browser.start()
    try:
        yield browser
    finally:
        browser.close()
