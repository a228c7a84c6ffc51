"""The app in this process, and its documentation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from charafy.app import build_app
from charafy.house import build_house
from charafy.kernel.migrate import migrate
from charafy.kernel.settings import Settings
from charafy.reference.openapi import build
from charafy.reference.operations import Chapter, chapters


@pytest.fixture(scope="session")
def reference_settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(
        home=tmp_path_factory.mktemp("reference"),
        voice_engine="scripted",
        public_url="https://talk.example.com",
        demo=False,
    )


@pytest.fixture(scope="session")
def app(reference_settings: Settings) -> Iterator[FastAPI]:
    house = build_house(reference_settings)
    migrate(house.db)
    yield build_app(house)
    house.close()


@pytest.fixture(scope="session")
def browser(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app) as client:
        yield client


@pytest.fixture(scope="session")
def document(app: FastAPI, reference_settings: Settings) -> dict[str, Any]:
    return build(app, reference_settings)


@pytest.fixture(scope="session")
def contents(document: dict[str, Any]) -> tuple[Chapter, ...]:
    return chapters(document)
