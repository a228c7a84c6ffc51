"""The modules as files: small, plain, typed, open to all; the protocol as it is written."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

import charafy
from charafy.kernel.http.errors import install_error_handlers
from charafy.web import player_files
from tests.web.conftest import STATIC

FOLDER = STATIC / "conversation"
MODULES = {path.name: path.read_text("utf-8") for path in sorted(FOLDER.glob("*.js"))}
LIVEKIT = "../livekit/livekit-client.js"
MAIN = MODULES["charafy-conversation.js"]
TYPES = (FOLDER / "charafy-conversation.d.ts").read_text("utf-8")
PROTOCOL = Path(__file__).parents[3] / "docs" / "conversation-protocol.md"
ROW = re.compile(r"^\| `([\w/-]+)` \|.*\| `(\w+)(?:\(\))?` \|$", re.M)


@pytest.fixture
def client() -> TestClient:
    app = FastAPI()
    install_error_handlers(app)
    app.include_router(player_files.router())
    return TestClient(app)


def table(heading: str) -> dict[str, str]:
    """The message -> the event or method that stands beside it."""
    text = PROTOCOL.read_text("utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    return dict(ROW.findall(text))


def test_all_modules_together_are_small() -> None:
    plain = [source for name, source in MODULES.items() if name != "room.js"]
    assert len(gzip.compress("\n".join(plain).encode())) <= 9 * 1024
    assert len(gzip.compress("\n".join(MODULES.values()).encode())) <= 11 * 1024


def test_modules_import_nothing_but_each_other_and_all_are_used() -> None:
    imported = {"./charafy-conversation.js"}
    for name, source in MODULES.items():
        found = set(re.findall(r'(?:from |await import\()"([^"]+)"', source)) - {LIVEKIT}
        assert all(path.removeprefix("./") in MODULES for path in found), name
        imported |= found
    assert {path.removeprefix("./") for path in imported} == set(MODULES)


def test_the_client_of_livekit_is_loaded_for_a_room_alone() -> None:
    assert [name for name, source in MODULES.items() if LIVEKIT in source] == ["room.js"]
    assert [name for name, source in MODULES.items() if "room.js" in source] == [
        "charafy-conversation.js"
    ]
    assert MAIN.count("room.js") == MAIN.count('import("./room.js")') == 1


def test_they_keep_to_modules_and_leave_the_page_s_names_alone() -> None:
    for name, source in MODULES.items():
        assert "window." not in source and "globalThis" not in source, name
        assert "eval(" not in source and "innerHTML" not in source, name


def test_the_module_listens_to_every_message_of_the_server() -> None:
    listened = MAIN[MAIN.index("const HEARD") : MAIN.index("\n};")]
    handled = set(re.findall(r'^  "?([\w/-]+)"?: \(talk', listened, re.M))
    assert handled == set(table("From the server"))


def test_what_the_server_says_is_in_the_table() -> None:
    written = set(table("From the server"))
    for path in Path(charafy.__file__).parent.joinpath("talk").glob("*.py"):
        source = path.read_text("utf-8")
        said = set(re.findall(r'\bevent\(\s*"([\w-]+)"', source)) - {"server-message"}
        topics = re.findall(r'\bserver\(\s*"([\w-]+)"', source)
        assert said | {f"server-message/{topic}" for topic in topics} <= written, path.name


def test_the_module_says_every_message_of_the_client() -> None:
    said = set(re.findall(r'this\.(?:send|keep)\("([\w-]+)"', MAIN)) - {"client-message"}
    asked = re.findall(r'this\.(?:ask|urge)\("([\w-]+)"', MAIN)
    said |= {f"client-message/{topic}" for topic in asked}
    assert said == set(table("From the client"))


def test_every_event_and_method_is_in_the_types() -> None:
    for event in table("From the server").values():
        assert re.search(rf"^  {event}: CustomEvent<", TYPES, re.M), event
    for event in re.findall(r"^  (\w+): CustomEvent<", TYPES, re.M):
        assert f'tell("{event}"' in MAIN, event
    for method in table("From the client").values():
        assert re.search(rf"^  {method}\(", TYPES, re.M), method
        assert re.search(rf"^  (?:async )?{method}\(", MAIN, re.M), method


def test_pages_of_other_origins_may_import_them(client: TestClient) -> None:
    address = "/static/conversation/charafy-conversation.js"
    answer = client.get(address, headers={"origin": "https://a.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["content-encoding"] == "gzip" and answer.text == MAIN
    assert client.get("/static/conversation/avatar-player.js").status_code == 404
