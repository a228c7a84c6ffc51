"""A whole house with two customers in it, for tests of what each of them may see and do."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from charafy.app import build_app
from charafy.engines.voice.cloning import Cloner
from charafy.house import House, build_house
from charafy.kernel.clock import Clock
from charafy.kernel.db import Database
from charafy.kernel.settings import Settings
from tests.support.images import jpeg

Json = dict[str, Any]


def data_uri(picture: bytes, kind: str = "image/jpeg") -> str:
    return f"data:{kind};base64,{base64.b64encode(picture).decode()}"


PHOTO = data_uri(jpeg((64, 80)))


@dataclass(frozen=True, slots=True)
class Customer:
    """One account and its client, which sends the account's key."""

    account_id: str
    http: TestClient
    key: str

    def get(self, path: str, **options: Any) -> Any:
        return self._ask("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Any:
        return self._ask("POST", path, **({} if body is None else {"json": body}), **options)

    def put(self, path: str, body: Any, **options: Any) -> Any:
        return self._ask("PUT", path, json=body, **options)

    def patch(self, path: str, body: Any, **options: Any) -> Any:
        return self._ask("PATCH", path, json=body, **options)

    def delete(self, path: str, **options: Any) -> Any:
        return self._ask("DELETE", path, **options)

    def _ask(self, method: str, path: str, **options: Any) -> Any:
        headers = {"x-api-key": self.key, **options.pop("headers", {})}
        if "json" in options:  # escaped, so that a body may hold what UTF-8 can't
            options["content"] = json.dumps(options.pop("json"))
            headers.setdefault("Content-Type", "application/json")
        return self.http.request(method, f"/api/v1{path}", headers=headers, **options)

    def send(self, path: str, audio: bytes | None, **fields: Any) -> Any:
        """Post a form with a recording in it."""
        headers = {"x-api-key": self.key, **fields.pop("headers", {})}
        files = {} if audio is None else {"audio": ("recording", audio)}
        # Without a file httpx would send no multipart form.
        parts = files | {name: (None, value) for name, value in fields.items()}
        return self.http.post(f"/api/v1{path}", files=parts, headers=headers)

    def voice(self, language: str = "ja") -> str:
        voices = self.get("/voices").json()["voices"]
        return next(str(voice["voice_id"]) for voice in voices if voice["language"] == language)

    def character(self, **fields: Any) -> str:
        """Make a character; returns its id."""
        body = {"name": "Sakura", "image": PHOTO, "voice_id": self.voice(), **fields}
        answer = self.post("/characters", body)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["character_id"])


@dataclass(frozen=True, slots=True)
class Street:
    """Alice and Bob in one house; Alice also has a test key, as `tester`."""

    house: House
    http: TestClient
    alice: Customer
    tester: Customer
    bob: Customer

    def files(self) -> list[str]:
        """Every file that the house keeps for its customers."""
        media: Path = self.house.settings.media
        return sorted(str(path.relative_to(media)) for path in media.rglob("*") if path.is_file())


@contextmanager
def street(
    settings: Settings, clock: Clock, db: Database, cloner: Cloner | None = None
) -> Iterator[Street]:
    """`db`: a migrated database at the settings' address."""
    del db
    house = build_house(settings, clock=clock, cloner=cloner)
    http = TestClient(build_app(house), base_url=settings.base_url)
    try:
        alice, tester = _customer(house, http, "alice"), None
        key = house.keys.create(alice.account_id, "tests", kind="test").key
        tester = Customer(alice.account_id, http, key)
        yield Street(house, http, alice, tester, _customer(house, http, "bob"))
    finally:
        house.close()


def _customer(house: House, http: TestClient, name: str) -> Customer:
    account = house.accounts.create(f"{name}@example.com", plan="standard")
    key = house.keys.create(account.account_id, "first").key
    return Customer(account.account_id, http, key)
