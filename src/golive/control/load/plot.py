"""Plot: a report in, latency over throughput out, as one SVG that is read on light and dark pages."""

import math
from collections.abc import Callable, Sequence
from html import escape

from golive.control.load.points import Latencies, Point
from golive.control.load.report import Report

_WIDTH, _HEIGHT = 720, 440
_LEFT, _RIGHT, _TOP, _BOTTOM = 72, 24, 84, 56
_TICKS = 6
_STEPS = (1, 2, 2.5, 5, 10)
_CURVES: tuple[tuple[str, str, Callable[[Latencies], float]], ...] = (
    ("p50", "a", lambda times: times.p50),
    ("p99", "b", lambda times: times.p99),
    ("p99.9", "c", lambda times: times.p999),
)
_STYLE = """
text{font:12px system-ui,sans-serif;fill:var(--ink)}.muted{fill:var(--muted)}.title{font-size:15px;font-weight:600}
svg{--ink:#1f2328;--muted:#59636e;--grid:#d8dee4;--page:#fff;--a:#0969da;--b:#bc4c00;--c:#8250df}
@media(prefers-color-scheme:dark){svg{--ink:#f0f6fc;--muted:#9198a1;--grid:#3d444d;--page:#0d1117;--a:#58a6ff;--b:#f0883e;--c:#bc8cff}}
.page{fill:var(--page)}.grid{stroke:var(--grid)}.peak{stroke:var(--muted);stroke-dasharray:5 4}
.a{--own:var(--a)}.b{--own:var(--b)}.c{--own:var(--c)}
.line{fill:none;stroke:var(--own);stroke-width:2;stroke-linejoin:round}.dot{fill:var(--own)}
.ring{fill:var(--page);stroke:var(--own);stroke-width:2}
"""


def plot_svg(report: Report) -> str:
    """Draw the open loops as lines and the closed loops as rings, over answers a second and milliseconds (log)."""
    points = [point for point in report.points if point.latencies is not None]
    frame = _Frame(points)
    peak = max((point.throughput for point in points if point.loop == "closed"), default=None)
    parts = [
        f'<rect class="page" width="{_WIDTH}" height="{_HEIGHT}"/>',
        *_heading(report),
        *frame.grid(),
        *([] if peak is None else _peak(frame, peak)),
        *(part for name, style, read in _CURVES for part in _curve(frame, points, style, read)),
        *_legend(points),
    ]
    box = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}"'
    body = "\n".join(parts)
    return f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img"><style>{_STYLE}</style>\n{body}\n</svg>\n'


class _Frame:
    """From figures to places on the page."""

    def __init__(self, points: Sequence[Point]) -> None:
        times = [read(point.latencies) for point in points if point.latencies for _, _, read in _CURVES]
        self._step = _nice(max((point.throughput for point in points), default=1.0) / _TICKS)
        self._most = self._step * math.ceil(max((point.throughput for point in points), default=1.0) / self._step)
        self._low = math.floor(math.log10(max(min(times, default=1.0), 1e-3)))
        self._high = max(math.ceil(math.log10(max(*times, 1e-3))) if times else 1, self._low + 1)

    def x(self, throughput: float) -> float:
        return _LEFT + throughput / self._most * (_WIDTH - _LEFT - _RIGHT)

    def y(self, milliseconds: float) -> float:
        share = (math.log10(max(milliseconds, 1e-3)) - self._low) / (self._high - self._low)
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM)

    def grid(self) -> list[str]:
        right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
        parts = []
        for power in range(self._low, self._high + 1):
            y = self.y(10.0**power)
            parts.append(f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
            parts.append(_text(_LEFT - 8, y + 4, f"{10.0**power:g}", "muted", anchor="end"))
        for number in range(round(self._most / self._step) + 1):
            x = self.x(number * self._step)
            parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{bottom}" y2="{bottom + 5}"/>')
            parts.append(_text(x, bottom + 20, f"{number * self._step:,.0f}", "muted", anchor="middle"))
        parts.append(_text((_LEFT + right) / 2, _HEIGHT - 12, "answers a second", "muted", anchor="middle"))
        parts.append(_text(_LEFT - 8, _TOP - 12, "ms", "muted", anchor="end"))
        return parts


def _curve(frame: _Frame, points: Sequence[Point], style: str, read: Callable[[Latencies], float]) -> list[str]:
    places = {
        loop: [
            (frame.x(point.throughput), frame.y(read(point.latencies)))
            for point in points
            if point.latencies and point.loop == loop
        ]
        for loop in ("open", "closed")
    }
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places["open"])
    return [
        f'<g class="{style}">',
        *([f'<polyline class="line" points="{line}"/>'] if line else []),
        *(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>' for x, y in places["open"]),
        *(f'<circle class="ring" cx="{x:.1f}" cy="{y:.1f}" r="4"/>' for x, y in places["closed"]),
        "</g>",
    ]


def _heading(report: Report) -> list[str]:
    service, plan, machine = report.service, report.plan, report.machine
    rows = "1 row" if plan.rows == 1 else f"{plan.rows:,} rows"
    under = f"{rows} a request, golive {report.golive}, {machine.cpu or machine.system}, {machine.cores} cores"
    return [
        _text(16, 26, f"{service.model}: latency over throughput", "title"),
        _text(16, 45, f"{under}, {report.at[:10]}", "muted"),
    ]


def _peak(frame: _Frame, peak: float) -> list[str]:
    x = frame.x(peak)
    return [f'<line class="peak" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}"/>']


def _legend(points: Sequence[Point]) -> list[str]:
    parts, x = [], _LEFT + 12
    for name, style, _ in _CURVES:
        parts.append(f'<g class="{style}"><circle class="dot" cx="{x}" cy="64" r="4"/></g>')
        parts.append(_text(x + 9, 68, name))
        x += 58
    loops = {point.loop for point in points}
    named = {"open": "line: open loop, from the intended start", "closed": "rings: closed loop; dashed: its peak"}
    told = "; ".join(text for loop, text in named.items() if loop in loops)
    return [*parts, _text(x + 4, 68, told, "muted")]


def _text(x: float, y: float, text: str, style: str = "", *, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{style}" text-anchor="{anchor}">{escape(text)}</text>'


def _nice(step: float) -> float:
    """Give the next number of the form 1, 2, 2.5 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(max(step, 1e-9)))
    return next(factor * power for factor in _STEPS if factor * power >= step * 0.999)
