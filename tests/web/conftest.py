"""The pages' frame as the server renders it, in both languages."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from jinja2 import ChoiceLoader, DictLoader, Environment, FileSystemLoader, StrictUndefined

import charafy

WEB = Path(charafy.__file__).parent / "web"
STATIC = WEB / "static"

Render = Callable[..., str]


def words(lang: str) -> dict[str, str]:
    texts: dict[str, str] = json.loads((WEB / "i18n" / f"{lang}.json").read_text("utf-8"))
    return texts


@pytest.fixture
def render() -> Render:
    """Render a template's source with the layout and the components in reach."""

    def from_source(source: str, lang: str = "en", **context: object) -> str:
        env = Environment(
            loader=ChoiceLoader(
                [FileSystemLoader(WEB / "templates"), DictLoader({"page": source})]
            ),
            autoescape=True,
            undefined=StrictUndefined,
        )
        return env.get_template("page").render(lang=lang, _=words(lang).__getitem__, **context)

    return from_source
