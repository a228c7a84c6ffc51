"""Checkpoints are read as data, and nothing else that a pickle may hold."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from charafy.engines.voice.cloning.match.checkpoint import read_checkpoint
from tests.support.matching import store


def test_the_tensors_of_campplus_are_there_by_name() -> None:
    state = read_checkpoint(store().ensure("campplus"))
    assert state["head.conv1.weight"].shape == (32, 1, 3, 3)
    assert state["xvector.dense.linear.weight"].shape == (192, 1024, 1)
    assert all(np.isfinite(tensor).all() for tensor in state.values())


def test_a_pickle_that_would_run_something_runs_nothing(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, ...]:
            return os.mkdir, (str(tmp_path / "sprung"),)

    path = tmp_path / "trap.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"weight": Trap()}))
    with pytest.raises(ValueError, match=r"trap\.pt"):
        read_checkpoint(path)
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 not really", pickle.dumps({})])
def test_what_is_no_checkpoint_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "model.pt"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"model\.pt"):
        read_checkpoint(path)


def test_a_checkpoint_of_something_else_holds_no_tensors(tmp_path: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps([1, 2]))
    path = tmp_path / "list.pt"
    path.write_bytes(file.getvalue())
    with pytest.raises(ValueError, match="no tensors"):
        read_checkpoint(path)
