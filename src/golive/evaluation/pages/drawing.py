"""Drawing: a plot as a value, written as inline SVG for a page or given as a figure of matplotlib for a notebook.

In the SVG colors are CSS variables and texts are text, so the page chooses both; labels are put in after drawing, since
the drawing library does not know the fonts (Chinese ones, for instance) that a browser will have.
"""

import io
import re
from collections.abc import Callable

import matplotlib as mpl
import msgspec
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from golive.evaluation.pages.markup import Markup, escape

Labels = tuple[str, str]
"""What stands at the horizontal and the vertical axis."""

COLORS = 8
"""Different colors for lines; the page's style names them ``--c0`` to ``--c7``."""
INK, MUTED, GRID = "#010101", "#020202", "#030303"
"""Stand-ins for colors of the page."""
_VARIABLES = {INK: "--ink", MUTED: "--muted", GRID: "--grid"} | {
    f"#0500{color:02x}": f"--c{color}" for color in range(COLORS)
}
_THOUSAND, _MILLION = 1e4, 1e6


class Plot(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What is drawn into one pair of axes, and its words."""

    name: str
    """Unique on its page, such as ``roc``; a notebook asks for it by this name."""
    draw: Callable[[Axes], None]
    labels: Labels
    alt: str
    """What the plot shows, in a sentence, for those who do not see it."""
    size: tuple[float, float] = (4.5, 3.6)
    """Inches."""


def color(place: int) -> str:
    """Give the stand-in for the page's color of that number."""
    return f"#0500{place % COLORS:02x}"


def tick(value: float, _: int = 0) -> str:
    """Write a number at an axis."""
    if abs(value) >= _MILLION:
        return f"{value / 1e6:g}M".replace("-", "−")
    if abs(value) >= _THOUSAND:
        return f"{value / 1e3:g}k".replace("-", "−")
    return f"{value:g}".replace("-", "−")


def svg(plot: Plot) -> Markup:
    """Write a plot as SVG that stands in a page."""
    written = io.StringIO()
    # The defaults keep a notebook's own style out; the salt makes ids unique in the page and the same in every run.
    settings = {key: value for key, value in mpl.rcParamsDefault.items() if not key.startswith("backend")}
    with mpl.rc_context({**settings, "svg.fonttype": "none", "svg.hashsalt": plot.name}):
        figure = Figure(figsize=plot.size, layout="constrained")
        figure.patch.set_visible(False)
        axes = figure.add_subplot()
        _prepare(axes)
        plot.draw(axes)
        figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
    return _themed(written.getvalue(), plot.labels, plot.alt)


def _prepare(axes: Axes) -> None:
    axes.patch.set_visible(False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GRID)
    axes.tick_params(colors=MUTED, length=0, pad=5)
    axes.grid(color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
        axis.set_major_formatter(FuncFormatter(tick))
    axes.set_xlabel("@x", color=INK, labelpad=7)
    axes.set_ylabel("@y", color=INK, labelpad=7)


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
