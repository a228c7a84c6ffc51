"""What is derived from the model: made once, whole or not at all, refused for another model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper

from charafy.engines.voice.kokoro.arithmetic import signed_products_are_exact
from charafy.engines.voice.kokoro.derive import derive
from charafy.engines.voice.kokoro.graph import Graph, extract
from charafy.engines.voice.kokoro.moments import Moments, summary
from charafy.engines.voice.kokoro.rewrite import sign_activations
from charafy.engines.voice.kokoro.styles import stock_styles


def test_graphs_are_derived_once(model_path: Path, tmp_path: Path) -> None:
    first = derive(model_path, tmp_path)
    stamps = [path.stat().st_mtime_ns for path in first]
    assert derive(model_path, tmp_path) == first
    assert [path.stat().st_mtime_ns for path in first] == stamps
    assert sorted(tmp_path.iterdir()) == sorted(first)


def test_another_model_is_refused(tmp_path: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "other",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])],
    )
    path = tmp_path / "other.onnx"
    path.write_bytes(helper.make_model(graph).SerializeToString())
    with pytest.raises(ValueError, match="the model has no pitch track"):
        derive(path, tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["other.onnx"]


def test_a_part_that_needs_more_than_its_inputs_is_refused() -> None:
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "z"], ["y"])],
        "sum",
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1]) for n in ("x", "z")],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])],
    )
    with pytest.raises(ValueError, match="does not have z"):
        extract(helper.make_model(graph), ["x"], ["y"])


@pytest.mark.skipif(not signed_products_are_exact(), reason="this processor would saturate")
def test_signed_activations_give_exactly_the_same_sums() -> None:
    random = np.random.default_rng(7)
    weights = random.integers(0, 256, (24, 16, 5), dtype=np.uint8)
    graph = helper.make_graph(
        [
            helper.make_node("DynamicQuantizeLinear", ["x"], ["levels", "scale", "zero"]),
            helper.make_node("ConvInteger", ["levels", "w", "zero", "wz"], ["y"], pads=[2, 2]),
        ],
        "conv",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 16, "n"])],
        [helper.make_tensor_value_info("y", TensorProto.INT32, None)],
        [
            helper.make_tensor("w", TensorProto.UINT8, weights.shape, weights.tobytes(), raw=True),
            helper.make_tensor("wz", TensorProto.UINT8, [], [131]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    x = random.normal(0.7, 3, (1, 16, 300)).astype(np.float32)
    before = _run(model.SerializeToString(), x)
    assert sign_activations(Graph(model.graph)) == 1
    assert np.array_equal(before, _run(model.SerializeToString(), x))


def _run(model: bytes, x: np.ndarray) -> np.ndarray:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.add_session_config_entry("session.qdqisint8allowed", "1")
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {"x": x})[0])


def test_foretold_moments_are_finite_and_spread_is_positive() -> None:
    for style in stock_styles().values():
        durations = np.array([14, 2, 3, 2, 10, 1])
        source = np.full((1, 600 * 32), 0.05, np.float32)
        foretold = Moments().foretell(summary("aba.", durations, source, style.row(4)))
        assert foretold.means.shape == foretold.variances.shape == (9216,)
        assert np.isfinite(foretold.means).all()
        assert (foretold.variances > 0).all()


def test_the_summary_counts_pads_and_pauses() -> None:
    durations = np.array([10, 2, 4, 3, 1])
    source = np.zeros((1, 600 * 20), np.float32)
    pads, pauses, level, rms, length = summary(
        "a,b", durations, source, np.zeros((1, 256), np.float32)
    )[:5]
    assert (pads, pauses, level, rms) == (pytest.approx(11 / 20), pytest.approx(4 / 20), 0, 0)
    assert length == pytest.approx(np.log(20) / 2)
