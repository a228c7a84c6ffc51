"""A server that ends takes its processes along, also where one of them will not go."""

from __future__ import annotations

from pathlib import Path

import pytest

from charafy import server, supervisor
from charafy.cli.serve import serve


class Stubborn:
    """A supervisor that can't stop its process."""

    def __init__(self, name: str, stopped: list[str]) -> None:
        self._name = name
        self._stopped = stopped

    def start(self) -> None:
        """Nothing to start."""

    def stop(self) -> None:
        self._stopped.append(self._name)
        raise OSError(self._name)


def test_one_that_cannot_be_stopped_keeps_no_other_alive(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[str] = []
    monkeypatch.setenv("CHARAFY_HOME", str(tmp_path))
    monkeypatch.setenv("CHARAFY_VOICE_ENGINE", "scripted")
    monkeypatch.setenv("CHARAFY_DEMO", "off")
    monkeypatch.setattr(supervisor, "talk", lambda *_: Stubborn("talk", stopped))
    monkeypatch.setattr(supervisor, "worker", lambda *_: Stubborn("worker", stopped))
    monkeypatch.setattr(server, "run", lambda *_: None)
    with pytest.raises(OSError, match=r"worker|talk"):
        serve(port=0)
    assert stopped == ["talk", "worker"]
