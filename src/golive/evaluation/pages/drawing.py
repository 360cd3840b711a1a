"""Drawing: a plot as a value, written as inline SVG for a page or given as a figure of matplotlib for a notebook.

In the SVG colors are CSS variables and texts are text, so the page chooses both. The drawing library does not know the
fonts that a browser will have (Chinese ones, for instance), so texts from elsewhere are drawn as stand-ins that take
about as much room, and are put in afterward.
"""

import io
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib as mpl
import msgspec
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgba_array
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator

from golive.evaluation.pages.markup import Markup, escape

Labels = tuple[str, str]
"""What stands at the horizontal and the vertical axis."""

COLORS = 8
"""Different colors for lines; the page's style names them ``--c0`` to ``--c7``."""
SHADES = 7
"""Steps from a low to a high value; the page's style names them ``--s0`` to ``--s6``."""
INK, MUTED, GRID = "#010101", "#020202", "#030303"
"""Stand-ins for colors of the page."""
WIDEST_NAME = 26
"""Longer texts in a plot are cut; a Chinese character counts twice."""
_VARIABLES = (
    {INK: "--ink", MUTED: "--muted", GRID: "--grid"}
    | {f"#0500{place:02x}": f"--c{place}" for place in range(COLORS)}
    | {f"#0600{place:02x}": f"--s{place}" for place in range(SHADES)}
)
_LIGHT = {
    INK: "#1c2126",
    MUTED: "#626b74",
    GRID: "#e3e6e9",
    **{
        f"#0500{place:02x}": real
        for place, real in enumerate(
            ("#2f6db5", "#d0742b", "#2e8b6d", "#9a4fa3", "#b58a00", "#c2476b", "#5a7d2a", "#5b6ee1")
        )
    },
    **{
        f"#0600{place:02x}": real
        for place, real in enumerate(("#2f6db5", "#5b67b3", "#7c60ab", "#98589e", "#ae518f", "#bb4b7e", "#c2476b"))
    },
}
"""The page's light colors, for figures that stand alone."""
_CHINESE = ("Noto Sans CJK SC", "PingFang SC", "Microsoft YaHei", "SimHei", "WenQuanYi Zen Hei", "Source Han Sans SC")
_PAINTED = ("color", "facecolor", "edgecolor", "markerfacecolor", "markeredgecolor")
_THOUSAND, _MILLION = 1e4, 1e6
_EM = 9.5
"""Size of texts, in points: the page's style says the same."""
_TAG = re.compile(r"<[^>]*>")
_COORDINATE = re.compile(r"(\d\.\d\d)\d+")
_MARKERS = re.compile(r"<g( clip-path=\"[^\"]*\")?>((?:\s*<use [^>]*/>){2,})\s*</g>")
_STYLE = re.compile(r" style=\"([^\"]*)\"")
_STAND_IN = re.compile(r">@(\d+)@n*<")


class Plot(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What is drawn into one pair of axes, and its words."""

    name: str
    """Unique on its page, such as ``roc``; a notebook asks for it by this name."""
    draw: Callable[[Axes], None]
    """May write any text, in any script: as tick labels or with ``axes.text``."""
    labels: Labels
    """An empty one takes no room."""
    alt: str
    """What the plot shows, in a sentence, for those who do not see it."""
    size: tuple[float, float] = (4.5, 3.6)
    """Inches."""


class Shown(Figure):
    """A figure that a notebook shows as a picture, whether it was set up for matplotlib or not."""

    def _repr_png_(self) -> bytes:
        written = io.BytesIO()
        self.savefig(written, format="png", dpi=144)
        return written.getvalue()


def color(place: int) -> str:
    """Give the stand-in for the page's color of that number."""
    return f"#0500{place % COLORS:02x}"


def shade(share: float) -> str:
    """Give the stand-in for a color between that of the lowest (0) and the highest (1); muted where it is NaN."""
    if share != share:  # noqa: PLR0124 -- NaN
        return MUTED
    return f"#0600{min(int(min(max(share, 0.0), 1.0) * SHADES), SHADES - 1):02x}"


def tick(value: float, _: int = 0) -> str:
    """Write a number at an axis."""
    if abs(value) >= _MILLION:
        return f"{value / 1e6:g}M".replace("-", "−")
    if abs(value) >= _THOUSAND:
        return f"{value / 1e3:g}k".replace("-", "−")
    return f"{value:g}".replace("-", "−")


def shortened(text: str, widest: int = WIDEST_NAME) -> str:
    """Cut a text to a width, with an ellipsis."""
    text = " ".join(text.split())
    if width_of(text) <= widest:
        return text
    kept = ""
    for sign in text:
        if width_of(kept + sign) > widest - 1:
            break
        kept += sign
    return kept.rstrip() + "…"


def width_of(text: str) -> int:
    """Count a text's characters, those of double width twice."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def svg(plot: Plot) -> Markup:
    """Write a plot as SVG that stands in a page."""
    written = io.StringIO()
    # The salt makes ids unique in the page and the same in every run.
    with mpl.rc_context({**_defaults(), "svg.fonttype": "none", "svg.hashsalt": plot.name, "font.size": _EM}):
        drawn = Figure(figsize=plot.size)
        drawn.patch.set_visible(False)
        axes = drawn.add_subplot()
        _prepare(axes, {})
        plot.draw(axes)
        texts = _replaced(axes, _stand_in)
        axes.set_xlabel("@x" if plot.labels[0] else "", color=INK, labelpad=7)
        axes.set_ylabel("@y" if plot.labels[1] else "", color=INK, labelpad=7)
        _fit(drawn, axes, plot)
        _keep_inside(axes, plot)
        drawn.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
    return _themed(written.getvalue(), plot, texts)


def figure(plot: Plot, *, title: str = "", legend: Sequence[tuple[str, str]] = ()) -> Figure:
    """Draw a plot as a figure of its own, in light colors, with its labels, a title and a legend.

    ``legend`` pairs the page's variable of a color, such as ``--c0``, with what it stands for.
    """
    with mpl.rc_context({**_defaults(), "font.family": ["DejaVu Sans", *_chinese()], "font.size": _EM}):
        drawn = Shown(figsize=plot.size, layout="constrained", facecolor="white", dpi=100)
        axes = drawn.add_subplot()
        _prepare(axes, _LIGHT)
        plot.draw(axes)
        _replaced(axes, lambda text, _: shortened(text))
        axes.set_xlabel(plot.labels[0], color=_LIGHT[INK], labelpad=7, parse_math=False)
        axes.set_ylabel(plot.labels[1], color=_LIGHT[INK], labelpad=7, parse_math=False)
        if title:
            axes.set_title(title, color=_LIGHT[INK], loc="left", fontweight="bold", parse_math=False)
        if legend:
            stand_ins = {variable: stand_in for stand_in, variable in _VARIABLES.items()}
            patches = [Patch(color=stand_ins[variable], label=shortened(text, 40)) for variable, text in legend]
            for text in drawn.legend(handles=patches, loc="outside lower left", ncols=2, frameon=False).get_texts():
                text.set_parse_math(False)
        _paint(drawn)
    return drawn


def _defaults() -> Any:
    # They keep a notebook's own style out.
    return {key: value for key, value in mpl.rcParamsDefault.items() if not key.startswith("backend")}


def _chinese() -> list[str]:
    there = set(fontManager.get_font_names())
    return [name for name in _CHINESE if name in there][:1]


def _prepare(axes: Axes, paint: Mapping[str, str]) -> None:
    grid, muted = paint.get(GRID, GRID), paint.get(MUTED, MUTED)
    axes.patch.set_visible(False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(grid)
    axes.tick_params(colors=muted, length=0, pad=5)
    axes.grid(color=grid, linewidth=0.7)
    axes.set_axisbelow(True)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
        axis.set_major_formatter(FuncFormatter(tick))


def _replaced(axes: Axes, by: Callable[[str, int], str]) -> list[str]:
    """Put other texts in place of those that were written into the axes, and give these, by their number."""
    texts: list[str] = []

    def other(text: str) -> str:
        if not text:
            return text
        texts.append(text)
        return by(text, len(texts) - 1)

    for axis in (axes.xaxis, axes.yaxis):
        if isinstance(axis.get_major_locator(), FixedLocator):
            written = [other(label.get_text()) for label in axis.get_ticklabels()]
            axis.set_ticks(axis.get_ticklocs(), labels=written)
        for label in axis.get_ticklabels():
            label.set_parse_math(False)
    for text in axes.texts:
        text.set_text(other(text.get_text()))
        text.set_parse_math(False)
    return texts


def _stand_in(text: str, place: int) -> str:
    # An "n" is drawn 0.63 em wide here; a browser's fonts take up to 0.6 em for a Latin letter, 1 em for a Chinese one.
    mark, short = f"@{place}@", shortened(text)
    wide = width_of(short) - len(short)
    return mark + "n" * max(round(0.95 * (len(short) - wide) + 1.6 * wide) - len(mark), 0)


def _fit(drawn: Figure, axes: Axes, plot: Plot) -> None:
    """Leave as much room around the axes as the texts need; far quicker than the library's own layouts."""
    width, height = (72 * inches for inches in plot.size)
    beside = max((len(label.get_text()) for label in axes.get_yticklabels()), default=0)
    left = 10 + 0.645 * _EM * beside + (8 + 1.4 * _EM if plot.labels[1] else 0)
    bottom = 6 + 1.4 * _EM + (1.9 * _EM if plot.labels[0] else 0)
    drawn.subplots_adjust(
        left=min(left / width, 0.6), right=1 - 12 / width, bottom=min(bottom / height, 0.5), top=1 - 8 / height
    )


def _keep_inside(axes: Axes, plot: Plot) -> None:
    """Move a label below the axes that would be cut at the right so far to the left that it is not."""
    width, place = 72 * plot.size[0], axes.get_position()
    half = 0.5 * 0.58 * _EM * width_of(plot.labels[0])
    middle = min((place.x0 + place.width / 2) * width, max(width - 4 - half, half))
    axes.xaxis.label.set_x((middle / width - place.x0) / place.width)


def _paint(drawn: Figure) -> None:
    """Put the light colors in place of their stand-ins, whatever was drawn with them."""
    for artist in drawn.findobj():
        for kind in _PAINTED:
            given = getattr(artist, f"get_{kind}", None)
            put = getattr(artist, f"set_{kind}", None)
            if given is None or put is None:
                continue
            found = given()
            if isinstance(found, str) and found in {"none", "auto"}:
                continue
            colors = to_rgba_array(found)
            names = [to_hex(one) for one in colors]
            if not any(name in _LIGHT for name in names):
                continue
            real = to_rgba_array([_LIGHT.get(name, name) for name in names])
            real[:, 3] = colors[:, 3]
            put(real if len(real) > 1 else tuple(real[0]))


def _themed(text: str, plot: Plot, texts: Sequence[str]) -> Markup:
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    # Plain group ids repeat from plot to plot; only those with the salt (m…, p…) are referred to.
    text = re.sub(r'<g id="[^"]*"', "<g", text)
    # Fonts and the style rule for everything are the page's own.
    text = re.sub(r"font(?:-[a-z]+)?: [^;\"]*; ", "", text)
    text = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    # Coordinates stand in tags; the numbers between tags are for people.
    text = _TAG.sub(lambda found: _COORDINATE.sub(r"\1", found[0]), text)
    text = _MARKERS.sub(_in_one_style, text)
    for stand_in, variable in _VARIABLES.items():
        text = text.replace(stand_in, f"var({variable})")
    text = text.replace(">@x<", f">{escape(plot.labels[0])}<").replace(">@y<", f">{escape(plot.labels[1])}<")
    text = _STAND_IN.sub(lambda found: f">{_written(texts[int(found[1])])}<", text)
    opening = f'<svg role="img" aria-label="{escape(plot.alt)}"'
    return Markup(re.sub(r"\n\s*", "\n", opening + text.removeprefix("<svg")))


def _in_one_style(found: re.Match[str]) -> str:
    """Say what all points of a cloud have in common once: it is most of a large plot's size."""
    styles = set(_STYLE.findall(found[2]))
    if len(styles) != 1:
        return found[0]
    return f'<g{found[1] or ""} style="{styles.pop()}">{_STYLE.sub("", found[2])}\n</g>'


def _written(text: str) -> Markup:
    short = shortened(text)
    whole = "" if short == " ".join(text.split()) else Markup(f"<title>{escape(text)}</title>")
    return Markup(f"{escape(short)}{whole}")
