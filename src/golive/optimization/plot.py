"""Plot: a search in; size, accuracy and latency of every candidate out, as one SVG for light and dark pages.

To the right is slower, up is a greater loss, and a greater disc is a greater graph. The Pareto set is ringed.
"""

import math
from collections.abc import Sequence
from html import escape

from golive.optimization.search import Searched
from golive.optimization.tried import Tried

_WIDTH, _HEIGHT = 760, 460
_LEFT, _RIGHT, _TOP, _BOTTOM = 84, 40, 84, 56
_SMALLEST, _GREATEST = 4.0, 26.0
_ROOM = 1.25
_LETTER, _LINE, _MOST_STEPS = 6.6, 15.0, 24
_STYLE = """
text{font:12px system-ui,sans-serif;fill:var(--ink)}.muted{fill:var(--muted)}.title{font-size:15px;font-weight:600}
svg{--ink:#1f2328;--muted:#59636e;--grid:#d8dee4;--page:#fff;--a:#0969da;--b:#bc4c00;--c:#8250df}
@media(prefers-color-scheme:dark){svg{--ink:#f0f6fc;--muted:#9198a1;--grid:#3d444d;--page:#0d1117;--a:#58a6ff;--b:#f0883e;--c:#bc8cff}}
.page{fill:var(--page)}.grid{stroke:var(--grid)}.limit{stroke:var(--b);stroke-dasharray:5 4}
.disc{fill-opacity:.3;stroke-width:1}.passed{fill:var(--a);stroke:var(--a)}.other{fill:var(--muted);stroke:var(--muted)}
.original{fill:var(--c);stroke:var(--c)}.pareto{stroke-width:3}.bar{stroke:var(--muted)}
"""


def plot_svg(name: str, searched: Searched, *, max_loss: float) -> str:
    """Draw every candidate that was measured and judged, and the original at a loss of 0."""
    shown = [one for one in searched.tried if one.comparison is not None and one.loss is not None]
    frame, labels = _Frame(shown, max_loss), _Labels()
    parts = [
        f'<rect class="page" width="{_WIDTH}" height="{_HEIGHT}"/>',
        _text(16, 26, f"{name}: size, accuracy and latency of {len(shown)} candidates", "title"),
        _text(16, 45, _LEGEND, "muted"),
        *frame.grid(),
        *(_original(frame, labels, shown[0]) if shown else ()),
        *(part for one in shown for part in _candidate(frame, labels, one, searched)),
    ]
    box = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}"'
    body = "\n".join(parts)
    return f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img"><style>{_STYLE}</style>\n{body}\n</svg>\n'


class _Frame:
    """From figures to places on the page."""

    def __init__(self, shown: Sequence[Tried], max_loss: float) -> None:
        found = [one.comparison for one in shown if one.comparison is not None]
        times = [cost.p50_us for both in found for cost in (both.original, both.candidate)] or [1.0, 10.0]
        self._fastest, self._slowest = min(times) / _ROOM, max(times) * _ROOM
        losses = [one.loss.share for one in shown if one.loss is not None]
        self.max_loss = max_loss
        # A student that lost its way must not squeeze the others into a line.
        self.worst = max(min(max([*losses, 0.0]), 10 * max_loss), 2 * max_loss, 1e-4)
        self.best = min([*losses, 0.0, -self.worst / 8])
        self._bytes = max([cost.size_bytes for both in found for cost in (both.original, both.candidate)], default=1)

    def x(self, microseconds: float) -> float:
        share = math.log(microseconds / self._fastest) / math.log(self._slowest / self._fastest)
        return _LEFT + min(max(share, 0.0), 1.0) * (_WIDTH - _LEFT - _RIGHT)

    def y(self, loss: float) -> float:
        share = (min(max(loss, self.best), self.worst) - self.best) / (self.worst - self.best)
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)

    def radius(self, size_bytes: int) -> float:
        """Give a disc whose area grows with the size, but which can still be seen."""
        return _SMALLEST + (_GREATEST - _SMALLEST) * math.sqrt(size_bytes / self._bytes)

    def grid(self) -> list[str]:
        right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
        parts = []
        for loss, style in ((0.0, "grid"), (self.max_loss, "limit"), (self.worst, "grid"), (self.best, "grid")):
            y = self.y(loss)
            parts.append(f'<line class="{style}" x1="{_LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
            parts.append(_text(_LEFT - 8, y + 4, f"{loss:.2%}".replace("-", "−"), "muted", anchor="end"))
        for step in range(5):
            time = self._fastest * (self._slowest / self._fastest) ** (step / 4)
            parts.append(_text(self.x(time), bottom + 20, f"{time:.3g}", "muted", anchor="middle"))
        parts.append(_text((_LEFT + right) / 2, _HEIGHT - 12, "one row, microseconds (p50)", "muted", anchor="middle"))
        parts.append(_text(_LEFT - 8, _TOP - 16, "loss", "muted", anchor="end"))
        return parts


_LEGEND = "greater disc: greater graph; blue: passed, thick: Pareto set, ★: taken; dashed: the loss that is allowed"


def _original(frame: _Frame, labels: "_Labels", any_one: Tried) -> list[str]:
    if any_one.comparison is None:
        return []
    cost = any_one.comparison.original
    x, y, radius = frame.x(cost.p50_us), frame.y(0.0), frame.radius(cost.size_bytes)
    disc = f'<circle class="disc original" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"/>'
    return [disc, *labels.beside(x, y, radius, "as it is", "")]


def _candidate(frame: _Frame, labels: "_Labels", one: Tried, searched: Searched) -> list[str]:
    if one.comparison is None or one.loss is None:
        return []
    cost, loss = one.comparison.candidate, one.loss
    x, y, radius = frame.x(cost.p50_us), frame.y(loss.share), frame.radius(cost.size_bytes)
    style = "passed" if one.outcome == "passed" else "other"
    ring = " pareto" if any(one is other for other in searched.pareto) else ""
    star = "★ " if one is searched.best else ""
    bar = []
    if loss.lower is not None and loss.upper is not None and loss.upper > loss.lower:
        low, high = frame.y(loss.lower), frame.y(loss.upper)
        bar = [f'<line class="bar" x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}"/>']
    told = f"{one.candidate.name}: {cost.p50_us:.1f} µs, {cost.size_bytes:,} bytes, loss {loss.share:.2%}; {one.reason}"
    return [
        *bar,
        f'<circle class="disc {style}{ring}" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}">',
        f"<title>{escape(told)}</title></circle>",
        *labels.beside(x, y, radius, star + one.candidate.name, "" if style == "passed" else "muted"),
    ]


class _Labels:
    """Texts beside discs; one that would cover another moves up or down and is led to by a line."""

    def __init__(self) -> None:
        self._boxes: list[tuple[float, float, float]] = []

    def beside(self, x: float, y: float, radius: float, text: str, style: str) -> list[str]:
        width = _LETTER * len(text)
        left = x + radius + 4
        if left + width > _WIDTH - 4:
            left = x - radius - 4 - width
        steps = (step for half in range(1, _MOST_STEPS) for step in (half, -half))
        place = next((y + step * _LINE for step in (0, *steps) if self._is_free(left, y + step * _LINE, width)), y)
        self._boxes.append((left, place, width))
        line = f'<line class="bar" x1="{x:.1f}" y1="{y:.1f}" x2="{left - 2:.1f}" y2="{place:.1f}"/>'
        return [*([line] if place != y else []), _text(left, place + 4, text, style)]

    def _is_free(self, left: float, y: float, width: float) -> bool:
        on_page = _TOP - 8 <= y <= _HEIGHT - _BOTTOM + 4
        return on_page and not any(
            abs(y - other) < _LINE - 1 and left < start + length and start < left + width
            for start, other, length in self._boxes
        )


def _text(x: float, y: float, text: str, style: str = "", *, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{style}" text-anchor="{anchor}">{escape(text)}</text>'
