"""Latency: the chapter that shows how long answers take, by the number of rows asked about at once."""

from collections.abc import Mapping
from typing import Any

from golive.domain.evidence import Evidence
from golive.evaluation.numbers import number
from golive.evaluation.pages import plots
from golive.evaluation.pages.chapter import Chapter, Drawn
from golive.evaluation.pages.figures import narrow
from golive.evaluation.pages.markup import Markup
from golive.evaluation.pages.phrases import Say
from golive.evaluation.pages.plots import Band


def latency(evidence: Evidence, say: Say) -> Chapter | None:
    """Draw median and 99th percentile by the size of a batch.

    ``details["latency"]`` holds ``batch``, ``p50_ms``, ``p99_ms`` and ``rows_per_s``, all of one length.
    """
    found: Mapping[str, Any] = evidence.details.get("latency") or {}
    if not found.get("batch"):
        return None
    plot = plots.bands(
        [Band(found["batch"], found["p50_ms"]), Band(found["batch"], found["p99_ms"])],
        labels=(say("axis.batch"), say("axis.ms")),
        alt=say(
            "alt.latency",
            batch=number(found["batch"][0]),
            first=number(found["p99_ms"][0]),
            most=number(found["batch"][-1]),
            last=number(found["p99_ms"][-1]),
        ),
        name="latency",
        logarithmic=len(found["batch"]) > 1,
    )
    keys = ("batch", "p50_ms", "p99_ms", "rows_per_s")
    rows = [tuple(Markup(number(value)) for value in row) for row in zip(*(found[key] for key in keys), strict=True)]
    return Chapter(
        name="latency",
        title=say("latency"),
        about=say("latency.about"),
        drawn=(
            Drawn(
                caption=say("plot.latency"),
                plot=plot,
                legend=(("--c0", say("latency.p50")), ("--c1", say("latency.p99"))),
            ),
        ),
        parts=(narrow([say(f"head.{key}") for key in keys], rows, numeric_first=True),),
    )
