"""Reading and rebuilding ONNX graphs: cutting a part out, replacing what makes a tensor."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from onnx import (
    GraphProto,
    ModelProto,
    NodeProto,
    TensorProto,
    ValueInfoProto,
    helper,
    numpy_helper,
)


class Graph:
    """A graph with its links in both directions. `replace` is the only way to change it."""

    def __init__(self, proto: GraphProto) -> None:
        self.proto = proto
        self._weights = {tensor.name: tensor for tensor in proto.initializer}
        self._link()

    def _link(self) -> None:
        self._maker = {name: node for node in self.proto.node for name in node.output if name}
        self._readers: dict[str, list[NodeProto]] = {}
        for node in self.proto.node:
            for name in node.input:
                self._readers.setdefault(name, []).append(node)

    def nodes(self, kind: str) -> list[NodeProto]:
        return [node for node in self.proto.node if node.op_type == kind]

    def maker(self, name: str, kind: str = "") -> NodeProto | None:
        """The node that makes `name`, if it is of that kind."""
        node = self._maker.get(name)
        return node if node is not None and kind in ("", node.op_type) else None

    def readers(self, name: str) -> list[NodeProto]:
        return self._readers.get(name, [])

    def reader(self, name: str, kind: str) -> NodeProto | None:
        """The node that reads `name`, if it is the only one and of that kind."""
        readers = self.readers(name)
        return readers[0] if len(readers) == 1 and readers[0].op_type == kind else None

    def weight(self, name: str) -> NDArray[np.generic] | None:
        tensor = self._weights.get(name)
        return None if tensor is None else numpy_helper.to_array(tensor)

    def add_weight(self, name: str, value: NDArray[np.generic]) -> str:
        """Put a constant in; a name that is there already keeps its value. Returns the name."""
        if name not in self._weights:
            self._weights[name] = numpy_helper.from_array(value, name)
        return name

    def replace(self, remade: Mapping[str, Sequence[NodeProto]]) -> None:
        """Put nodes in place of the maker of each named tensor, then drop what nobody reads."""
        nodes: list[NodeProto] = []
        for node in self.proto.node:
            new = next((remade[name] for name in node.output if name in remade), None)
            nodes.extend([node] if new is None else new)
        needed = {value.name for value in self.proto.output}
        kept: list[NodeProto] = []
        for node in reversed(nodes):
            if needed.intersection(node.output):
                kept.append(node)
                needed.update(node.input)
        kept.reverse()
        del self.proto.node[:]
        self.proto.node.extend(kept)
        del self.proto.initializer[:]
        self.proto.initializer.extend(t for n, t in self._weights.items() if n in needed)
        self._link()

    def other(self, node: NodeProto, name: str) -> str:
        """The other input of a node that has two."""
        first, second = node.input
        return str(second if first == name else first)


def extract(model: ModelProto, inputs: Sequence[str], outputs: Sequence[str]) -> ModelProto:
    """The sub-model that computes `outputs` from `inputs` (float32 where `model` has no type).

    Raises `ValueError` when an output is not in the model or needs an input that is not listed.
    """
    graph = model.graph
    made_by = {name: node for node in graph.node for name in node.output if name}
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


def _value(declared: dict[str, ValueInfoProto], name: str) -> ValueInfoProto:
    return declared.get(name) or helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
