"""Checks: the chapter about the rows: every column beside training, and the error over time."""

from collections.abc import Mapping, Sequence
from typing import Any

from golive.domain.evidence import Evidence
from golive.evaluation.numbers import number
from golive.evaluation.pages import plots
from golive.evaluation.pages.chapter import Chapter, Drawn
from golive.evaluation.pages.figures import table
from golive.evaluation.pages.markup import Markup, tag
from golive.evaluation.pages.phrases import Say

_BAR, _TALL = 7.0, 26.0


def checks(evidence: Evidence, say: Say) -> Chapter | None:
    """Make the chapter of what the checks saw."""
    details: Mapping[str, Any] | None = evidence.details.get("checks")
    if not details:
        return None
    training = details["training_rows"]
    about = (
        say("chapter.checks.alone", test=number(details["rows"]))
        if training is None
        else say("chapter.checks.about", test=number(details["rows"]), training=number(training))
    )
    return Chapter(
        name="checks",
        title=say("chapter.checks"),
        about=about,
        drawn=_over_time(details, say),
        parts=tuple(_columns(details, say)),
    )


def _over_time(details: Mapping[str, Any], say: Say) -> tuple[Drawn, ...]:
    found: Mapping[str, Any] | None = details.get("time")
    if not found:
        return ()
    error: Sequence[float] = found["error"]
    spans = [float(place + 1) for place in range(len(error))]
    alt = say("checks.time.alt", slices=len(error), first=number(error[0]), last=number(error[-1]))
    labels = (say("checks.time.axis"), say(f"checks.time.error.{details['task']}"))
    band = plots.Band(spans, error, found["lower"], found["upper"])
    words = {"column": found["column"], "first": found["first"], "last": found["last"]}
    share = found["earlier"]
    about = (
        say("checks.time.about.alone", **words)
        if share is None
        else say("checks.time.about", share=f"{share:.1%}", **words)
    )
    plot = plots.bands([band], labels=labels, alt=alt, name="checks-time")
    return (Drawn(caption=say("checks.time"), plot=plot, about=about),)


def _columns(details: Mapping[str, Any], say: Say) -> list[Markup]:
    columns: Sequence[Mapping[str, Any]] = details["columns"]
    if not columns:
        return []
    beside = details["training_rows"] is not None
    compared = any(column["psi"] is not None for column in columns)
    keys = ["distinct", "minimum", "median", "maximum", "outliers", "missing.test"]
    keys += ["missing.training"] if beside else []
    keys += ["psi", "w1"] if compared else []
    heads = [say("column"), say("kind"), *(say(f"checks.{key}") for key in keys), say("checks.shape")]
    rows = [
        (
            column["name"],
            say(f"checks.{column['kind']}"),
            *(_cell(key, column[key.replace(".", "_")]) for key in keys),
            _sketch(column, say),
        )
        for column in columns
    ]
    left = details["all_columns"] - len(columns)
    more = [tag("p", say("checks.columns.more", count=number(left)), kind="quiet")] if left > 0 else []
    return [tag("h3", say("checks.columns")), table(heads, rows), *more]


def _cell(key: str, value: float | None) -> Markup:
    if value is None:
        return Markup("–")
    if key.startswith("missing") or key == "outliers":
        return Markup(f"{value:.1%}")
    return Markup(number(max(value, 0.0), 2) if key in {"psi", "w1"} else number(value))


def _sketch(column: Mapping[str, Any], say: Say) -> Markup:
    """Draw the distribution in a cell: bars for the test rows, a line for training."""
    test: Sequence[float] = column["bars"].get("test", ())
    training: Sequence[float] = column["bars"].get("training", ())
    most = max((*test, *training), default=0.0)
    if not most:
        return Markup()
    heights = [_TALL * share / most for share in test]
    bars = (
        tag(
            "rect",
            x=f"{_BAR * place:g}",
            y=f"{_TALL - height:.1f}",
            width=f"{_BAR - 1:g}",
            height=f"{height:.1f}",
            style="fill: var(--c0); fill-opacity: .55",
        )
        for place, height in enumerate(heights)
        if height
    )
    points = " ".join(
        f"{_BAR * place + (_BAR - 1) / 2:.1f},{_TALL - _TALL * share / most:.1f}"
        for place, share in enumerate(training)
    )
    line = tag("polyline", points=points, style="fill: none; stroke: var(--c1); stroke-width: 1.4") if points else ""
    alt = say("checks.shape.alt", column=column["name"])
    width = _BAR * max(len(test), len(training))
    return tag(
        "svg",
        *bars,
        line,
        role="img",
        aria_label=alt,
        width=f"{width:g}",
        height=f"{_TALL:g}",
        viewBox=f"0 0 {width:g} {_TALL:g}",
    )
