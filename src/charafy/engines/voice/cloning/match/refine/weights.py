"""Kokoro's decoder as numbers: its weights out of the int8 export, by the names of its nodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

Floats = NDArray[np.float32]
Weights = Mapping[str, Any]
"""A tree of float32 arrays as `decoder.decode` takes it. A convolution is (weight, bias)."""

SOURCE_PER_FRAME: Final = 120
"""Rows of harmonics per acoustic frame; there is one more in all."""

_NODES: Final = "/decoder/decoder/"
_NAMES: Final = "decoder.decoder."
_INVERSE: Final = "decoder.decoder.generator.stft.istft.stft.inverse_basis"
_LOUDER: Final = 4.0
"""What the export multiplies its overlapping frames with. It does not divide them by the sum of
their windows (but for the first 20 samples), so it speaks 1.5 times as loud as was trained."""


def decoder_weights(model: ModelProto) -> Weights:
    """The decoder of `model`, dequantised (220 MB).

    Raises `ValueError` when it is not the export of Kokoro v1.0 that is expected.
    """
    reader = _Reader(model)
    try:
        return _tree(reader)
    except (KeyError, IndexError, StopIteration) as error:
        raise ValueError("the model's decoder is not the one of Kokoro v1.0") from error


def _tree(reader: _Reader) -> Weights:
    basis = reader.initializer(_INVERSE).astype(np.float32)
    return {
        "encode": _narrow(reader, "encode"),
        "decode": tuple(_narrow(reader, f"decode.{i}") for i in range(4)),
        "f0": reader.convolution("F0_conv"),
        "energy": reader.convolution("N_conv"),
        "asr": reader.convolution("asr_res/asr_res.0", "asr_res.0"),
        "source": tuple(reader.convolution(f"generator/noise_convs.{i}") for i in range(2)),
        "source_blocks": tuple(_wide(reader, f"noise_res.{i}") for i in range(2)),
        "ups": tuple(reader.convolution(f"generator/ups.{i}") for i in range(2)),
        "blocks": tuple(_wide(reader, f"resblocks.{i}") for i in range(6)),
        "post": reader.convolution("generator/conv_post"),
        "inverse": _LOUDER * basis[:, 0],
    }


def _narrow(reader: _Reader, name: str) -> dict[str, Any]:
    """A residual block at 40 or 80 frames per second."""
    block = {
        "convs": tuple(reader.convolution(f"{name}/conv{i}") for i in (1, 2)),
        "norms": tuple(reader.projection(f"{name}.norm{i}") for i in (1, 2)),
        "shortcut": reader.weight(f"{name}/conv1x1"),
    }
    if reader.has(f"{name}.pool"):
        block["pool"] = reader.convolution(f"{name}/pool")
    return block


def _wide(reader: _Reader, name: str) -> tuple[dict[str, Any], ...]:
    """A residual block of the generator: three pairs of snakes and convolutions."""
    path = f"generator.{name}"
    return tuple(
        {
            "rates": tuple(
                reader.initializer(f"{_NAMES}{path}.alpha{i}.{j}").ravel().astype(np.float32)
                for i in (1, 2)
            ),
            "norms": tuple(reader.projection(f"{path}.adain{i}.{j}") for i in (1, 2)),
            "convs": tuple(
                reader.convolution(f"generator/{name}/convs{i}.{j}", f"{path}.convs{i}.{j}")
                for i in (1, 2)
            ),
        }
        for j in range(3)
    )


def _turned(weight: NDArray[Any], axes: tuple[int, ...]) -> Floats:
    return np.ascontiguousarray(weight.transpose(axes), np.float32)


class _Reader:
    """Weights by the names that the exporter gave: some are quantised, some are not."""

    def __init__(self, model: ModelProto) -> None:
        self._tensors = {tensor.name: tensor for tensor in model.graph.initializer}
        self._nodes = {node.name: node for node in model.graph.node}
        self._products: dict[str, NodeProto] = {
            node.input[1]: node for node in model.graph.node if node.op_type == "MatMulInteger"
        }

    def initializer(self, name: str) -> NDArray[Any]:
        from onnx import numpy_helper

        return numpy_helper.to_array(self._tensors[name])

    def has(self, name: str) -> bool:
        return f"{_NAMES}{name}.bias" in self._tensors

    def convolution(self, path: str, name: str | None = None) -> tuple[Floats, Floats]:
        """Of the node at `path`; its bias has a `name` where that is not told by the path."""
        name = name or path.replace("/", ".")
        bias = self.initializer(f"{_NAMES}{name}.bias")
        return self.weight(path), bias.astype(np.float32)

    def weight(self, path: str) -> Floats:
        """[kernel, inputs, outputs]; a transposed one of single channels: [kernel, channels, 1]"""
        quantised = self._nodes.get(f"{_NODES}{path}/Conv_quant")
        if quantised is not None:
            return _turned(self._dequantised(quantised, "_quantized"), (2, 1, 0))
        plain = self._nodes.get(f"{_NODES}{path}/Conv")
        if plain is not None:
            return _turned(self.initializer(plain.input[1]), (2, 1, 0))
        plain = self._nodes[f"{_NODES}{path}/ConvTranspose"]
        return _turned(self.initializer(plain.input[1]), (2, 0, 1))

    def projection(self, name: str) -> tuple[Floats, Floats]:
        """[128, 2 * channels] and bias: from a timbre to the gains and shifts of a norm."""
        path = f"{_NAMES}{name}.fc"
        product = self._products[f"{path}.weight_quantized"]
        bias = self.initializer(f"{path}.bias").astype(np.float32)
        return self._dequantised(product, "_quantized"), bias

    def _dequantised(self, node: NodeProto, suffix: str) -> Floats:
        name = node.input[1]
        levels = self.initializer(name).astype(np.float32)
        zero: Any = np.float32(0.0)
        if len(node.input) > 3 and node.input[3]:
            zero = self.initializer(node.input[3]).astype(np.float32)
        scale = self.initializer(f"{name.removesuffix(suffix)}_scale").astype(np.float32)
        if levels.ndim == 3:
            # One scale for a whole convolution, one per output for a projection.
            zero, scale = np.reshape(zero, ()), np.reshape(scale, ())
        dequantised: Floats = (levels - zero) * scale
        return dequantised
