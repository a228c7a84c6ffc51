"""Every page as people see it: three widths, both languages, both themes, from a real server.

Run as `python -m tests.support.screenshots [FOLDER] [PART OF A PAGE'S NAME ...]`. What it writes is
to be looked at; nothing is compared.
"""

from __future__ import annotations

import itertools
import sys
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, sync_playwright

from charafy.house import build_house
from charafy.kernel.settings import Settings
from tests.support.chromium import find_browser
from tests.support.clock import ManualClock
from tests.support.lived_in import DAYS, LivedIn, live_in
from tests.support.server import Server, running

WIDTHS: Final[Mapping[str, tuple[int, int]]] = {
    "phone": (390, 844),
    "tablet": (820, 1180),
    "desktop": (1440, 900),
}
LANGUAGES: Final = ("en", "ja")
THEMES: Final = ("light", "dark")
PREVIEW_MS: Final = 6_000
"""What an embedded character is given to appear in its preview."""
MOST_PX: Final = 6_000
"""Of a page's height: the reference would go on for ever."""


def pages(seen: LivedIn) -> dict[str, str]:
    """Names and paths; those behind the sign-in begin with /dashboard, /operator or /try."""
    one = f"/dashboard/conversations/{seen.conversation_id}"
    return {
        "front": "/",
        "sign-in": "/sign-in",
        "sign-up": "/sign-up",
        "reset": "/reset",
        "docs": "/docs",
        "player": "/player",
        "design": "/design",
        "home": "/dashboard",
        "characters": "/dashboard/characters",
        "character": f"/dashboard/characters/{seen.character_id}",
        "new-character": "/dashboard/characters/new",
        "voices": "/dashboard/voices",
        "speech": "/dashboard/speech",
        "videos": "/dashboard/videos",
        "try": f"/try/{seen.character_id}",
        "conversations": "/dashboard/conversations",
        "conversation": one,
        "credits": "/dashboard/credits",
        "quick-start": "/dashboard/quick-start?code=python",
        "keys": "/dashboard/keys",
        "embeds": "/dashboard/embed",
        "embed": f"/dashboard/embed/{seen.character_id}",
        "webhooks": "/dashboard/webhooks",
        "webhook": f"/dashboard/webhooks/{seen.endpoint_id}",
        "account": "/dashboard/account",
        "operator": "/operator",
        "health": "/operator/health",
        "missing": "/dashboard/conversations/none",
    }


def main(folder: Path, wanted: tuple[str, ...]) -> int:
    executable = find_browser()
    if executable is None:
        print("No Chromium was found: scripts/browser installs one.", file=sys.stderr)  # noqa: T201
        return 1
    with tempfile.TemporaryDirectory() as home, running(Path(home), **_SERVER) as server:
        seen, session = seed(Path(home))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=executable, args=["--no-sandbox", "--disable-dev-shm-usage"]
            )
            for name, path in pages(seen).items():
                if not wanted or any(part in name for part in wanted):
                    for file in _shots(browser, server, session, folder, name, path):
                        print(file)  # noqa: T201
            browser.close()
    return 0


_SERVER: Final = {"CHARAFY_VOICE_ENGINE": "scripted"}


def seed(home: Path) -> tuple[LivedIn, str]:
    """Let a month pass in the account of the server's owner; the token of a session of theirs."""
    clock = ManualClock(datetime.now(UTC) - timedelta(days=DAYS - 1, minutes=30))
    house = build_house(Settings(home=home, voice_engine="scripted"), clock=clock)
    try:
        owner = house.accounts.owner()
        assert owner is not None
        seen = live_in(house, clock, owner.account_id)
        house.keys.create(owner.account_id, "Website")
        house.keys.create(owner.account_id, "Trying things", kind="test")
        house.accounts.create("sora@example.com", name="Sora", credits=250)
        return seen, house.account_services.sessions.begin(owner.account_id).token
    finally:
        house.close()


def _shots(
    browser: Browser, server: Server, session: str, folder: Path, name: str, path: str
) -> Iterator[Path]:
    inside = path.startswith(("/dashboard", "/operator", "/try"))
    for theme, language, width in itertools.product(THEMES, LANGUAGES, WIDTHS):
        across, down = WIDTHS[width]
        context = browser.new_context(
            viewport={"width": across, "height": down},
            color_scheme="dark" if theme == "dark" else "light",
            locale=language,
            timezone_id="Asia/Tokyo" if language == "ja" else "Europe/London",
            reduced_motion="reduce",
        )
        cookies = {"charafy_lang": language} | ({"charafy_session": session} if inside else {})
        context.add_cookies(
            [{"name": k, "value": v, "url": server.base_url} for k, v in cookies.items()]
        )
        page = context.new_page()
        page.goto(server.base_url + path, wait_until="load", timeout=30_000)
        page.evaluate("document.fonts.ready")
        if page.query_selector(".preview iframe:not([hidden])"):
            page.wait_for_timeout(PREVIEW_MS)
        file = folder / f"{name}-{width}-{language}-{theme}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        tall = int(page.evaluate("document.documentElement.scrollHeight"))
        page.set_viewport_size({"width": across, "height": down})
        page.screenshot(
            path=file,
            full_page=True,
            clip={"x": 0, "y": 0, "width": across, "height": min(max(tall, down), MOST_PX)},
        )
        context.close()
        yield file


if __name__ == "__main__":
    to = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("var/screenshots")
    sys.exit(main(to, tuple(sys.argv[2:])))
