"""Plots: numbers in, plots as values out."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MultipleLocator

from golive.evaluation.pages.drawing import MUTED, Labels, Plot, color
from golive.ports import Float64

Line = tuple[Sequence[float], Sequence[float]]

_DASHES = (4, 3)
_FURTHEST = 1e100


def scatter(x: Float64, y: Float64, *, labels: Labels, diagonal: bool, alt: str, name: str) -> Plot:
    """Draw points, with the line y = x (``diagonal``) or y = 0."""
    x, y = _drawable(x), _drawable(y)
    low, high = float(min(x.min(), y.min())), float(max(x.max(), y.max()))

    def draw(axes: Axes) -> None:
        if diagonal:
            _reference(axes, [low, high], [low, high])
        else:
            axes.axhline(0.0, color=MUTED, linewidth=1, dashes=_DASHES, zorder=1)
        axes.scatter(x, y, s=9, color=color(0), alpha=0.45, linewidths=0, zorder=2)

    return Plot(name=name, draw=draw, labels=labels, alt=alt)


def bars(heights: Float64, *, labels: Labels, alt: str, name: str) -> Plot:
    """Draw bars, named 1, 2, 3 and so on."""
    heights = _drawable(heights)

    def draw(axes: Axes) -> None:
        axes.bar(np.arange(len(heights)) + 1, heights, width=0.72, color=color(0), zorder=2)
        axes.xaxis.set_major_locator(MultipleLocator(1))
        axes.set_xlim(0.4, len(heights) + 0.6)
        axes.grid(visible=False, axis="x")

    return Plot(name=name, draw=draw, labels=labels, alt=alt)


def lines(curves: Sequence[Line], *, labels: Labels, reference: Line | None, alt: str, name: str) -> Plot:
    """Draw curves inside the unit square, the n-th in color n, with a dashed reference."""

    def draw(axes: Axes) -> None:
        if reference is not None:
            _reference(axes, *reference)
        for place, (x, y) in enumerate(curves):
            axes.plot(x, y, color=color(place), linewidth=1.6, zorder=2)
        _unit_square(axes)

    return Plot(name=name, draw=draw, labels=labels, alt=alt)


def calibration(
    stated: Float64, observed: Float64, lower: Float64, upper: Float64, *, labels: Labels, alt: str, name: str
) -> Plot:
    """Draw stated probability against observed share, with intervals."""

    def draw(axes: Axes) -> None:
        _reference(axes, [0.0, 1.0], [0.0, 1.0])
        axes.vlines(stated, lower, upper, color=color(0), linewidth=1.4, alpha=0.55, zorder=2)
        axes.plot(stated, observed, color=color(0), linewidth=1.4, marker="o", markersize=4, zorder=3)
        _unit_square(axes)

    return Plot(name=name, draw=draw, labels=labels, alt=alt)


def two_histograms(first: Sequence[int], second: Sequence[int], *, labels: Labels, alt: str, name: str) -> Plot:
    """Draw counts over equal bins of [0, 1]: the first in color 0, the second in color 1."""
    left = np.linspace(0, 1, len(first), endpoint=False)

    def draw(axes: Axes) -> None:
        for place, counts in enumerate((first, second)):
            axes.bar(left, counts, width=1 / len(first), align="edge", color=color(place), alpha=0.6, zorder=2)
        axes.set_xlim(0, 1)

    return Plot(name=name, draw=draw, labels=labels, alt=alt)


def _drawable(values: Float64) -> Float64:
    # Beyond about 1e150 the drawing library's own arithmetic overflows.
    return np.clip(np.nan_to_num(values), -_FURTHEST, _FURTHEST)


def _reference(axes: Axes, x: Sequence[float], y: Sequence[float]) -> None:
    axes.plot(x, y, color=MUTED, linewidth=1, dashes=_DASHES, zorder=1)


def _unit_square(axes: Axes) -> None:
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.01)
