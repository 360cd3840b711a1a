"""Chapter: one part of a report as a value: its plots, which a notebook can show too, and its tables."""

from collections.abc import Callable

import msgspec

from golive.domain.evidence import Evidence
from golive.evaluation.pages.drawing import Plot, svg
from golive.evaluation.pages.markup import Markup, join, tag
from golive.evaluation.pages.phrases import Say


class Drawn(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A plot with its words."""

    caption: str
    plot: Plot
    legend: tuple[tuple[str, str], ...] = ()
    """CSS variable of a color, such as ``--c0``, and what it stands for."""
    about: str = ""
    page: Markup | None = None
    """What a page shows in the plot's place, such as a table that can be read aloud."""


class Chapter(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A section of the report."""

    name: str
    """Its anchor in the page, such as ``fairness``."""
    title: str
    about: str = ""
    """What is measured here and how to read it, in a sentence or two."""
    drawn: tuple[Drawn, ...] = ()
    parts: tuple[Markup, ...] = ()
    """Tables, lists and remarks, below the plots."""


Page = Callable[[Evidence, Say], Chapter | None]
"""Makes a chapter of what an Evidence holds; None where it holds nothing of the kind."""


def written(chapter: Chapter) -> Markup:
    """Write a chapter as HTML."""
    return tag(
        "section",
        tag("h2", chapter.title),
        tag("p", chapter.about, kind="quiet") if chapter.about else Markup(),
        tag("div", *map(figure, chapter.drawn), kind="plots") if chapter.drawn else Markup(),
        *chapter.parts,
        id=chapter.name,
    )


def figure(drawn: Drawn) -> Markup:
    """Write a plot with its caption, legend and remark."""
    about = tag("p", drawn.about, kind="quiet") if drawn.about else Markup()
    shown = svg(drawn.plot) if drawn.page is None else drawn.page
    return tag("figure", tag("figcaption", drawn.caption), shown, legend(drawn.legend), about)


def legend(entries: tuple[tuple[str, str], ...]) -> Markup:
    """Write what colors stand for."""
    swatches = (
        tag("li", tag("i", style=f"background: var({color})", aria_hidden="true"), text) for color, text in entries
    )
    return tag("ul", *swatches, kind="legend") if entries else join()
