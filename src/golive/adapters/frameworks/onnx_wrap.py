"""ONNX wrap: casts around somebody's graph, so that it reads ``N`` and ``C`` and gives ``P``."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, compose, helper, numpy_helper

from golive.adapters.frameworks.onnx_feeds import UNKNOWN, Feed
from golive.domain.preparation import Preparation
from golive.errors import NotConvertibleError

LEAST_OPSET, NEW_OPSET = 7, 13
OURS = "golive_"


def wrapped(
    core: onnx.ModelProto,
    tensor: str,
    feeds: Sequence[Feed],
    preparation: Preparation,
    *,
    width: int,
    with_complement: bool,
) -> bytes:
    """Put a graph between our inputs and our output.

    Args:
        core: a graph with nothing but what its answer needs.
        tensor: the answer, ``[rows]`` or ``[rows, width]`` and more axes of one.
        feeds: what each of its inputs is made of.
        preparation: the order of the columns in ``N`` and ``C``, and the known texts.
        width: of the answer.
        with_complement: the answer is the probability of the second of two classes.

    Raises:
        NotConvertibleError: the graph is written for an opset that is too old for the casts.
    """
    model = onnx.ModelProto()
    model.CopyFrom(core)
    prefix = ""
    if {"N", "C", "P"} & _names(model):
        prefix = f"{OURS}inner_"
        model = compose.add_prefix(model, prefix)
    _check_opset(model)
    wrap = _Wrap(preparation)
    for feed in feeds:
        wrap.feed(feed, prefix + feed.name)
    before = list(wrap.nodes)
    wrap.nodes.clear()
    wrap.answer(prefix + tensor, width, with_complement=with_complement)
    graph = model.graph
    nodes = [*before, *graph.node, *wrap.nodes]
    inner = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:], graph.input[:], graph.output[:]
    graph.node.extend(inner)
    graph.initializer.extend(wrap.constants)
    widths = (
        ("N", TensorProto.DOUBLE, len(preparation.numbers)),
        ("C", TensorProto.INT64, len(preparation.categories)),
    )
    graph.input.extend(
        helper.make_tensor_value_info(name, kind, [None, count]) for name, kind, count in widths if count
    )
    columns = 2 if with_complement else width
    graph.output.append(helper.make_tensor_value_info("P", TensorProto.DOUBLE, [None, columns]))
    return bytes(model.SerializeToString())


class _Wrap:
    """Collects the nodes and constants that stand around a graph."""

    def __init__(self, preparation: Preparation) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self._numbers = preparation.numbers
        self._categories = {one.column: (place, one.values) for place, one in enumerate(preparation.categories)}
        self._made = 0

    def feed(self, feed: Feed, name: str) -> None:
        if feed.dtype == "string":
            parts = [self._texts(column) for column in feed.columns]
            last = parts[0] if len(parts) == 1 else self._op("Concat", *parts, axis=1)
        else:
            places = [self._numbers.index(column) for column in feed.columns]
            whole = places == list(range(len(self._numbers)))
            chosen = "N" if whole else self._op("Gather", "N", np.asarray(places, np.int64), axis=1)
            last = self._op("Cast", chosen, to=helper.np_dtype_to_tensor_dtype(np.dtype(feed.dtype)))
        shape = [-1] if feed.row is None else [-1, *feed.row]
        self._op("Reshape", last, np.asarray(shape, np.int64), into=name)

    def answer(self, tensor: str, width: int, *, with_complement: bool) -> None:
        double = self._op("Cast", tensor, to=TensorProto.DOUBLE)
        shape = np.asarray([-1, width], np.int64)
        if not with_complement:
            self._op("Reshape", double, shape, into="P")
            return
        second = self._op("Reshape", double, shape)
        first = self._op("Sub", np.asarray([[1.0]]), second)
        self._op("Concat", first, second, axis=1, into="P")

    def _texts(self, column: str) -> str:
        place, values = self._categories[column]
        # Codes: the known values, unseen, missing; the signature lets no missing text through.
        table = np.asarray([*values, UNKNOWN, UNKNOWN], dtype=object)
        code = self._op("Gather", "C", np.asarray([place], np.int64), axis=1)
        return self._op("Gather", table, code, axis=0)

    def _op(self, kind: str, *operands: Any, into: str = "", **attributes: Any) -> str:
        names = [one if isinstance(one, str) else self._constant(one) for one in operands]
        self._made += 1
        output = into or f"{OURS}{self._made}"
        self.nodes.append(helper.make_node(kind, names, [output], **attributes))
        return output

    def _constant(self, value: Any) -> str:
        name = f"{OURS}constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(value, name))
        return name


def _names(model: onnx.ModelProto) -> set[str]:
    graph = model.graph
    given = {name for node in graph.node for name in (*node.input, *node.output)}
    return given | {value.name for value in (*graph.input, *graph.output, *graph.initializer)}


def _check_opset(model: onnx.ModelProto) -> None:
    versions = [entry.version for entry in model.opset_import if entry.domain in {"", "ai.onnx"}]
    if not versions:
        model.opset_import.append(helper.make_opsetid("", NEW_OPSET))
    elif versions[0] < LEAST_OPSET:
        message = (
            f"the graph is written for opset {versions[0]}, and casts can stand around one from {LEAST_OPSET} on; "
            "export it for a newer one, or import it without --sample to serve it as tensors"
        )
        raise NotConvertibleError(message)
