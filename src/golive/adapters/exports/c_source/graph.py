"""Graph: the nodes of an ONNX graph in, the statements that answer one row out.

The length of every axis is known, because there is one row; what depends on constants alone is computed now.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

import msgspec
import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from golive.adapters.exports.c_source.literals import KINDS
from golive.adapters.exports.c_source.program import Program, Value
from golive.errors import NotConvertibleError

Attributes = Mapping[str, Any]


class Node(msgspec.Struct, frozen=True, eq=False):
    """One node with what it reads."""

    proto: Any
    inputs: tuple[Value | None, ...]
    """None where an optional input is left out."""
    attributes: Attributes
    walk: Callable[[Any, Mapping[str, Value]], tuple[Value, ...]]
    """Writes a graph inside this one, with what its inputs are, and gives its outputs."""

    @property
    def label(self) -> str:
        """What the node is called in messages."""
        domain = f"{self.proto.domain}." if self.proto.domain else ""
        return f"{domain}{self.proto.op_type}"

    def value(self, place: int) -> Value:
        """Give an input that must be there.

        Raises:
            NotConvertibleError: it is left out.
        """
        found = self.optional(place)
        if found is None:
            self.refuse("without one of its inputs")
        return found

    def optional(self, place: int) -> Value | None:
        """Give an input, or None where it is left out."""
        return self.inputs[place] if place < len(self.inputs) else None

    def known(self, place: int) -> Any:
        """Give an input that must be constant, as a numpy array.

        Raises:
            NotConvertibleError: it depends on the row.
        """
        value = self.value(place)
        if value.constant is None:
            self.refuse("with a shape or an axis that depends on the row")
        return np.asarray(value.constant)

    def integers(self, name: str, place: int) -> tuple[int, ...] | None:
        """Give whole numbers that are an attribute in older graphs and an input in newer ones; None: neither."""
        if name in self.attributes:
            given = self.attributes[name]
            return tuple(int(each) for each in (given if isinstance(given, Sequence) else [given]))
        if self.optional(place) is None:
            return None
        return tuple(int(each) for each in self.known(place).reshape(-1))

    def refuse(self, how: str) -> NoReturn:
        """Say that this node, used this way, has no form in C.

        Raises:
            NotConvertibleError: always.
        """
        message = (
            f"the model uses the operator {self.label}{how and ' '}{how}, which has no form in C source here; "
            "export it as onnx or ort, which run every operator"
        )
        raise NotConvertibleError(message)


Rule = Callable[[Program, Node], Value | tuple[Value, ...]]
"""Writes one node."""


class Walker:
    """Writes the nodes of a graph by the rules for their operators."""

    def __init__(self, program: Program, rules: Mapping[tuple[str, str], Rule], opsets: Mapping[str, int]) -> None:
        self._program = program
        self._rules = rules
        self._opsets = dict(opsets)

    def write(self, graph: onnx.GraphProto, given: Mapping[str, Value]) -> tuple[Value, ...]:
        """Write a graph with what its inputs (and the names around it) are, and give its outputs.

        Raises:
            NotConvertibleError: an operator has no rule, or none for the way it is used; the message names it.
        """
        known = dict(given)
        for tensor in graph.initializer:
            known[tensor.name] = self._constant(numpy_helper.to_array(tensor), tensor.name)
        for node in graph.node:
            inputs = tuple(known[name] if name else None for name in node.input)
            made = self._node(node, inputs, known)
            self._program.end_piece()
            known.update(zip(node.output, made, strict=False))
        return tuple(known[each.name] for each in graph.output)

    def _constant(self, array: Any, name: str) -> Value:
        if array.dtype.name not in KINDS:
            message = (
                f"the constant {name!r} of the model is {array.dtype.name}, which C source here does not have; export "
                "it as onnx or ort"
            )
            raise NotConvertibleError(message)
        return self._program.constant(array)

    def _node(
        self, proto: onnx.NodeProto, inputs: tuple[Value | None, ...], known: Mapping[str, Value]
    ) -> tuple[Value, ...]:
        def walk(graph: onnx.GraphProto, given: Mapping[str, Value]) -> tuple[Value, ...]:
            return self.write(graph, {**known, **given})

        attributes = {each.name: helper.get_attribute_value(each) for each in proto.attribute}
        node = Node(proto, inputs, attributes, walk)
        if all(value is None or value.constant is not None for value in inputs) and "body" not in attributes:
            return self._folded(node)
        rule = self._rules.get((proto.domain, proto.op_type))
        if rule is None:
            node.refuse("")
        made = rule(self._program, node)
        return made if isinstance(made, tuple) else (made,)

    def _folded(self, node: Node) -> tuple[Value, ...]:
        pairs = zip(node.proto.input, node.inputs, strict=True)
        feeds = {name: np.asarray(value.constant) for name, value in pairs if value is not None}
        arrays = ReferenceEvaluator(node.proto, opsets=self._opsets).run(None, feeds)
        return tuple(self._constant(np.asarray(array), node.proto.output[0]) for array in arrays)


def opened(graph: bytes) -> tuple[onnx.GraphProto, dict[str, int]]:
    """Read a graph and the versions of its operator sets."""
    model = onnx.load_model_from_string(graph)
    return model.graph, {entry.domain: entry.version for entry in model.opset_import}
