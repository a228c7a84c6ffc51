"""One front end for all tests here: its dictionaries take a second to read."""

from __future__ import annotations

import pytest

from charafy.engines.voice.text import TextFrontEnd


@pytest.fixture(scope="session")
def front_end() -> TextFrontEnd:
    return TextFrontEnd()
