"""Numbers: the rules of scikit-learn transformers that read and give numbers.

Each rule keeps scikit-learn's own order of operations, so that a value lands on the same side of a later threshold.
"""

from collections.abc import Callable, Mapping
from copy import copy
from typing import Any

import numpy as np

from golive.adapters.frameworks.curves import quantile_levels
from golive.adapters.frameworks.emitter import BlockRule, Emitter
from golive.adapters.frameworks.graph import Block, Rise
from golive.adapters.frameworks.pull_back import pulled_back
from golive.adapters.frameworks.splines import spline_transformer
from golive.adapters.frameworks.tracing import UntraceableError, expm1, log1p, trace
from golive.adapters.frameworks.trees import search_sorted
from golive.ports import Float64


def simple_imputer(emitter: Emitter, imputer: Any, block: Block) -> Block:
    """Fill missing values, drop columns that had none to learn from, and append the indicator columns."""
    graph = emitter.graph
    fills = np.asarray(imputer.statistics_, np.float64)
    missing = _is_marked(emitter, imputer.missing_values, block)
    filled = Block(graph.op("Where", missing, fills[None, :], block.tensor), block.width, block.sources)
    kept = graph.select(filled, np.flatnonzero(~np.isnan(fills)))
    if imputer.indicator_ is None:
        return kept
    indicators = Block(graph.to_double(missing), block.width)
    return graph.join([kept, graph.select(indicators, imputer.indicator_.features_)])


def missing_indicator(emitter: Emitter, indicator: Any, block: Block) -> Block:
    """Give 1 where a value is missing."""
    marked = Block(emitter.graph.to_double(_is_marked(emitter, indicator.missing_values, block)), block.width)
    return emitter.graph.select(marked, indicator.features_)


def standard_scaler(emitter: Emitter, scaler: Any, block: Block) -> Block:
    """Subtract the mean, divide by the standard deviation."""
    if scaler.with_mean and scaler.mean_ is not None:
        block = emitter.graph.by_row("Sub", block, scaler.mean_)
    return emitter.graph.by_row("Div", block, scaler.scale_) if scaler.with_std else block


def min_max_scaler(emitter: Emitter, scaler: Any, block: Block) -> Block:
    """Stretch to a range, and clip to it where asked."""
    scaled = emitter.graph.by_row("Add", emitter.graph.by_row("Mul", block, scaler.scale_), scaler.min_)
    return emitter.graph.clip(scaled, *scaler.feature_range) if scaler.clip else scaled


def max_abs_scaler(emitter: Emitter, scaler: Any, block: Block) -> Block:
    """Divide by the largest absolute value."""
    scaled = emitter.graph.by_row("Div", block, scaler.scale_)
    return emitter.graph.clip(scaled, -1.0, 1.0) if getattr(scaler, "clip", False) else scaled


def robust_scaler(emitter: Emitter, scaler: Any, block: Block) -> Block:
    """Subtract the median, divide by the range between quantiles."""
    if scaler.with_centering:
        block = emitter.graph.by_row("Sub", block, scaler.center_)
    return emitter.graph.by_row("Div", block, scaler.scale_) if scaler.with_scaling else block


def power_transformer(emitter: Emitter, power: Any, block: Block) -> Block:
    """Write the Yeo-Johnson (2000) or Box-Cox (1964) transform, then the standard scaling."""
    lambdas = np.asarray(power.lambdas_, np.float64)
    branch = _yeo_johnson if power.method == "yeo-johnson" else _box_cox
    transformed = Block(branch(emitter, block.tensor, lambdas), block.width)
    if power.standardize:
        transformed = standard_scaler(emitter, power._scaler, transformed)  # noqa: SLF001
    lowest = np.nextafter(0.0, 1.0) if power.method == "box-cox" else -np.finfo(np.float64).max
    return Block(transformed.tensor, block.width, rise=Rise(block, _curve(power), float(lowest)))


def quantile_transformer(emitter: Emitter, transformer: Any, block: Block) -> Block:
    """Map each column to its quantile level, uniform or normal."""
    normal = transformer.output_distribution == "normal"
    levels = quantile_levels(emitter.graph, block, transformer.quantiles_, transformer.references_, normal=normal)
    return Block(levels.tensor, block.width, rise=Rise(block, lambda table: np.asarray(transformer.transform(table))))


def bins_discretizer(emitter: Emitter, discretizer: Any, block: Block) -> Block:
    """Number the bin each value falls in, or give one column a bin."""
    inner = [np.asarray(edges, np.float64)[1:-1] for edges in discretizer.bin_edges_]
    if block.rise is not None:
        inner, block = pulled_back(block.rise, inner), block.rise.before
    for column, edges in enumerate(inner):
        emitter.graph.note_thresholds(block, column, edges)
    places = search_sorted(emitter.graph, block, inner, right=True)
    if discretizer.encode == "ordinal":
        return Block(emitter.graph.to_double(places), block.width)
    counts = [int(count) for count in discretizer.n_bins_]
    owner = np.repeat(np.arange(block.width), counts)
    bins = np.concatenate([np.arange(count) for count in counts]).astype(np.int64)
    repeated = emitter.graph.op("Gather", places, owner, axis=1)
    return Block(emitter.graph.to_double(emitter.graph.op("Equal", repeated, bins[None, :])), len(bins))


def polynomial_features(emitter: Emitter, polynomial: Any, block: Block) -> Block:
    """Multiply columns into all the wanted terms; shorter terms are filled up with ones."""
    graph = emitter.graph
    powers = np.asarray(polynomial.powers_, np.int64)
    degree = max(int(powers.sum(axis=1).max(initial=0)), 1)
    factors = np.full((len(powers), degree), block.width, np.int64)
    for term, exponents in enumerate(powers):
        columns = np.repeat(np.arange(block.width), exponents)
        factors[term, : len(columns)] = columns
    padded = graph.join([block, graph.repeated([1.0], block)])
    product = graph.select(padded, factors[:, 0])
    for position in range(1, degree):
        product = Block(graph.op("Mul", product.tensor, graph.select(padded, factors[:, position]).tensor), len(powers))
    return product


def binarizer(emitter: Emitter, part: Any, block: Block) -> Block:
    """Give 1 above the threshold."""
    for column in range(block.width):
        emitter.graph.note_thresholds(block, column, np.asarray([part.threshold], np.float64))
    above = emitter.graph.op("Greater", block.tensor, float(part.threshold))
    return Block(emitter.graph.to_double(above), block.width)


def normalizer(emitter: Emitter, part: Any, block: Block) -> Block:
    """Divide each row by its norm; a row of zeros stays."""
    graph = emitter.graph
    size = graph.op("Abs", block.tensor)
    match part.norm:
        case "l1":
            norm = graph.total(Block(size, block.width))
        case "max":
            norm = graph.op("ReduceMax", size, np.array([1]), keepdims=1)
        case _:
            norm = graph.op("Sqrt", graph.total(Block(graph.op("Mul", size, size), block.width)))
    return graph.each("Div", block, graph.op("Where", graph.op("Equal", norm, 0.0), 1.0, norm))


def function_transformer(emitter: Emitter, part: Any, block: Block) -> Block:
    """Follow the function with a stand-in array and write what it does."""
    return traced_function(emitter, part, part.func, part.kw_args, block)


def traced_function(emitter: Emitter, part: Any, function: Any, options: Any, block: Block) -> Block:
    """Write a user's function, or nothing where there is none.

    Raises:
        NotConvertibleError: the function cannot be followed.
    """
    # check_array is how HistGradientBoosting passes its numbers through; it changes nothing.
    if function is None or getattr(getattr(function, "func", function), "__name__", "") == "check_array":
        return block
    try:
        return trace(emitter.graph, function, options or {}, block)
    except UntraceableError as error:
        raise emitter.refusal(
            part, f"cannot be followed: {error}", "write it with numpy's elementwise functions"
        ) from error


def principal_components(emitter: Emitter, pca: Any, block: Block) -> Block:
    """Project on the components (PCA, TruncatedSVD)."""
    graph = emitter.graph
    centered = graph.by_row("Sub", block, pca.mean_) if getattr(pca, "mean_", None) is not None else block
    projected = graph.product(centered, np.asarray(pca.components_).T, 0.0)
    if not getattr(pca, "whiten", False):
        return projected
    scale = np.sqrt(np.asarray(pca.explained_variance_, np.float64))
    return graph.by_row("Div", projected, np.maximum(scale, np.finfo(np.float64).eps))


def _is_marked(emitter: Emitter, marker: Any, block: Block) -> str:
    if marker is None or (isinstance(marker, float) and np.isnan(marker)):
        return emitter.graph.is_missing(block)
    return emitter.graph.op("Equal", block.tensor, float(marker))


def _curve(power: Any) -> Callable[[Float64], Float64]:
    """Give the transformer's own arithmetic; its scaler would refuse what overflows."""
    bare = copy(power)
    bare.standardize = False
    if not power.standardize:
        return lambda table: np.asarray(bare.transform(table))
    scaler = power._scaler  # noqa: SLF001
    return lambda table: (np.asarray(bare.transform(table)) - scaler.mean_) / scaler.scale_


def _yeo_johnson(emitter: Emitter, x: str, lambdas: Float64) -> str:
    graph = emitter.graph
    zero = np.zeros((1, 1))
    upper = log1p(graph, graph.op("Max", x, zero))
    lower = log1p(graph, graph.op("Neg", graph.op("Min", x, zero)))
    positive = _power_of_log(emitter, upper, lambdas)
    negative = graph.op("Neg", _power_of_log(emitter, lower, 2.0 - lambdas))
    return graph.op("Where", graph.op("Less", x, 0.0), negative, positive)


def _box_cox(emitter: Emitter, x: str, lambdas: Float64) -> str:
    return _power_of_log(emitter, emitter.graph.op("Log", x), lambdas)


def _power_of_log(emitter: Emitter, log: str, lambdas: Float64) -> str:
    """Write (v**lambda - 1) / lambda from log v, and log v itself where lambda is (nearly) zero."""
    graph = emitter.graph
    flat = np.abs(lambdas) < np.finfo(np.float64).eps
    divisor = np.where(flat, 1.0, lambdas)[None, :]
    power = graph.op("Div", expm1(graph, graph.op("Mul", log, divisor)), divisor)
    return graph.op("Where", flat[None, :], log, power) if flat.any() else power


RULES: Mapping[str, BlockRule] = {
    "SimpleImputer": simple_imputer,
    "MissingIndicator": missing_indicator,
    "StandardScaler": standard_scaler,
    "MinMaxScaler": min_max_scaler,
    "MaxAbsScaler": max_abs_scaler,
    "RobustScaler": robust_scaler,
    "PowerTransformer": power_transformer,
    "QuantileTransformer": quantile_transformer,
    "KBinsDiscretizer": bins_discretizer,
    "SplineTransformer": spline_transformer,
    "PolynomialFeatures": polynomial_features,
    "Binarizer": binarizer,
    "Normalizer": normalizer,
    "FunctionTransformer": function_transformer,
    "PCA": principal_components,
    "IncrementalPCA": principal_components,
    "TruncatedSVD": principal_components,
}
"""Class name of a transformer of numbers -> how it is written."""
