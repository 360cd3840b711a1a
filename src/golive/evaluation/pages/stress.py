"""Stress: the chapter about robustness."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from golive.domain.evidence import Evidence
from golive.domain.metric import better
from golive.evaluation.numbers import alike, number
from golive.evaluation.pages import plots
from golive.evaluation.pages.chapter import Chapter, Drawn
from golive.evaluation.pages.drawing import COLORS
from golive.evaluation.pages.figures import narrow, table
from golive.evaluation.pages.markup import Markup, escape, join, tag
from golive.evaluation.pages.phrases import Say, together
from golive.evaluation.pages.plots import Band

_PLOTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("images", ("image_noise", "occlusion", "brightness", "contrast")),
    ("moved", ("shift",)),
    ("turned", ("rotation",)),
    ("noise", ("noise",)),
    ("cells", ("missing",)),
    ("range", ("out_of_range",)),
    ("texts", ("unseen", "misspelt", "case", "whitespace", "encoding")),
)
_AXES = {"texts": "cells"}
_CAPTIONS = {"noise": "numbers"}
_SHOWN_SINGLES = 20
_ALIKE = 1e-9
_ROUNDED = 0.01


def stress(evidence: Evidence, say: Say) -> Chapter | None:
    """Write how a model stands worse inputs: curves, where the policy breaks, single columns, flips."""
    details: Mapping[str, Any] = evidence.details.get("robustness", {})
    if not details:
        return None
    metric = _metric(details)
    clean = details["clean"].get(metric)
    about = say(
        "stress.about",
        rows=number(details["rows"]),
        metric=say(f"metric.{metric}"),
        clean="–" if clean is None else number(clean),
    )
    return Chapter(
        name="robustness",
        title=say("stress"),
        about=about,
        drawn=(*_drawn_families(details, metric, say), *_drawn_flips(details["flips"], say)),
        parts=(*_remarks(details, say), *_limits(details, say), *_singles(details["singles"], say)),
    )


def _metric(details: Mapping[str, Any]) -> str:
    """Give the first metric that exists on these rows."""
    names: Sequence[str] = details["metrics"]
    return next((name for name in names if details["clean"].get(name) is not None), names[0])


def _drawn_families(details: Mapping[str, Any], metric: str, say: Say) -> list[Drawn]:
    if details["clean"].get(metric) is None:
        return []
    families = {family["name"]: family for family in details["families"]}
    drawn = []
    for group, names in _PLOTS:
        those = [families[name] for name in names if name in families and _measured(families[name], metric)]
        if those:
            drawn.append(_curves(group, those, metric, details["clean"][metric], say))
    return drawn


def _measured(family: Mapping[str, Any], metric: str) -> list[Mapping[str, Any]]:
    return [point for point in family["points"] if metric in point["drops"]]


def _curves(group: str, families: Sequence[Mapping[str, Any]], metric: str, clean: float, say: Say) -> Drawn:
    bands, labels = _merged(families, metric, clean, say)
    furthest = max(float(max(band.x)) for band in bands)
    lines = [
        say(
            "stress.alt.line",
            family=label,
            first=number(band.y[0]),
            weakest=number(band.x[0]),
            last=number(band.y[-1]),
            strongest=number(band.x[-1]),
        )
        for label, band in zip(labels, bands, strict=True)
    ]
    plot = plots.bands(
        bands,
        labels=(say(f"stress.axis.{_AXES.get(group, group)}"), say(f"metric.{metric}")),
        alt=say("stress.alt", metric=say(f"metric.{metric}"), lines=together(say, *lines)),
        name=f"stress-{group}",
        reference=([0.0, furthest], [clean, clean]),
    )
    legend = [(f"--c{place % COLORS}", label) for place, label in enumerate(labels)]
    return Drawn(
        caption=say(f"stress.{_CAPTIONS.get(group, group)}"),
        plot=plot,
        legend=tuple(legend) if len(families) > 1 else (),
    )


def _merged(families: Sequence[Mapping[str, Any]], metric: str, clean: float, say: Say) -> tuple[list[Band], list[str]]:
    """Give the curves and their labels; curves that would hide one another are one with the labels of all."""
    bands: list[Band] = []
    labels: list[list[str]] = []
    for family in families:
        band, label = _band(family, metric, clean), _family(family["name"], say)
        same = next((place for place, other in enumerate(bands) if _alike(band, other)), None)
        if same is None:
            bands.append(band)
            labels.append([label])
        else:
            labels[same].append(label)
    return bands, [say("comma").join(those) for those in labels]


def _alike(one: Band, other: Band) -> bool:
    points = (np.asarray([band.x, band.y], dtype=np.float64) for band in (one, other))
    first, second = points
    return first.shape == second.shape and bool(np.allclose(first, second, rtol=0.0, atol=_ALIKE, equal_nan=True))


def _band(family: Mapping[str, Any], metric: str, clean: float) -> Band:
    points = _measured(family, metric)
    scale = 100.0 if family["form"] == "share" else 1.0
    sign = -1.0 if better(metric) == "higher" else 1.0
    drops = np.array([point["drops"][metric]["value"] for point in points])
    ends = np.array([[_bound(point["drops"][metric], key) for key in ("lower", "upper")] for point in points])
    low, high = (clean + sign * ends).min(axis=1), (clean + sign * ends).max(axis=1)
    return Band(
        x=[0.0, *(scale * point["strength"] for point in points)],
        y=[clean, *(clean + sign * drops).tolist()],
        lower=[clean, *low.tolist()],
        upper=[clean, *high.tolist()],
    )


def _bound(drop: Mapping[str, float | None], key: str) -> float:
    found = drop[key]
    return float(drop["value"] or 0.0) if found is None else found


def _drawn_flips(flips: Mapping[str, Any], say: Say) -> list[Drawn]:
    steps: Sequence[Mapping[str, Any]] = flips["steps"]
    if not steps:
        return []
    kind = "flips" if flips["kind"] == "flips" else "change"
    strengths, values, lower, upper = ([step[key] for step in steps] for key in ("strength", "value", "lower", "upper"))
    bounded = all(bound is not None for bound in lower)
    band = Band(x=strengths, y=values, lower=lower if bounded else None, upper=upper if bounded else None)
    written = [_amount(value, kind) for value in values]
    plot = plots.bands(
        [band],
        labels=(say("stress.axis.flips"), say("stress.axis.flipped" if kind == "flips" else "stress.axis.changed")),
        alt=say(
            f"stress.{kind}.alt",
            first=written[0],
            weakest=number(strengths[0]),
            last=written[-1],
            strongest=number(strengths[-1]),
        ),
        name="stress-flips",
    )
    about = say(f"stress.{kind}.about", rows=number(flips["rows"]), columns=number(flips["columns"]))
    return [Drawn(caption=say(f"stress.{kind}"), plot=plot, about=together(say, about, _easiest(flips, kind, say)))]


def _easiest(flips: Mapping[str, Any], kind: str, say: Say) -> str:
    if not flips["by_column"]:
        return say(f"stress.{kind}.none")
    first = flips["by_column"][0]
    value = first["value"] if kind == "flips" else number(first["value"])
    return say(f"stress.{kind}.easiest", column=first["column"], strength=number(first["strength"]), value=value)


def _amount(value: float, kind: str) -> str:
    return f"{value:.1%}" if kind == "flips" else number(value)


def _remarks(details: Mapping[str, Any], say: Say) -> list[Markup]:
    found = []
    for key in ("refused", "broken"):
        parts = [
            say(
                "stress.refused.part",
                family=_family(family["name"], say),
                strength=_strength(family, point),
                share=point[key],
            )
            for family in details["families"]
            for point in family["points"]
            if point[key]
        ]
        if parts:
            found.append(tag("p", say(f"stress.{key}", parts=say("comma").join(parts)), kind="quiet"))
    return found


def _limits(details: Mapping[str, Any], say: Say) -> list[Markup]:
    limits: Sequence[Mapping[str, Any]] = details["limits"]
    if not limits:
        return []
    heads = [say(key) for key in ("stress.rule", "stress.clean", "stress.breaks")]
    rows = [(tag("code", limit["rule"]), Markup(number(limit["clean"])), _breaks(limit, say)) for limit in limits]
    written = [tag("h3", say("stress.limits")), table(heads, rows)]
    if details["unfollowed"]:
        written.append(tag("p", say("stress.unfollowed", rules=say("comma").join(details["unfollowed"])), kind="quiet"))
    return written


def _breaks(limit: Mapping[str, Any], say: Say) -> str:
    if not limit["holds"]:
        return say("stress.breaks.already")
    parts = [
        say(
            "stress.breaks.part",
            family=_family(found["family"], say),
            strength=_strength(found, found),
            value=_rests(found, say),
        )
        for found in limit["breaks"]
    ]
    return say("comma").join(parts) if parts else say("stress.breaks.none")


def _rests(found: Mapping[str, Any], say: Say) -> str:
    """Say the value of a rule, and on which rows it rests where a server would refuse some."""
    value = say("stress.nothing") if found["value"] is None else number(found["value"])
    share = found.get("answered", 1.0)
    return value if share >= 1.0 else say("stress.rests", value=value, share=_share(share))


def _share(share: float) -> str:
    """Write a share of rows that is neither none nor all."""
    return f"{share:.0%}" if _ROUNDED <= share <= 1.0 - _ROUNDED else f"{share:.1%}"


def _singles(singles: Mapping[str, Any], say: Say) -> list[Markup]:
    rows: Sequence[Mapping[str, Any]] = singles["table"][:_SHOWN_SINGLES]
    if not rows:
        return []
    with_ratio = any(row["ratio"] is not None for row in rows)
    heads = ["stress.column", "stress.kind", "stress.drop", "interval"]
    heads += ["stress.ratio"] if with_ratio else []
    heads += ["stress.refused.head"] if any(row["refused"] for row in rows) else []
    about = say(
        "stress.singles.about",
        rows=number(singles["rows"]),
        shown=number(len(rows)),
        tried=number(singles["tried"]),
        metric=say(f"metric.{singles['metric']}"),
    )
    body = [tuple(_cell(row, key, say) for key in heads) for row in rows]
    return [tag("h3", say("stress.singles")), tag("p", about, kind="quiet"), narrow([say(key) for key in heads], body)]


def _cell(row: Mapping[str, Any], key: str, say: Say) -> str:
    match key:
        case "stress.column":
            return " ↔ ".join(row["columns"])
        case "stress.kind":
            return say(f"stress.kind.{row['kind']}", stress=row["stress"])
        case "stress.drop":
            return _drop(row, say)
        case "interval":
            return Markup(alike(row["drop"], row["lower"], row["upper"])[1])
        case "stress.ratio":
            return Markup(_or_dash(row["ratio"]))
    return Markup(_share(row["refused"]) if 0.0 < row["refused"] < 1.0 else f"{row['refused']:.0%}")


def _drop(row: Mapping[str, Any], say: Say) -> Markup:
    value = say("stress.nothing") if row["broken"] else alike(row["drop"], row["lower"], row["upper"])[0]
    if not 0.0 < row["refused"] < 1.0:
        return escape(value)
    return join(value, tag("small", say("stress.answered", share=_share(1.0 - row["refused"])), kind="about"))


def _or_dash(value: float | None) -> str:
    return "–" if value is None else number(value)


def _family(name: str, say: Say) -> str:
    return say(f"stress.family.{name}")


def _strength(form: Mapping[str, Any], point: Mapping[str, Any]) -> str:
    return f"{100 * point['strength']:g} %" if form["form"] == "share" else number(point["strength"])
