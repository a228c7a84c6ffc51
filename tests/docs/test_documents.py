"""The documents in `docs/` say what the code says, and their links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from charafy.kernel.settings import Plan, Prices, Settings
from charafy.write_docs import documents

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
WRITTEN = documents()


@pytest.mark.parametrize("name", sorted(WRITTEN))
def test_a_written_document_is_current(name: str) -> None:
    """`make openapi` writes them anew."""
    assert (DOCS / name).read_text(encoding="utf-8") == WRITTEN[name]


def test_no_guide_is_left_over() -> None:
    assert {f"guides/{path.name}" for path in (DOCS / "guides").iterdir()} == {
        name for name in WRITTEN if name.startswith("guides/")
    }


@pytest.mark.parametrize("model", [Settings, Prices, Plan])
def test_every_setting_has_a_description(model: type[BaseModel]) -> None:
    undescribed = [name for name, field in model.model_fields.items() if not field.description]
    assert undescribed == []


def test_every_setting_is_in_the_table() -> None:
    table = WRITTEN["settings.md"]
    for name in Settings.model_fields:
        assert f"CHARAFY_{name.upper()}" in table, name
    for name in Prices.model_fields:
        assert f"CHARAFY_PRICES__{name.upper()}" in table, name


@pytest.mark.parametrize("path", sorted(DOCS.rglob("*.md")), ids=lambda path: path.name)
def test_links_inside_the_documentation_lead_to_files_that_exist(path: Path) -> None:
    for target in LINK.findall(path.read_text(encoding="utf-8")):
        file, _, _anchor = target.partition("#")
        if file and "://" not in target:
            assert (path.parent / file).exists(), target
