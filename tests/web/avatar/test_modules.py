"""The modules as files: small, plain, typed, and open to pages of other origins."""

from __future__ import annotations

import gzip
import re

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from charafy.engines.portrait import CHANNELS
from charafy.kernel.http.errors import install_error_handlers
from charafy.web import player_files
from tests.support.chromium import Tab
from tests.web.avatar.conftest import STATIC

FOLDER = STATIC / "avatar"
MODULES = {path.name: path.read_text("utf-8") for path in sorted(FOLDER.glob("*.js"))}
BUDGET = 25 * 1024
IMPORT = re.compile(r'(?:from|import\(?)\s*"\./([\w-]+\.js)"')


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    install_error_handlers(app)
    app.include_router(player_files.router())
    return TestClient(app)


def needed(name: str, without: frozenset[str]) -> set[str]:
    """The module and what it imports, at once or later."""
    found = {name}
    for other in IMPORT.findall(re.sub(r"^\s*(?://|\*|/\*).*$", "", MODULES[name], flags=re.M)):
        if other not in without and other not in found:
            found |= needed(other, without)
    return found


def packed(names: set[str]) -> int:
    return sum(len(gzip.compress(MODULES[name].encode())) for name in names)


@pytest.mark.parametrize(
    "others", [("drawing.js", "sprites.js"), ("photo.js", "sprites.js"), ("photo.js", "drawing.js")]
)
def test_a_face_of_any_kind_loads_little_code(others: tuple[str, str]) -> None:
    modules = needed("avatar-player.js", frozenset(others))
    assert {"track.js", "clock.js", "rig.js"} <= modules
    print(f"{packed(modules):,} bytes without {others}")  # noqa: T201 - wanted in the report
    assert packed(modules) <= BUDGET


def test_all_modules_in_one_piece_are_small() -> None:
    assert len(gzip.compress("\n".join(MODULES.values()).encode())) <= BUDGET


def test_modules_import_nothing_but_each_other_and_all_are_used() -> None:
    for name, source in MODULES.items():
        assert "http://" not in source and "https://" not in source, name
        for imported in re.findall(r'from "([^"]+)"', source):
            assert imported.startswith("./") and imported[2:] in MODULES
    assert needed("charafy-avatar.js", frozenset()) == set(MODULES)


def test_they_keep_to_modules_and_leave_the_page_s_names_alone() -> None:
    for name, source in MODULES.items():
        assert "window." not in source and "globalThis" not in source, name
        assert "eval(" not in source and "innerHTML" not in source, name


def test_the_types_name_every_channel_and_every_public_member() -> None:
    types = (FOLDER / "avatar-player.d.ts").read_text("utf-8")
    pose = types[: types.index("number\n>>")]
    assert sorted(re.findall(r'"(\w+)"', pose)) == sorted(CHANNELS)
    for member in ("load", "play", "clock", "push", "interrupt", "pose", "snapshot", "destroy"):
        assert re.search(rf"^  (?:static |set )?{member}\(", types, re.M), member


def test_pages_of_other_origins_may_import_them(client: TestClient) -> None:
    answer = client.get("/static/avatar/avatar-player.js", headers={"origin": "https://a.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.text == MODULES["avatar-player.js"]
    plain = client.get("/static/avatar/pose.js", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers and plain.text == MODULES["pose.js"]


@pytest.mark.parametrize(
    "name", ["nothing.js", "..%2Fcharafy.js", "avatar-player", "..", "a%00.js"]
)
def test_only_modules_are_served(client: TestClient, name: str) -> None:
    assert client.get(f"/static/avatar/{name}").status_code == 404


def test_every_module_is_sound_javascript(tab: Tab) -> None:
    names = tab.evaluate(
        """async (names) => {
      const loaded = [];
      for (const name of names) {
        if (Object.keys(await import(`/static/avatar/${name}`)).length) loaded.push(name);
      }
      return loaded;
    }""",
        list(MODULES),
    )
    assert names == list(MODULES)
