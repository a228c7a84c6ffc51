"""Weights out of a PyTorch checkpoint, read as data: no torch, and nothing in it is executed."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_TYPES: Final = {"FloatStorage": "<f4", "LongStorage": "<i8"}


def read_checkpoint(path: Path) -> dict[str, Array]:
    """The tensors of a state dict by name.

    Raises `OSError` when the file can't be read, `ValueError` when it is no such checkpoint.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            (index,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
            reader = _Reader(archive, index.removesuffix("data.pkl"))
            state = reader.load()
    except (zipfile.BadZipFile, pickle.UnpicklingError, KeyError, ValueError) as error:
        raise ValueError(f"{path.name} is not a checkpoint that can be read") from error
    if not isinstance(state, dict):
        raise ValueError(f"{path.name} holds no tensors by name")
    return {name: tensor for name, tensor in state.items() if isinstance(tensor, np.ndarray)}


class _Reader(pickle.Unpickler):
    """Knows tensors and ordered dicts; whatever else a pickle may ask for, it refuses."""

    def __init__(self, archive: zipfile.ZipFile, folder: str) -> None:
        super().__init__(io.BytesIO(archive.read(f"{folder}data.pkl")))
        self._archive = archive
        self._folder = folder

    def find_class(self, module: str, name: str, /) -> Any:
        known: Mapping[tuple[str, str], Callable[..., Any] | str] = {
            ("torch._utils", "_rebuild_tensor_v2"): _tensor,
            ("collections", "OrderedDict"): dict,
            **{("torch", kind): kind for kind in _TYPES},
        }
        if (module, name) not in known:
            raise pickle.UnpicklingError("a checkpoint holds nothing but tensors")
        return known[module, name]

    def persistent_load(self, pid: Any, /) -> Array:
        _, kind, key, _, _ = pid
        data = self._archive.read(f"{self._folder}data/{key}")
        return np.frombuffer(data, _TYPES[kind])


def _tensor(storage: Array, offset: int, shape: tuple[int, ...], strides: Any, *_: Any) -> Array:
    """`strides` are those of a whole, contiguous tensor, which is all that is read here."""
    size = int(np.prod(shape, dtype=np.int64))
    expected = tuple(int(np.prod(shape[at + 1 :], dtype=np.int64)) for at in range(len(shape)))
    if size > 1 and tuple(strides) != expected:
        raise pickle.UnpicklingError("a tensor that is a view of another")
    return storage[offset : offset + size].reshape(shape)
