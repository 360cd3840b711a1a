"""Plots: numbers in, plots as values out."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, MultipleLocator
from numpy.typing import ArrayLike

from golive.evaluation.numbers import number
from golive.evaluation.pages.calendar import calendar
from golive.evaluation.pages.drawing import INK, MUTED, Labels, Plot, color, shade
from golive.ports import Float64

Line = tuple[Sequence[float], Sequence[float]]


class Band(msgspec.Struct, frozen=True):
    """A curve with the bounds of its 95 % intervals."""

    x: Sequence[float] | Float64
    y: Sequence[float] | Float64
    lower: Sequence[float] | Float64 | None = None
    upper: Sequence[float] | Float64 | None = None


_DASHES = (4, 3)
_FURTHEST = 1e100
_SWARMED = 100
"""Points of a name in a swarm: their positions and shades are most of a page's size."""
_MARKED = 15
"""Curves of at most so many points show each of them."""
_FEW = 4
_TEXT: Mapping[str, Any] = {"color": INK, "va": "center"}
_NUMBER = 0.3
"""Share of a plot's width that a number beside a bar takes."""


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


def bands(
    curves: Sequence[Band],
    *,
    labels: Labels,
    alt: str,
    name: str,
    reference: Line | None = None,
    unit: bool = False,
    logarithmic: bool = False,
    dates: bool = False,
) -> Plot:
    """Draw curves with shaded 95 % bands, the n-th in color n, with a dashed reference.

    ``unit`` says that both axes reach from 0 to 1; ``logarithmic`` that the horizontal one grows by factors; ``dates``
    that it is time, in seconds since 1970.
    """

    def draw(axes: Axes) -> None:
        if reference is not None:
            _reference(axes, *reference)
        for place, curve in enumerate(curves):
            x, y = _gapped(curve.x), _gapped(curve.y)
            if curve.lower is not None and curve.upper is not None:
                lower, upper = _gapped(curve.lower), _gapped(curve.upper)
                axes.fill_between(x, lower, upper, color=color(place), alpha=0.16, linewidth=0, zorder=2)
            marker = "o" if len(x) <= _MARKED else ""
            axes.plot(x, y, color=color(place), linewidth=1.6, marker=marker, markersize=3.5, zorder=3)
        if unit:
            _unit_square(axes)
        if logarithmic:
            _by_factors(axes, sorted({float(value) for curve in curves for value in curve.x}))
        if dates:
            moments, written = calendar([float(value) for curve in curves for value in curve.x])
            axes.set_xticks(moments, labels=written)

    return Plot(name=name, draw=draw, labels=labels, alt=alt)


def intervals(
    names: Sequence[str],
    values: ArrayLike,
    lower: ArrayLike,
    upper: ArrayLike,
    *,
    labels: Labels,
    alt: str,
    name: str,
    reference: float | None = None,
    muted: Sequence[bool] = (),
) -> Plot:
    """Draw a dot with whiskers for each name, top to bottom; bounds may be NaN, and some of them may be gray."""
    dots, low, high = (np.asarray(part, dtype=np.float64) for part in (values, lower, upper))
    places = np.arange(len(names))
    gray = np.asarray(muted or [False] * len(names), dtype=bool)

    def draw(axes: Axes) -> None:
        if reference is not None:
            axes.axvline(reference, color=MUTED, linewidth=1, dashes=_DASHES, zorder=1)
        known = np.isfinite(low) & np.isfinite(high)
        shown = np.isfinite(dots)
        for some, paint in ((~gray, color(0)), (gray, MUTED)):
            held, dotted = known & some, shown & some
            if dotted.any():
                ends = _drawable(low[held]), _drawable(high[held])
                axes.hlines(places[held], *ends, color=paint, linewidth=2.2, alpha=0.45)
                axes.plot(_drawable(dots[dotted]), places[dotted], "o", color=paint, markersize=4.5, zorder=3)
        _named_rows(axes, names)

    return Plot(name=name, draw=draw, labels=labels, alt=alt, size=_tall(len(names)))


def swarm(names: Sequence[str], values: ArrayLike, shades: ArrayLike, *, labels: Labels, alt: str, name: str) -> Plot:
    """Draw a cloud of points for each name, top to bottom: where ``values [names, points]`` lie.

    Shades, of the same shape, are their colors: they reach from 0 (low) to 1 (high), NaN where there is none. Of
    many points an even choice is drawn.
    """
    clouds, tints = _drawable(_chosen(values)), _chosen(shades)

    def draw(axes: Axes) -> None:
        axes.axvline(0.0, color=MUTED, linewidth=1, zorder=1)
        for place in range(len(names)):
            heights = place + _spread(clouds[place])
            colors = np.asarray([shade(tint) for tint in tints[place]])
            for one in sorted(set(colors)):
                held = colors == one
                axes.plot(
                    clouds[place, held], heights[held], "o", color=one, markersize=3.2, markeredgewidth=0, alpha=0.85
                )
        _named_rows(axes, names)

    return Plot(name=name, draw=draw, labels=labels, alt=alt, size=_tall(len(names), each=0.34))


def waterfall(
    names: Sequence[str],
    contributions: ArrayLike,
    *,
    base: float,
    total: float,
    labels: Labels,
    alt: str,
    name: str,
    ends: tuple[str, str] = ("", ""),
) -> Plot:
    """Draw how contributions, top to bottom, lead from ``base`` to ``total``: up in color 5, down in color 0.

    Both stand there as numbers, above and below the steps; ``ends`` says what they are.
    """
    steps = _drawable(contributions)
    base, total = (float(value) for value in _drawable([base, total]))
    stops = base + np.cumsum(steps)
    starts = stops - steps
    low, high = _with_room(np.minimum(starts, stops), np.maximum(starts, stops))

    def draw(axes: Axes) -> None:
        for place, value, toward in ((-1, base, 0), (len(steps), total, len(steps) - 1)):
            axes.plot([value, value], [place - 0.35, place + 0.35], color=INK, linewidth=1.6, zorder=2)
            axes.plot([value, value], [place, toward], color=MUTED, linewidth=1, dashes=_DASHES, zorder=1)
            axes.text(**_beside(value, value, (low, high)), y=place, s=number(float(f"{value:.4g}")), **_TEXT)
        for place, (start, end) in enumerate(zip(starts, stops, strict=True)):
            step = float(end - start)
            axes.barh(place, step, left=start, height=0.62, color=color(5 if step > 0 else 0), zorder=2)
            if place + 1 < len(steps):
                axes.plot([end, end], [place, place + 1], color=MUTED, linewidth=0.6, zorder=1)
            written = ("+" if step > 0 else "") + number(float(f"{steps[place]:.3g}"))
            axes.text(**_beside(start, end, (low, high)), y=place, s=written, **_TEXT)
        axes.set_xlim(low, high)
        _named_rows(axes, [ends[0], *names, ends[1]], first=-1)

    return Plot(name=name, draw=draw, labels=labels, alt=alt, size=_tall(len(names) + 2, each=0.3))


def _beside(start: float, end: float, within: tuple[float, float]) -> dict[str, Any]:
    """Put a number on the side of a bar that has more room."""
    (left, right), (low, high) = sorted((start, end)), within
    gap = 0.015 * (high - low)
    return {"x": right + gap, "ha": "left"} if high - right >= left - low else {"x": left - gap, "ha": "right"}


def _with_room(left: Float64, right: Float64) -> tuple[float, float]:
    """Reach over all bars, with room for a number on one side of each."""
    low, high = (float(left.min()), float(right.max())) if len(left) else (0.0, 1.0)
    width = (high - low) or 1.0
    room = np.maximum(left - low, high - right).min() if len(left) else 0.0
    return low - 0.05 * width, high + (0.3 if room < _NUMBER * width else 0.05) * width


def matrix(counts: ArrayLike, names: Sequence[str], *, labels: Labels, alt: str, name: str) -> Plot:
    """Draw a table of counts ``[names, names]``, each cell tinted by its share of its row."""
    cells = np.asarray(counts, dtype=np.float64)
    shares = cells / np.maximum(cells.sum(axis=1, keepdims=True), 1.0)
    places = np.arange(len(names))

    def draw(axes: Axes) -> None:
        for row, column in np.ndindex(*cells.shape):
            share = float(shares[row, column])
            axes.bar(column, 0.96, bottom=row - 0.48, width=0.96, color=color(0), alpha=0.08 + 0.62 * share)
            axes.text(column, row, number(float(cells[row, column])), color=INK, ha="center", va="center")
        _named_rows(axes, names)
        axes.set_xticks(places, labels=list(names), rotation=90 if len(names) > _FEW else 0)
        axes.set_xlim(-0.55, len(names) - 0.45)
        axes.grid(visible=False)

    return Plot(name=name, draw=draw, labels=labels, alt=alt, size=(4.5, 4.2))


def _named_rows(axes: Axes, names: Sequence[str], *, first: int = 0) -> None:
    axes.set_yticks(np.arange(first, len(names) + first), labels=list(names))
    axes.tick_params(axis="y", labelcolor=INK)
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    axes.set_ylim(len(names) + first - 0.4, first - 0.6)
    axes.grid(visible=False, axis="y")


def _tall(rows: int, each: float = 0.26) -> tuple[float, float]:
    return 4.5, min(max(0.8 + each * rows, 1.6), 12.0)


def _chosen(values: ArrayLike) -> Float64:
    table = np.atleast_2d(np.asarray(values, dtype=np.float64))
    points = table.shape[1]
    return table[:, np.unique(np.linspace(0, points - 1, min(points, _SWARMED)).round().astype(np.int64))]


def _spread(values: Float64) -> Float64:
    """Give every point a height around 0 so that points close to one another do not hide each other."""
    if len(values) == 0:
        return values
    reach = float(np.ptp(values)) or 1.0
    bins = np.floor((values - values.min()) / reach * 40)
    heights = np.zeros(len(values))
    for one in np.unique(bins):
        held = np.flatnonzero(bins == one)
        turns = np.arange(len(held))
        heights[held] = np.where(turns % 2, -1, 1) * ((turns + 1) // 2)
    return heights * min(0.07, 0.38 / max(float(np.abs(heights).max()), 1.0))


def _by_factors(axes: Axes, values: Sequence[float]) -> None:
    axes.set_xscale("log")
    axes.set_xticks(values, labels=[f"{value:,.6g}" for value in values])
    axes.set_xticks([], minor=True)


def _drawable(values: ArrayLike) -> Float64:
    # Beyond about 1e150 the drawing library's own arithmetic overflows.
    return np.clip(np.nan_to_num(np.asarray(values, dtype=np.float64)), -_FURTHEST, _FURTHEST)


def _gapped(values: ArrayLike) -> Float64:
    return np.clip(np.asarray(values, dtype=np.float64), -_FURTHEST, _FURTHEST)


def _reference(axes: Axes, x: Sequence[float], y: Sequence[float]) -> None:
    axes.plot(x, y, color=MUTED, linewidth=1, dashes=_DASHES, zorder=1)


def _unit_square(axes: Axes) -> None:
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.01)
