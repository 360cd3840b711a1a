"""Targets: the way back from a transformed target to the one that people know, as nodes of the graph."""

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import onnx
import pandas as pd
from onnx import compose
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.validation import check_is_fitted

from golive.adapters.frameworks.emitter import Emitter, is_pipeline
from golive.adapters.frameworks.graph import Block, Graph
from golive.adapters.frameworks.inputs import Inputs
from golive.adapters.frameworks.numbers import traced_function
from golive.adapters.frameworks.tracing import log1p
from golive.errors import NotConvertibleError, UsageError
from golive.ports import Converted, Float64

NAMED: dict[str, tuple[Any, Any]] = {
    "log": (np.log, np.exp),
    "log1p": (np.log1p, np.expm1),
    "sqrt": (np.sqrt, np.square),
}
"""Name of a transformation -> its function, and the way back."""
_OLDEST_OPSET = 13
_PREFIX, _GIVEN = "target_", "transformed_target"
_EPSILON = float(np.spacing(1.0))
_REMEDY = "use func=np.log1p, inverse_func=np.expm1"


def undone(converted: Converted, transform: Any) -> Converted:
    """Append the way back from a transformed target to a converted model.

    Args:
        converted: a regression of the transformed target.
        transform: a name in :data:`NAMED`, or a fitted transformer of scikit-learn.

    Raises:
        UsageError: this is neither.
        NotConvertibleError: it has no exact form, or the graph cannot take more nodes.
    """
    model = _loaded(converted.graph)
    emitter = Emitter(Inputs(pd.DataFrame(), {}), transformers={}, answers={}, decisions={})
    with emitter.inside("target_transform"):
        answer = inverse(emitter, transformer_of(transform), Block(_GIVEN, 1))
    behind = compose.add_prefix(onnx.load_from_string(emitter.graph.finish(answer, numbers=0, categories=0)), _PREFIX)
    graph = model.graph
    for node in graph.node:
        # The old output becomes what the way back begins with.
        _renamed(node.output)
        _renamed(node.input)
    graph.node.extend(behind.graph.node)
    # The way back ends in an Identity whose output has got the prefix, too.
    graph.node[-1].output[0] = "P"
    graph.initializer.extend(behind.graph.initializer)
    return msgspec.structs.replace(converted, graph=bytes(model.SerializeToString()))


def way_back(transform: Any) -> Callable[[Float64], Float64]:
    """Give the function from answers ``[n, 1]`` on the transformed scale to the target's own."""
    transformer = transformer_of(transform)

    def back(values: Float64) -> Float64:
        with np.errstate(all="ignore"):
            return np.asarray(transformer.inverse_transform(values), np.float64).reshape(len(values), 1)

    return back


def transformer_of(transform: Any) -> Any:
    """Give the fitted transformer of a name, or the one that was given.

    Raises:
        UsageError: it is neither a known name nor a fitted transformer with a way back.
    """
    if isinstance(transform, str) and transform in NAMED:
        function, back = NAMED[transform]
        return FunctionTransformer(function, inverse_func=back, check_inverse=False).fit(np.ones((1, 1)))
    if not isinstance(transform, BaseEstimator) or not hasattr(transform, "inverse_transform"):
        message = (
            f"target_transform is {transform!r}, but one of {', '.join(map(repr, NAMED))} is needed, or a fitted "
            "transformer of scikit-learn such as StandardScaler()"
        )
        raise UsageError(message, field="target_transform")
    try:
        check_is_fitted(transform)
    except NotFittedError as error:
        message = f"target_transform is a {type(transform).__name__} that was not fitted; fit it on the target's values"
        raise UsageError(message, field="target_transform") from error
    if getattr(transform, "n_features_in_", 1) != 1:
        message = f"target_transform was fitted on {transform.n_features_in_} columns, but a target is one"
        raise UsageError(message, field="target_transform")
    return transform


def inverse(emitter: Emitter, back: Any, value: Block) -> Block:
    """Write ``back.inverse_transform``.

    Raises:
        NotConvertibleError: it has no exact form.
    """
    if is_pipeline(back):
        for name, step in reversed(back.steps):
            with emitter.inside(name):
                value = inverse(emitter, step, value)
        return value
    name = type(back).__name__ if type(back).__module__.partition(".")[0] == "sklearn" else ""
    if name == "FunctionTransformer":
        return traced_function(emitter, back, back.inverse_func, back.inv_kw_args, value)
    if name in _SCALES:
        return _SCALES[name](emitter.graph, back, value)
    raise emitter.refusal(back, "has no exact way back to the target", _REMEDY)


def _standard(graph: Graph, back: Any, value: Block) -> Block:
    scaled = graph.by_row("Mul", value, back.scale_) if back.with_std else value
    return graph.by_row("Add", scaled, back.mean_) if back.with_mean else scaled


def _min_max(graph: Graph, back: Any, value: Block) -> Block:
    return graph.by_row("Div", graph.by_row("Sub", value, back.min_), back.scale_)


def _max_abs(graph: Graph, back: Any, value: Block) -> Block:
    return graph.by_row("Mul", value, back.scale_)


def _robust(graph: Graph, back: Any, value: Block) -> Block:
    scaled = graph.by_row("Mul", value, back.scale_) if back.with_scaling else value
    return graph.by_row("Add", scaled, back.center_) if back.with_centering else scaled


def _power(graph: Graph, back: Any, value: Block) -> Block:
    scaled = _standard(graph, back._scaler, value) if back.standardize else value  # noqa: SLF001 - no public way
    written = _box_cox if back.method == "box-cox" else _yeo_johnson
    return written(graph, scaled, float(back.lambdas_[0]))


def _box_cox(graph: Graph, value: Block, power: float) -> Block:
    """Write ``exp(log1p(power * y) / power)``, and ``exp(y)`` where the power is zero (Box and Cox 1964, eq. 1)."""
    if power == 0.0:
        return graph.each("Exp", value)
    log = log1p(graph, graph.op("Mul", value.tensor, power))
    return Block(graph.op("Exp", graph.op("Div", log, power)), 1)


def _yeo_johnson(graph: Graph, value: Block, power: float) -> Block:
    """Write the inverse of Yeo and Johnson (2000), equation 3.1, in the order of scikit-learn's operations."""
    zero = np.zeros((1, 1))
    above, below = graph.op("Max", value.tensor, zero), graph.op("Min", value.tensor, zero)
    if abs(power) < _EPSILON:
        positive = graph.op("Sub", graph.op("Exp", above), 1.0)
    else:
        grown = graph.op("Add", graph.op("Mul", above, power), 1.0)
        positive = graph.op("Sub", graph.op("Pow", grown, 1.0 / power), 1.0)
    if abs(power - 2.0) > _EPSILON:
        grown = graph.op("Add", graph.op("Mul", below, -(2.0 - power)), 1.0)
        negative = graph.op("Sub", 1.0, graph.op("Pow", grown, 1.0 / (2.0 - power)))
    else:
        negative = graph.op("Sub", 1.0, graph.op("Exp", graph.op("Neg", below)))
    return Block(graph.op("Where", graph.op("Less", value.tensor, 0.0), negative, positive), 1)


def _loaded(graph: bytes) -> Any:
    try:
        model = onnx.load_from_string(graph)
    except Exception as error:  # whatever protobuf's parser raises: the graph of a runtime of another kind
        message = "target_transform needs a graph; wrap the model in TransformedTargetRegressor before packaging it"
        raise NotConvertibleError(message) from error
    versions = [entry.version for entry in model.opset_import if entry.domain in {"", "ai.onnx"}]
    if not versions or max(versions) < _OLDEST_OPSET:
        message = (
            f"target_transform needs a graph of opset {_OLDEST_OPSET} or newer, this one has {max(versions, default=0)}"
            "; convert it anew, or predict the target as it is"
        )
        raise NotConvertibleError(message)
    return model


def _renamed(names: Any) -> None:
    for place, name in enumerate(names):
        if name == "P":
            names[place] = _GIVEN


_SCALES: dict[str, Callable[[Graph, Any, Block], Block]] = {
    "StandardScaler": _standard,
    "MinMaxScaler": _min_max,
    "MaxAbsScaler": _max_abs,
    "RobustScaler": _robust,
    "PowerTransformer": _power,
}
"""Class name of a transformer -> how its way back is written."""
