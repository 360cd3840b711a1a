"""Plots: numbers in, inline SVG out; sharp at any size, with colors that the page's light or dark style decides.

Colors are written as CSS variables and texts as text, so the page chooses both; labels are put in after drawing, since
the drawing library does not know the fonts (Chinese ones, for instance) that a browser will have.
"""

import io
import re
from collections.abc import Callable, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, MultipleLocator

from golive.evaluation.markup import Markup, escape
from golive.ports import Float64

Line = tuple[Sequence[float], Sequence[float]]
Labels = tuple[str, str]
"""What stands at the horizontal and the vertical axis."""

COLORS = 8
"""Different colors for lines; the page's style names them ``--c0`` to ``--c7``."""
_INK, _MUTED, _GRID = "#010101", "#020202", "#030303"
_VARIABLES = {_INK: "--ink", _MUTED: "--muted", _GRID: "--grid"} | {
    f"#0500{color:02x}": f"--c{color}" for color in range(COLORS)
}
_DASHES = (4, 3)
_FURTHEST = 1e100
_THOUSAND, _MILLION = 1e4, 1e6


def scatter(x: Float64, y: Float64, *, labels: Labels, diagonal: bool, alt: str, name: str) -> Markup:
    """Draw points, with the line y = x (``diagonal``) or y = 0."""
    x, y = _drawable(x), _drawable(y)
    low, high = float(min(x.min(), y.min())), float(max(x.max(), y.max()))

    def draw(axes: Axes) -> None:
        if diagonal:
            _reference(axes, [low, high], [low, high])
        else:
            axes.axhline(0.0, color=_MUTED, linewidth=1, dashes=_DASHES, zorder=1)
        axes.scatter(x, y, s=9, color=_color(0), alpha=0.45, linewidths=0, zorder=2)

    return _svg(draw, labels, alt, name)


def bars(heights: Float64, *, labels: Labels, alt: str, name: str) -> Markup:
    """Draw bars, named 1, 2, 3 and so on."""
    heights = _drawable(heights)

    def draw(axes: Axes) -> None:
        axes.bar(np.arange(len(heights)) + 1, heights, width=0.72, color=_color(0), zorder=2)
        axes.xaxis.set_major_locator(MultipleLocator(1))
        axes.set_xlim(0.4, len(heights) + 0.6)
        axes.grid(visible=False, axis="x")

    return _svg(draw, labels, alt, name)


def lines(curves: Sequence[Line], *, labels: Labels, reference: Line | None, alt: str, name: str) -> Markup:
    """Draw curves inside the unit square, the n-th in color n, with a dashed reference."""

    def draw(axes: Axes) -> None:
        if reference is not None:
            _reference(axes, *reference)
        for place, (x, y) in enumerate(curves):
            axes.plot(x, y, color=_color(place), linewidth=1.6, zorder=2)
        _unit_square(axes)

    return _svg(draw, labels, alt, name)


def calibration(
    stated: Float64, observed: Float64, lower: Float64, upper: Float64, *, labels: Labels, alt: str, name: str
) -> Markup:
    """Draw stated probability against observed share, with intervals."""

    def draw(axes: Axes) -> None:
        _reference(axes, [0.0, 1.0], [0.0, 1.0])
        axes.vlines(stated, lower, upper, color=_color(0), linewidth=1.4, alpha=0.55, zorder=2)
        axes.plot(stated, observed, color=_color(0), linewidth=1.4, marker="o", markersize=4, zorder=3)
        _unit_square(axes)

    return _svg(draw, labels, alt, name)


def two_histograms(first: Sequence[int], second: Sequence[int], *, labels: Labels, alt: str, name: str) -> Markup:
    """Draw counts over equal bins of [0, 1]: the first in color 0, the second in color 1."""
    left = np.linspace(0, 1, len(first), endpoint=False)

    def draw(axes: Axes) -> None:
        for place, counts in enumerate((first, second)):
            axes.bar(left, counts, width=1 / len(first), align="edge", color=_color(place), alpha=0.6, zorder=2)
        axes.set_xlim(0, 1)

    return _svg(draw, labels, alt, name)


def _drawable(values: Float64) -> Float64:
    # Beyond about 1e150 the drawing library's own arithmetic overflows.
    return np.clip(np.nan_to_num(values), -_FURTHEST, _FURTHEST)


def _reference(axes: Axes, x: Sequence[float], y: Sequence[float]) -> None:
    axes.plot(x, y, color=_MUTED, linewidth=1, dashes=_DASHES, zorder=1)


def _unit_square(axes: Axes) -> None:
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.01)


def _color(place: int) -> str:
    return f"#0500{place % COLORS:02x}"


def _tick(value: float, _: int = 0) -> str:
    if abs(value) >= _MILLION:
        return f"{value / 1e6:g}M".replace("-", "−")
    if abs(value) >= _THOUSAND:
        return f"{value / 1e3:g}k".replace("-", "−")
    return f"{value:g}".replace("-", "−")


def _svg(draw: Callable[[Axes], None], labels: Labels, alt: str, name: str) -> Markup:
    written = io.StringIO()
    # The defaults keep a notebook's own style out; the salt makes ids unique in the page and the same in every run.
    settings = {key: value for key, value in mpl.rcParamsDefault.items() if not key.startswith("backend")}
    with mpl.rc_context({**settings, "svg.fonttype": "none", "svg.hashsalt": name}):
        figure = Figure(figsize=(4.5, 3.6), layout="constrained")
        figure.patch.set_visible(False)
        axes = figure.add_subplot()
        _prepare(axes)
        draw(axes)
        figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
    return _themed(written.getvalue(), labels, alt)


def _prepare(axes: Axes) -> None:
    axes.patch.set_visible(False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_GRID)
    axes.tick_params(colors=_MUTED, length=0, pad=5)
    axes.grid(color=_GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
        axis.set_major_formatter(FuncFormatter(_tick))
    axes.set_xlabel("@x", color=_INK, labelpad=7)
    axes.set_ylabel("@y", color=_INK, labelpad=7)


def _themed(text: str, labels: Labels, alt: str) -> Markup:
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    # Plain group ids repeat from plot to plot; only those with the salt (m…, p…) are referred to.
    text = re.sub(r'<g id="[^"]*"', "<g", text)
    # Fonts and the style rule for everything are the page's own.
    text = re.sub(r"font(?:-[a-z]+)?: [^;\"]*; ", "", text)
    text = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", text, flags=re.DOTALL)
    for color, variable in _VARIABLES.items():
        text = text.replace(color, f"var({variable})")
    text = text.replace(">@x<", f">{escape(labels[0])}<").replace(">@y<", f">{escape(labels[1])}<")
    opening = f'<svg role="img" aria-label="{escape(alt)}"'
    return Markup(re.sub(r"\n\s*", "\n", opening + text.removeprefix("<svg")))
