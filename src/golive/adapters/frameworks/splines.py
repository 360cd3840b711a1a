"""Splines: SplineTransformer as polynomials around each interval's left knot, looked up and evaluated in double."""

from typing import Any

import numpy as np
from scipy.interpolate import BSpline, PPoly

from golive.adapters.frameworks.curves import lookup
from golive.adapters.frameworks.emitter import Emitter
from golive.adapters.frameworks.graph import Block
from golive.adapters.frameworks.trees import search_sorted
from golive.ports import Float64

LEAST_LINEAR = 2
"""Below this degree scikit-learn 1.9 takes other outer knots in each further column when it goes on linearly."""


def spline_transformer(emitter: Emitter, part: Any, block: Block) -> Block:
    """Write the B-splines of each column, and how they go on beyond the outer knots."""
    if part.extrapolation == "error":
        raise emitter.refusal(part, "fails beyond its knots", "set extrapolation='constant' (or 'linear')")
    if part.degree == 0 and part.extrapolation == "constant":
        raise emitter.refusal(part, "gives zeros beyond its knots with degree=0", "use KBinsDiscretizer instead")
    if part.degree < LEAST_LINEAR and part.extrapolation == "linear":
        raise emitter.refusal(
            part, f"goes on otherwise in each column with degree={part.degree}", "set extrapolation='continue'"
        )
    graph = emitter.graph
    tables = [_table(spline, part.extrapolation) for spline in part.bsplines_]
    x = _within(emitter, part, block)
    inside = Block(x, block.width)
    places = search_sorted(graph, inside, [edges for edges, _ in tables], right=True)
    found = lookup(graph, [table for _, table in tables], places)
    offset = graph.op("Sub", graph.op("Unsqueeze", x, np.array([2])), graph.op("Gather", found, np.array([0]), axis=2))
    splines = part.bsplines_[0].c.shape[1]
    terms = (tables[0][1].shape[1] - 1) // splines
    value = ""
    for term in range(terms):
        item = graph.op("Gather", found, np.arange(splines) + 1 + term * splines, axis=2)
        value = graph.op("Add", graph.op("Mul", value, offset), item) if value else item
    missing = graph.op("IsNaN", graph.op("Unsqueeze", block.tensor, np.array([2])))
    filled = graph.op("Where", missing, 0.0, value)
    flat = Block(graph.op("Reshape", filled, np.array([0, block.width * splines])), block.width * splines)
    if part.include_bias:
        return flat
    return graph.select(flat, [place for place in range(flat.width) if (place + 1) % splines])


def _within(emitter: Emitter, part: Any, block: Block) -> str:
    """Bring the numbers into the range where the table holds."""
    graph = emitter.graph
    lows = np.array([[spline.t[spline.k] for spline in part.bsplines_]], np.float64)
    highs = np.array([[spline.t[-spline.k - 1] for spline in part.bsplines_]], np.float64)
    if part.extrapolation == "constant":
        return graph.op("Min", graph.op("Max", block.tensor, lows), highs)
    if part.extrapolation != "periodic":
        return block.tensor
    period = highs - lows
    if not period.all():
        raise emitter.refusal(part, "repeats a column that has a single value", "drop the column")
    rest = graph.op("Mod", graph.op("Sub", block.tensor, lows), np.ascontiguousarray(period), fmod=1)
    turned = graph.op("Where", graph.op("Less", rest, 0.0), graph.op("Add", rest, period), rest)
    return graph.op("Add", lows, turned)


def _table(spline: BSpline, extrapolation: str) -> tuple[Float64, Float64]:
    """Give the edges between intervals, and a row an interval: its anchor, then coefficients, the highest power first.

    Coefficients of one power stand together: ``[intervals, 1 + powers * splines]``.
    """
    degree = spline.k
    pieces = [PPoly.from_spline(BSpline(spline.t, column, degree)).c for column in np.asarray(spline.c).T]
    coefficients = np.stack(pieces, axis=2)[:, degree : len(spline.t) - degree - 1]
    anchors = np.asarray(spline.t[degree : -degree - 1], np.float64)
    edges = anchors[1:]
    if extrapolation == "linear":
        low, high = float(spline.t[degree]), float(spline.t[-degree - 1])
        ends = [_tangent(spline, low, first=True), _tangent(spline, high, first=False)]
        powers = max(degree + 1, 2)
        padded = np.zeros((powers, len(anchors) + 2, coefficients.shape[2]))
        padded[powers - degree - 1 :, 1:-1] = coefficients
        for place, tangent in zip((0, -1), ends, strict=True):
            padded[-2:, place] = tangent
        coefficients, anchors = padded, np.concatenate([[low], anchors, [high]])
        edges = np.concatenate([[low], edges, [np.nextafter(high, np.inf)]])
    rows = coefficients.transpose(1, 0, 2).reshape(len(anchors), -1)
    return edges, np.column_stack([anchors, rows])


def _tangent(spline: BSpline, at: float, *, first: bool) -> Float64:
    """Give (slope, value) of each spline at an outer knot; all but the outermost ``degree`` ones are zero there."""
    slope, value = np.asarray(spline(at, nu=1), np.float64), np.asarray(spline(at), np.float64)
    reached = np.zeros(len(value), np.bool_)
    reached[slice(None, spline.k) if first else slice(len(value) - spline.k, None)] = True
    return np.stack([np.where(reached, slope, 0.0), np.where(reached, value, 0.0)])
