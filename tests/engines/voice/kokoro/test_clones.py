"""A matched voice's file says how to speak, and a file that doesn't is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from charafy.engines.voice.cloning.clonefile import BadClone, unpack
from charafy.engines.voice.kokoro import stock_styles
from charafy.engines.voice.kokoro.clones import (
    ENGINE,
    TIMBRE,
    CloneStyles,
    Manner,
    Match,
    match_of,
)

NAME = "voices/1/clone-a.json"


def a_match() -> Match:
    return Match(
        np.linspace(-0.4, 0.4, TIMBRE, dtype=np.float32),
        {"en": Manner("af_heart", 1.1), "ja": Manner("jf_alpha", 0.8)},
        "ja",
        212.5,
        np.array([0.0, 1000.0, 12000.0]),
        np.array([0.0, 3.0, -6.0]),
    )


def fields() -> dict[str, Any]:
    return unpack(a_match().pack())[1]


def test_what_is_packed_is_read_again() -> None:
    engine, kept = unpack(a_match().pack())
    found = match_of(kept)
    assert engine == ENGINE
    assert found.timbre == pytest.approx(a_match().timbre, abs=1e-5)
    assert (found.manners, found.language) == (a_match().manners, "ja")
    assert found.gains_db == pytest.approx(a_match().gains_db)


def test_it_speaks_each_language_in_a_manner_of_its_own_and_in_one_timbre() -> None:
    style = a_match().style(stock_styles())
    english, japanese = style.speaking("en"), style.speaking("ja")
    assert (english.pitch, japanese.pitch) == (1.1, 0.8)
    heart = stock_styles()["af_heart"]
    for symbols in (1, 40, 510):
        assert english.row(symbols)[0, :TIMBRE] == pytest.approx(a_match().timbre)
        assert english.row(symbols)[0, TIMBRE:] == pytest.approx(heart.row(symbols)[0, TIMBRE:])
    assert np.array_equal(style.table, japanese.table)
    assert style.equaliser is not None


def test_without_gains_there_is_no_filter() -> None:
    flat = replace(a_match(), gains_db=np.zeros(3))
    assert flat.style(stock_styles()).equaliser is None


@pytest.mark.parametrize(
    "broken",
    [
        {"timbre": [0.0] * 3},
        {"timbre": [float("nan")] * TIMBRE},
        {"timbre": "loud"},
        {"manners": {}},
        {"manners": []},
        {"manners": {"ja": {"stock": "jf_alpha"}}},
        {"language": "fr"},
        {"equaliser": {"hertz": [1.0], "gains_db": []}},
        {"equaliser": None},
        {"timbre": [1e300] * TIMBRE},
        {"timbre": [1e9] * TIMBRE},
        {"manners": {"ja": {"stock": "jf_alpha", "pitch": float("nan")}}},
        {"manners": {"ja": {"stock": "jf_alpha", "pitch": 0.0}}},
        {"manners": {"ja": {"stock": "jf_alpha", "pitch": 10**400}}},
        {"pitch_hz": float("inf")},
        {"equaliser": {"hertz": [0.0, float("nan")], "gains_db": [1.0, 1.0]}},
        {"equaliser": {"hertz": [0.0, 1.0], "gains_db": [9_000.0, 9_000.0]}},
    ],
)
def test_a_file_that_lacks_something_is_refused(broken: Mapping[str, Any]) -> None:
    with pytest.raises(BadClone):
        match_of(fields() | dict(broken))


def test_what_could_not_be_spoken_with_is_not_packed() -> None:
    with pytest.raises(BadClone):
        replace(a_match(), timbre=np.full(TIMBRE, np.nan, np.float32)).pack()


def test_a_voice_that_is_not_here_cannot_be_built_on() -> None:
    gone = replace(a_match(), manners={"ja": Manner("jf_gone", 1.0)})
    with pytest.raises(BadClone):
        gone.style(stock_styles())


class Shelf:
    def __init__(self, engine: str = ENGINE) -> None:
        self.engine = engine
        self.reads = 0

    def read(self, name: str) -> tuple[str, Mapping[str, Any]]:
        self.reads += 1
        if name != NAME:
            raise KeyError(name)
        return self.engine, fields()


def test_styles_of_clones_are_read_once_and_stock_ones_not_at_all() -> None:
    shelf = Shelf()
    styles = CloneStyles(stock_styles(), shelf.read)
    assert styles["af_heart"].pitch == 1.0
    assert styles[NAME] is styles[NAME]
    assert shelf.reads == 1
    assert NAME not in list(styles)
    assert len(styles) == len(stock_styles())


def test_the_style_of_a_clone_that_is_gone_is_kept_no_longer() -> None:
    shelf = Shelf()
    styles = CloneStyles(stock_styles(), shelf.read)
    first = styles[NAME]
    styles.forget(NAME)
    styles.forget("voices/1/never-read.json")
    assert styles[NAME] is not first
    assert shelf.reads == 2


def test_unknown_names_and_clones_of_others_are_refused() -> None:
    with pytest.raises(KeyError):
        CloneStyles(stock_styles(), Shelf().read)["voices/1/gone.json"]
    with pytest.raises(KeyError):
        CloneStyles(stock_styles(), Shelf().read)["af_nobody"]
    with pytest.raises(BadClone):
        CloneStyles(stock_styles(), Shelf("openai").read)[NAME]
