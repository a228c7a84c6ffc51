"""The symbol table is the one of the model's own configuration."""

from __future__ import annotations

import json
from importlib import resources

import pytest

from charafy.engines.voice.vocabulary import PUNCTUATION, SYMBOLS


def test_the_table_equals_the_models_configuration() -> None:
    config = json.loads((resources.files("kokoro_onnx") / "config.json").read_text("utf-8"))
    assert dict(SYMBOLS) == config["vocab"]


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        SYMBOLS["x"] = 0  # type: ignore[index]


def test_punctuation_is_part_of_the_vocabulary() -> None:
    assert SYMBOLS.keys() >= PUNCTUATION
