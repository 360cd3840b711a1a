"""Learning: the chapter that shows whether more rows would help."""

from collections.abc import Mapping
from typing import Any

from golive.domain.evidence import Evidence
from golive.evaluation.numbers import number
from golive.evaluation.pages import plots
from golive.evaluation.pages.chapter import Chapter, Drawn
from golive.evaluation.pages.phrases import Say
from golive.evaluation.pages.plots import Band

_FACTOR = 8
"""Row numbers that reach over so many times the first are drawn by factors."""


def learning(evidence: Evidence, say: Say) -> Chapter | None:
    """Draw the metric by the number of rows that were trained on.

    ``details["learning_curve"]`` holds ``rows``, ``metric`` and, for ``train`` and ``test``, ``mean``, ``lower`` and
    ``upper``, all of one length.
    """
    found: Mapping[str, Any] = evidence.details.get("learning_curve") or {}
    if not found.get("rows"):
        return None
    metric = say(f"metric.{found['metric']}")
    rows, test = found["rows"], found["test"]
    plot = plots.bands(
        [_band(rows, test), *([_band(rows, found["train"])] if found.get("train") else [])],
        labels=(say("axis.trained"), metric),
        alt=say(
            "alt.learning",
            metric=metric,
            few=number(rows[0]),
            first=_written(test["mean"][0]),
            many=number(rows[-1]),
            last=_written(test["mean"][-1]),
        ),
        name="learning-curve",
        logarithmic=rows[-1] > _FACTOR * rows[0],
    )
    legend = (("--c0", say("learning.test")), *((("--c1", say("learning.train")),) if found.get("train") else ()))
    drawn = Drawn(caption=say("plot.learning", metric=metric), plot=plot, legend=legend, about=say("bands.about"))
    return Chapter(name="learning", title=say("learning"), about=say("learning.about"), drawn=(drawn,))


def _band(rows: Any, part: Mapping[str, Any]) -> Band:
    known = all(part.get(key) and all(value is not None for value in part[key]) for key in ("lower", "upper"))
    means = [float("nan") if value is None else value for value in part["mean"]]
    return Band(rows, means, *((part["lower"], part["upper"]) if known else ()))


def _written(value: float | None) -> str:
    return "–" if value is None else number(value)
