"""Rewrites that make Kokoro's graphs cheaper, and its vocoder the same in a window as in the whole.

Each recognises one pattern of the int8 export and leaves everything else alone; each returns how
many places it changed, so that a model it does not fit is noticed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import NodeProto, TensorProto, helper

from charafy.engines.voice.kokoro.graph import Graph

_EPSILON = 1e-5
_FLAT = "flat.shape"


def node(kind: str, inputs: Sequence[str], output: str, **attributes: Any) -> NodeProto:
    return helper.make_node(kind, list(inputs), [output], **attributes)


def join_norms(graph: Graph) -> int:
    """Mean, variance, gain and shift of adaptive instance norms: ten nodes -> one."""
    graph.add_weight(_FLAT, np.array([-1], np.int64))
    remade: dict[str, list[NodeProto]] = {}
    for ratio in graph.nodes("Div"):
        centred, spread = graph.maker(ratio.input[0], "Sub"), graph.maker(ratio.input[1], "Sqrt")
        if centred is None or spread is None:
            continue
        for scaled in graph.readers(ratio.output[0]):
            shifted = graph.reader(scaled.output[0], "Add")
            if scaled.op_type != "Mul" or shifted is None:
                continue
            out = shifted.output[0]
            gain = graph.other(scaled, ratio.output[0])
            shift = graph.other(shifted, scaled.output[0])
            remade[out] = [
                node("Reshape", [gain, _FLAT], f"{out}.gain"),
                node("Reshape", [shift, _FLAT], f"{out}.shift"),
                node(
                    "InstanceNormalization",
                    [centred.input[0], f"{out}.gain", f"{out}.shift"],
                    out,
                    epsilon=_EPSILON,
                ),
            ]
    graph.replace(remade)
    return len(remade)


def join_snakes(graph: Graph) -> int:
    """x + sin(a x)^2 / a after a norm: the norm gives a x, so (z + sin(z)^2) / a is left."""
    remade: dict[str, list[NodeProto]] = {}
    for sine in graph.nodes("Sin"):
        scaled, power = graph.maker(sine.input[0], "Mul"), graph.reader(sine.output[0], "Pow")
        divided = graph.reader(power.output[0], "Mul") if power is not None else None
        total = graph.reader(divided.output[0], "Add") if divided is not None else None
        if scaled is None or power is None or divided is None or total is None:
            continue
        plain = graph.other(total, divided.output[0])
        norm = graph.maker(plain, "InstanceNormalization")
        alpha = graph.weight(graph.other(scaled, plain))
        if norm is None or alpha is None:
            continue
        out = total.output[0]
        rate = graph.add_weight(f"{out}.rate", alpha.ravel())
        remade[out] = [
            node("Mul", [norm.input[1], rate], f"{out}.gain"),
            node("Mul", [norm.input[2], rate], f"{out}.shift"),
            node(
                "InstanceNormalization",
                [norm.input[0], f"{out}.gain", f"{out}.shift"],
                f"{out}.z",
                epsilon=_EPSILON,
            ),
            node("Sin", [f"{out}.z"], f"{out}.sin"),
            node("Mul", [f"{out}.sin", f"{out}.sin"], f"{out}.square"),
            node("Add", [f"{out}.z", f"{out}.square"], f"{out}.sum"),
            node("Mul", [f"{out}.sum", graph.other(divided, power.output[0])], out),
        ]
    graph.replace(remade)
    return len(remade)


def sign_activations(graph: Graph) -> int:
    """Give integer convolutions signed activations: the same sums by a kernel twice as fast.

    Only where the machine adds such products without saturating (see `arithmetic`).
    """
    flip = graph.add_weight("sign.flip", np.array(128, np.uint8))
    remade: dict[str, list[NodeProto]] = {}
    for conv in graph.nodes("ConvInteger"):
        quantised = graph.maker(conv.input[0], "DynamicQuantizeLinear")
        if quantised is None:
            continue
        levels, scale, zero = quantised.output
        remade[levels] = [
            quantised,
            node("BitwiseXor", [zero, flip], f"{zero}.flipped"),
            node("Cast", [f"{zero}.flipped"], f"{zero}.signed", to=TensorProto.INT8),
            node(
                "QuantizeLinear", [quantised.input[0], scale, f"{zero}.signed"], f"{levels}.signed"
            ),
        ]
        signed = NodeProto()
        signed.CopyFrom(conv)
        signed.input[0], signed.input[2] = f"{levels}.signed", f"{zero}.signed"
        remade[conv.output[0]] = [signed]
    graph.replace(remade)
    return sum(len(nodes) == 1 for nodes in remade.values())


def join_scales(graph: Graph) -> int:
    """Bias and scale after an integer convolution: two passes over the audio -> one or none.

    An instance norm takes both away again, so before one they are left out.
    """
    remade: dict[str, list[NodeProto]] = {}
    for conv in graph.nodes("ConvInteger"):
        tail = _tail(graph, conv)
        if tail is None:
            continue
        bias, scale, out = tail
        raw = node("Cast", [conv.output[0]], f"{out}.raw", to=TensorProto.FLOAT)
        if all(r.op_type == "InstanceNormalization" for r in graph.readers(out)):
            raw.output[0] = out
            remade[out] = [raw]
            continue
        size = len(bias_values) if (bias_values := graph.weight(bias)) is not None else 0
        zeros = graph.add_weight(f"zeros.{size}", np.zeros(size, np.float32))
        ones = graph.add_weight(f"ones.{size}", np.ones(size, np.float32))
        remade[out] = [
            raw,
            node("Mul", [ones, scale], f"{out}.scales"),
            node(
                "BatchNormalization",
                [f"{out}.raw", f"{out}.scales", bias, zeros, ones],
                out,
                epsilon=0.0,
            ),
        ]
    graph.replace(remade)
    return len(remade)


def _tail(graph: Graph, conv: NodeProto) -> tuple[str, str, str] | None:
    """Names of the float bias, of the scale and of the result of a convolution with a bias."""
    biased = graph.reader(conv.output[0], "Add")
    cast = graph.reader(biased.output[0], "Cast") if biased is not None else None
    scaled = graph.reader(cast.output[0], "Mul") if cast is not None else None
    if biased is None or cast is None or scaled is None:
        return None
    # The integer bias is computed from the float one: Div, Floor, Cast, Reshape.
    above = graph.maker(graph.other(biased, conv.output[0]))
    while above is not None and above.op_type in ("Reshape", "Cast", "Floor"):
        above = graph.maker(above.input[0])
    if above is None or above.op_type != "Div" or graph.weight(above.input[0]) is None:
        return None
    return above.input[0], graph.other(scaled, cast.output[0]), scaled.output[0]


def give_moments(graph: Graph) -> tuple[int, ...]:
    """Let instance norms take mean and variance from inputs instead of from the window at hand.

    Adds the inputs `means` and `variances`, the channels of all norms one after the other in the
    order of the graph. Returns the channels of each norm.
    """
    norms = graph.nodes("InstanceNormalization")
    sizes = tuple(_channels(graph, norm) for norm in norms)
    graph.add_weight("moments.sizes", np.array(sizes, np.int64))
    remade: dict[str, list[NodeProto]] = {}
    for i, norm in enumerate(norms):
        out = norm.output[0]
        given = [*norm.input, f"means.{i}", f"variances.{i}"]
        remade[out] = [node("BatchNormalization", given, out, epsilon=_EPSILON)]
    parts = [
        helper.make_node(
            "Split", [name, "moments.sizes"], [f"{name}.{i}" for i in range(len(norms))], axis=0
        )
        for name in ("means", "variances")
    ]
    remade[norms[0].output[0]][:0] = parts
    graph.replace(remade)
    for name in ("means", "variances"):
        shape = helper.make_tensor_value_info(name, TensorProto.FLOAT, [sum(sizes)])
        graph.proto.input.append(shape)
    return sizes


def _channels(graph: Graph, norm: NodeProto) -> int:
    """Channels of a norm that `join_snakes` made: as many as its snake has rates."""
    gain = graph.maker(norm.input[1], "Mul")
    rates = [] if gain is None else [w for n in gain.input if (w := graph.weight(n)) is not None]
    if not rates:
        raise ValueError(f"the norm {norm.output[0]} is not followed by a snake")
    return len(rates[0])
