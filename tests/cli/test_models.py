"""Which model files `charafy models pull` brings."""

from __future__ import annotations

import pytest

from charafy.cli.models import SERVING, TESTING, needed
from charafy.engines.weights import MANIFEST
from charafy.kernel.settings import Settings
from charafy.minds import CHAT_MODEL


def settings(**values: object) -> Settings:
    return Settings.model_validate(values)


def test_a_server_gets_what_it_hears_thinks_and_speaks_with() -> None:
    assert needed(settings(), for_tests=False) == [*SERVING, CHAT_MODEL]


def test_who_asks_a_model_elsewhere_is_spared_the_largest_file() -> None:
    elsewhere = settings(llm_base_url="https://llm.example/v1", llm_model="some-model")
    assert needed(elsewhere, for_tests=False) == [*SERVING]


def test_the_embedded_model_that_is_named_is_the_one_that_is_brought() -> None:
    named = settings(llm_model="smollm2-135m")
    assert needed(named, for_tests=False) == [*SERVING, "smollm2-135m"]


@pytest.mark.parametrize("for_tests", [False, True])
def test_all_of_it_is_in_the_manifest(*, for_tests: bool) -> None:
    assert set(needed(settings(), for_tests=for_tests)) <= MANIFEST.keys()


def test_tests_think_with_a_small_model_instead() -> None:
    assert needed(settings(), for_tests=True) == [*SERVING, *TESTING]
