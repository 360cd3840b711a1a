"""Curves: functions of one column given by points: interpolation, quantile levels, the normal quantile."""

from collections.abc import Sequence

import numpy as np
from scipy import stats

from golive.adapters.frameworks.graph import Block, Graph
from golive.adapters.frameworks.trees import search_sorted
from golive.ports import Float64, Int64

BOUND = 1e-7
"""How near to its ends QuantileTransformer counts a value as the end itself (scikit-learn's BOUNDS_THRESHOLD)."""

# Wichura (1988), algorithm AS 241, PPND16: numerators and denominators of three rational approximations.
CENTER = (
    (
        3.3871328727963666080e0,
        1.3314166789178437745e2,
        1.9715909503065514427e3,
        1.3731693765509461125e4,
        4.5921953931549871457e4,
        6.7265770927008700853e4,
        3.3430575583588128105e4,
        2.5090809287301226727e3,
    ),
    (
        1.0,
        4.2313330701600911252e1,
        6.8718700749205790830e2,
        5.3941960214247511077e3,
        2.1213794301586595867e4,
        3.9307895800092710610e4,
        2.8729085735721942674e4,
        5.2264952788528545610e3,
    ),
)
SHOULDER = (
    (
        1.42343711074968357734e0,
        4.63033784615654529590e0,
        5.76949722146069140550e0,
        3.64784832476320460504e0,
        1.27045825245236838258e0,
        2.41780725177450611770e-1,
        2.27238449892691845833e-2,
        7.74545014278341407640e-4,
    ),
    (
        1.0,
        2.05319162663775882187e0,
        1.67638483018380384940e0,
        6.89767334985100004550e-1,
        1.48103976427480074590e-1,
        1.51986665636164571966e-2,
        5.47593808499534494600e-4,
        1.05075007164441684324e-9,
    ),
)
TAIL = (
    (
        6.65790464350110377720e0,
        5.46378491116411436990e0,
        1.78482653991729133580e0,
        2.96560571828504891230e-1,
        2.65321895265761230930e-2,
        1.24266094738807843860e-3,
        2.71155556874348757815e-5,
        2.01033439929228813265e-7,
    ),
    (
        1.0,
        5.99832206555887937690e-1,
        1.36929880922735805310e-1,
        1.48753612908506148525e-2,
        7.86869131145613259100e-4,
        1.84631831751005468180e-5,
        1.42151175831644588870e-7,
        2.04426310338993978564e-15,
    ),
)


def lookup(graph: Graph, tables: Sequence[Float64 | Int64], places: str) -> str:
    """Look up each column's place in its own table: tables ``[places, ...]``, places int64 ``[rows, columns]``.

    All tables lie in one constant, one behind the other, so that the whole look-up is a single Gather.
    """
    starts = np.concatenate([[0], np.cumsum([len(table) for table in tables])[:-1]]).astype(np.int64)
    return graph.op("Gather", np.concatenate(tables), graph.op("Add", places, starts[None, :]), axis=0)


def interpolate(graph: Graph, block: Block, points: Sequence[tuple[Float64, Float64]]) -> Block:
    """Write ``numpy.interp`` for each column: straight lines between its points, constant beyond them."""
    places = search_sorted(graph, block, [xs for xs, _ in points], right=True)
    found = lookup(graph, [_segments(xs, ys) for xs, ys in points], places)
    anchor, level, slope = (graph.op("Gather", found, np.array(item), axis=2) for item in range(3))
    rise = graph.op("Mul", slope, graph.op("Sub", block.tensor, anchor))
    return Block(graph.op("Add", rise, level), block.width)


def quantile_levels(graph: Graph, block: Block, quantiles: Float64, references: Float64, *, normal: bool) -> Block:
    """Write QuantileTransformer: the mean of two interpolations (from both sides), ends set apart, NaN kept."""
    columns = [np.asarray(column, np.float64) for column in quantiles.T]
    upward = interpolate(graph, block, [(column, references) for column in columns])
    negated = graph.each("Neg", block)
    downward = interpolate(graph, negated, [(-column[::-1], -references[::-1]) for column in columns])
    level = graph.op("Mul", graph.op("Sub", upward.tensor, downward.tensor), 0.5)
    low, high = quantiles[0][None, :], quantiles[-1][None, :]
    if normal:
        at_low = graph.op("Less", graph.op("Sub", block.tensor, BOUND), low)
        at_high = graph.op("Greater", graph.op("Add", block.tensor, BOUND), high)
    else:
        at_low = graph.op("Equal", block.tensor, low)
        at_high = graph.op("Equal", block.tensor, high)
    bounded = graph.op("Where", at_low, 0.0, graph.op("Where", at_high, 1.0, level))
    result = _normal_quantile(graph, bounded) if normal else bounded
    return Block(graph.op("Where", graph.is_missing(block), float("nan"), result), block.width)


def _segments(xs: Float64, ys: Float64) -> Float64:
    """Give (anchor, level, slope) for every place that ``searchsorted(xs, x, "right")`` can give."""
    widths = np.diff(xs)
    slopes = np.divide(np.diff(ys), widths, out=np.zeros(len(widths)), where=widths > 0)
    anchors, levels = np.concatenate([xs[:1], xs]), np.concatenate([ys[:1], ys])
    return np.column_stack([anchors, levels, np.concatenate([[0.0], slopes, [0.0]])])


def _normal_quantile(graph: Graph, level: str) -> str:
    """Write the standard normal quantile in double, clipped to where scikit-learn clips."""
    edge = BOUND - float(np.spacing(1))
    inside = graph.op("Min", graph.op("Max", level, edge), 1.0 - edge)
    offset = graph.op("Sub", inside, 0.5)
    center = graph.op(
        "Mul", offset, _rational(graph, graph.op("Sub", 0.180625, graph.op("Mul", offset, offset)), CENTER)
    )
    nearer = graph.op("Min", inside, graph.op("Sub", 1.0, inside))
    depth = graph.op("Sqrt", graph.op("Neg", graph.op("Log", nearer)))
    shoulder = _rational(graph, graph.op("Sub", depth, 1.6), SHOULDER)
    tail = _rational(graph, graph.op("Sub", depth, 5.0), TAIL)
    outer = graph.op("Where", graph.op("LessOrEqual", depth, 5.0), shoulder, tail)
    signed = graph.op("Mul", graph.op("Sign", offset), outer)
    central = graph.op("LessOrEqual", graph.op("Abs", offset), 0.425)
    low, high = float(stats.norm.ppf(edge)), float(stats.norm.ppf(1.0 - edge))
    value = graph.op("Where", central, center, signed)
    return graph.op("Min", graph.op("Max", value, low), high)


def _rational(graph: Graph, x: str, terms: tuple[tuple[float, ...], tuple[float, ...]]) -> str:
    """Write a quotient of two polynomials: one column of powers, one small product (fewer nodes than Horner's rule)."""
    powers = graph.op("Pow", graph.op("Unsqueeze", x, np.array([2])), np.arange(float(len(terms[0]))))
    both = graph.op("MatMul", powers, np.ascontiguousarray(np.asarray(terms, np.float64).T))
    top, bottom = (graph.op("Gather", both, np.array(item), axis=2) for item in range(2))
    return graph.op("Div", top, bottom)
