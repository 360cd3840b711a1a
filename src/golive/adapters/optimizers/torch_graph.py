"""A network's graph as a function of torch, whose products can be trained; what comes before them stays as it is."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, version_converter

from golive import plugins
from golive.adapters.graphs.program import Program
from golive.adapters.graphs.table import OLDEST
from golive.adapters.optimizers.surgery import Surgery
from golive.errors import NotConvertibleError

_FLOATS = (np.float32, np.float64)
_PRODUCTS = frozenset(("Gemm", "MatMul", "Conv"))
_REMEDY = "pruned without fine-tuning, it needs no training"


class TorchGraph:
    """The part of a graph that depends on its products, in single precision.

    Args:
        content: the graph.

    Raises:
        NotConvertibleError: it has an operator that is not known here.
        MissingExtraError: torch is not installed.
    """

    def __init__(self, content: bytes) -> None:
        plugins.library("torch")
        self._backend = plugins.attribute("golive.adapters.graphs.torch_backend", "TorchBackend")(is_narrow=True)
        self._surgery = Surgery(content)
        nodes = _behind(self._surgery)
        self._program = Program(_part(content, nodes), remedy=_REMEDY)
        self.inputs = list(self._program.inputs)
        """What the nodes before give: tensors whose values must be handed in."""
        trained = {name for node in nodes if node.op_type in _PRODUCTS for name in node.input[1:]}
        self.trained: dict[str, Any] = {}
        self._fixed: dict[str, Any] = {}
        for name, value in self._program.constants.items():
            # Whole numbers are lengths, axes and places, which must be known, or quantized weights, which stay.
            if value.dtype in _FLOATS:
                held = self._backend.constant(value)
                (self.trained if name in trained else self._fixed)[name] = held.requires_grad_(name in trained)

    def answers(self, given: Sequence[Any]) -> Any:
        """Give ``P`` for the values of :attr:`inputs`, as a tensor that gradients can be taken of.

        Raises:
            NotConvertibleError: an operator is used in a form that is not known here.
        """
        feeds = dict(zip(self.inputs, given, strict=True))
        return self._program.run(self._backend, {**self._fixed, **self.trained, **feeds})["P"]

    def bytes(self) -> bytes:
        """Give the graph with the weights as they are now."""
        renamed = {}
        for name, tensor in self.trained.items():
            before = self._surgery.constant(name)
            if before is not None:
                renamed[name] = self._surgery.add_constant(tensor.detach().numpy().astype(before.dtype))
        for node in self._surgery.nodes:
            node.input[:] = [renamed.get(name, name) for name in node.input]
        return self._surgery.bytes()


def current(content: bytes) -> bytes:
    """Bring a graph of an old opset to the first one whose operators are known here; others stay as they are.

    Raises:
        NotConvertibleError: that is not possible.
    """
    model = onnx.load_model_from_string(content)
    versions = [entry.version for entry in model.opset_import if entry.domain in {"", "ai.onnx"}]
    if max(versions, default=OLDEST) >= OLDEST:
        return content
    try:
        return bytes(version_converter.convert_version(model, OLDEST).SerializeToString())
    except Exception as error:  # the converter raises what its C++ does
        message = (
            f"the network is written for opset {max(versions)} and cannot be brought to {OLDEST}; export it anew for "
            "that one, and import it again"
        )
        raise NotConvertibleError(message) from error


def _behind(surgery: Surgery) -> list[onnx.NodeProto]:
    """Give the nodes that depend on products with constants, these among them, and the constants of their own."""
    places = {layer.place for dtype in _FLOATS for layer in surgery.layers(dtype)}
    known: set[str] = set()
    found = []
    for place, node in enumerate(surgery.nodes):
        if place in places or known.intersection(node.input):
            known.update(node.output)
            found.append(node)
    read = {name for node in found for name in node.input}
    return [*(node for node in surgery.nodes if node.op_type == "Constant" and read & {*node.output}), *found]


def _part(content: bytes, nodes: Sequence[onnx.NodeProto]) -> bytes:
    """Give a graph of some of the nodes; it reads what the others make."""
    model = onnx.load_model_from_string(content)
    graph = model.graph
    made = {"", *(one.name for one in graph.initializer), *(name for node in nodes for name in node.output)}
    read = dict.fromkeys(name for node in nodes for name in node.input)
    kept = [one for one in graph.initializer if one.name in read]
    del graph.node[:], graph.input[:], graph.value_info[:], graph.initializer[:]
    graph.node.extend(nodes)
    graph.input.extend(helper.make_empty_tensor_value_info(name) for name in read if name not in made)
    graph.initializer.extend(kept)
    return bytes(model.SerializeToString())
