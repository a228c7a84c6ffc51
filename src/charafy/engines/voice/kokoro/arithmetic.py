"""Does this machine multiply signed by unsigned bytes without losing carries?

x86 cores without VNNI add pairs of such products in 16 bits, which saturates; with VNNI, and on
Arm, the sums are exact. Asked by trying, because that also covers the library between.
"""

from __future__ import annotations

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

_CHANNELS, _LENGTH, _KERNEL = 64, 128, 3


def signed_products_are_exact() -> bool:
    """Run one integer convolution of the largest values and compare it with the true sum."""
    weights = np.full((_CHANNELS, _CHANNELS, _KERNEL), 255, np.uint8)
    signal = np.full((1, _CHANNELS, _LENGTH), 127, np.int8)
    graph = helper.make_graph(
        [helper.make_node("ConvInteger", ["x", "w"], ["y"])],
        "saturation",
        [helper.make_tensor_value_info("x", TensorProto.INT8, list(signal.shape))],
        [helper.make_tensor_value_info("y", TensorProto.INT32, None)],
        [numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    (sums,) = session.run(None, {"x": signal})
    return bool((sums == 127 * 255 * _CHANNELS * _KERNEL).all())
