"""Plot: replies per CPU-second of every server, as one SVG that is read on light and dark pages."""

import math
from html import escape
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[2] / "docs" / "images" / "peers.svg"
WIDTH, LEFT, RIGHT = 760, 210, 70
BAR, STEP, HEAD, FOOT = 16, 24, 62, 14
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#24292f}.muted{fill:#59636e}.title{font-size:15px;font-weight:600}"
    ".grid{stroke:#d0d7de}.ours{fill:#0969da}.theirs{fill:#8c959f}.page{fill:#ffffff}"
    "@media(prefers-color-scheme:dark){text{fill:#f0f6fc}.muted{fill:#9198a1}.grid{stroke:#3d444d}"
    ".ours{fill:#58a6ff}.theirs{fill:#656c76}.page{fill:#0d1117}}"
)
SHOWN = (("iris", "16"), ("mlp", "64"))


def write_plot(result: dict[str, Any]) -> None:
    """Write docs/images/peers.svg."""
    FILE.write_text(peers_svg(result), "utf-8")


def peers_svg(result: dict[str, Any]) -> str:
    """Draw one panel of bars for each shown setting; lengths are logarithms, as the field spans three decades."""
    parts: list[str] = []
    top = 0
    for setting, connections in SHOWN:
        found = result["settings"].get(setting, {"servers": {}})
        if found["servers"]:
            drawn, height = _panel(found, connections, top)
            parts += drawn
            top += height
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{top}" viewBox="0 0 {WIDTH} {top}"'
        f' role="img"><title>'
        f"Replies per CPU-second of golive and other model servers</title><style>{STYLE}</style>"
        f'<rect class="page" width="{WIDTH}" height="{top}"/>'
    )
    return head + "".join(parts) + "</svg>\n"


def _panel(found: dict[str, Any], connections: str, top: int) -> tuple[list[str], int]:
    figures = {title: one["loads"][connections]["replies_per_cpu_s"] for title, one in found["servers"].items()}
    ordered = sorted(figures.items(), key=lambda one: -one[1])
    height = HEAD + STEP * len(ordered) + FOOT
    low = 10 ** math.floor(math.log10(ordered[-1][1] * 0.8))
    high = 10 ** math.ceil(math.log10(ordered[0][1]))
    room = (WIDTH - LEFT - RIGHT) / math.log10(high / low)
    parts = [
        _text(16, top + 24, found["title"], "title"),
        _text(16, top + 44, f"replies per CPU-second (logarithmic), {connections} connections, one worker", "muted"),
    ]
    for decade in range(round(math.log10(high / low)) + 1):
        x = LEFT + room * decade
        parts.append(f'<line class="grid" x1="{x:.0f}" x2="{x:.0f}" y1="{top + HEAD - 8}" y2="{top + height - FOOT}"/>')
    for number, (title, figure) in enumerate(ordered):
        y = top + HEAD + STEP * number
        long = room * math.log10(figure / low)
        style = "ours" if title.startswith("golive") else "theirs"
        parts += [
            _text(LEFT - 10, y + 13, title, "end"),
            f'<rect class="{style}" x="{LEFT}" y="{y}" width="{long:.0f}" height="{BAR}" rx="2"/>',
            _text(LEFT + long + 6, y + 13, f"{figure:,}", "muted"),
        ]
    return parts, height


def _text(x: float, y: float, words: str, style: str) -> str:
    anchor = ' text-anchor="end"' if style == "end" else ""
    return f'<text class="{style}"{anchor} x="{x:.0f}" y="{y:.0f}">{escape(words)}</text>'
