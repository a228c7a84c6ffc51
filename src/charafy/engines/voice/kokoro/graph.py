"""Cutting an ONNX graph: the part between named tensors becomes a model of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, helper


def producers(graph: GraphProto) -> dict[str, NodeProto]:
    """Tensor name -> the node that makes it."""
    return {output: node for node in graph.node for output in node.output if output}


def consumers(graph: GraphProto) -> dict[str, list[NodeProto]]:
    """Tensor name -> the nodes that read it."""
    readers: dict[str, list[NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    return readers


def _needed(
    made_by: dict[str, NodeProto], inputs: frozenset[str], outputs: Sequence[str]
) -> Iterator[str]:
    """Names reachable backwards from `outputs` without passing an input."""
    pending, seen = list(outputs), set[str]()
    while pending:
        name = pending.pop()
        if not name or name in seen:
            continue
        seen.add(name)
        yield name
        if name not in inputs and name in made_by:
            pending.extend(made_by[name].input)


def extract(model: ModelProto, inputs: Sequence[str], outputs: Sequence[str]) -> ModelProto:
    """The sub-model that computes `outputs` from `inputs` (float32 where `model` has no type).

    Raises `ValueError` when an output is not in the model or needs an input that is not listed.
    """
    graph = model.graph
    made_by = producers(graph)
    weights = {tensor.name: tensor for tensor in graph.initializer}
    names = set(_needed(made_by, frozenset(inputs), outputs))
    missing = names - made_by.keys() - weights.keys() - set(inputs)
    if missing:
        raise ValueError(f"the model does not have {', '.join(sorted(missing))}")
    kept = {id(made_by[name]) for name in names if name in made_by and name not in inputs}
    declared = {value.name: value for value in (*graph.input, *graph.output)}
    part = helper.make_graph(
        [node for node in graph.node if id(node) in kept],
        "part",
        [_value(declared, name) for name in inputs if name in names],
        [_value(declared, name) for name in outputs],
        [tensor for name, tensor in weights.items() if name in names],
    )
    return helper.make_model(part, opset_imports=model.opset_import, ir_version=model.ir_version)


def _value(declared: dict[str, ValueInfoProto], name: str) -> ValueInfoProto:
    return declared.get(name) or helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
