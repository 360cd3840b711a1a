"""Program: an ONNX graph told to another library, one operator at a time, by one table for all such libraries."""

from collections.abc import Mapping
from typing import Any

import onnx
from onnx import numpy_helper

from golive.adapters.graphs.backend import Backend
from golive.adapters.graphs.table import OLDEST, TABLE, is_known
from golive.adapters.graphs.values import FormError, Value, tensor
from golive.errors import NotConvertibleError

EXPORT = "export it as onnx, which takes the graph as it is"


class Program:
    """A graph that any backend can run.

    Args:
        graph: ONNX.
        remedy: what the reader of a refusal can do, where no part of the graph says better.

    Raises:
        NotConvertibleError: an operator, or a form of one, is not in the table; it is named.
    """

    def __init__(self, graph: bytes, *, remedy: str = EXPORT) -> None:
        model = onnx.load_model_from_string(graph)
        self._remedy = remedy
        self._nodes = [(node, {one.name: _attribute(one) for one in node.attribute}) for node in model.graph.node]
        self.constants = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
        self.inputs = tuple(value.name for value in model.graph.input if value.name not in self.constants)
        self.outputs = tuple(value.name for value in model.graph.output)
        _check(model, remedy)

    def run(self, backend: Backend, feeds: Mapping[str, Any]) -> dict[str, Any]:
        """Tell the graph to a backend.

        Args:
            backend: the library.
            feeds: a tensor for each input; one for a constant stands for it.

        Returns:
            A tensor for each output.

        Raises:
            NotConvertibleError: an operator is used in a form that is not in the table; it is named.
        """
        values: dict[str, Value] = {**self.constants, **feeds}
        for node, attributes in self._nodes:
            given = [values[name] if name else None for name in node.input]
            try:
                found = TABLE[node.op_type](backend, given, attributes)
            except FormError as error:
                place = node.name or node.output[0]
                message = f"the operator {node.op_type} ({place}) {error.what}; {error.remedy or self._remedy}"
                raise NotConvertibleError(message) from error
            results = found if isinstance(found, tuple) else (found,)
            values.update(zip(node.output, results, strict=False))
        return {name: tensor(backend, values[name]) for name in self.outputs}


def _check(model: onnx.ModelProto, remedy: str) -> None:
    versions = {entry.domain or "ai.onnx": entry.version for entry in model.opset_import}
    if versions.get("ai.onnx", OLDEST) < OLDEST:
        message = (
            f"the graph is written for opset {versions['ai.onnx']}, and the operators of {OLDEST} and later are known "
            "here; export the model anew for one of those, and import it again"
        )
        raise NotConvertibleError(message)
    absent = sorted({_named(node) for node in model.graph.node if not is_known(node)})
    if absent or model.functions:
        message = f"the graph needs {', '.join(absent) or 'functions of its own'}, which are not known here; {remedy}"
        raise NotConvertibleError(message)


def _named(node: onnx.NodeProto) -> str:
    return f"{node.domain}.{node.op_type}" if node.domain else str(node.op_type)


def _attribute(entry: onnx.AttributeProto) -> Any:
    value = onnx.helper.get_attribute_value(entry)
    if isinstance(value, onnx.TensorProto):
        return numpy_helper.to_array(value)
    return value.decode() if isinstance(value, bytes) else value
