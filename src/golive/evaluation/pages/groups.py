"""Groups: the chapter on fairness."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from golive.domain.evidence import Evidence
from golive.evaluation.numbers import number
from golive.evaluation.pages import plots
from golive.evaluation.pages.chapter import Chapter, Drawn
from golive.evaluation.pages.figures import table
from golive.evaluation.pages.markup import Markup, join, tag
from golive.evaluation.pages.phrases import Say, together

_TABLES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "classification": (
        ("base_rate", "selection_rate", "tpr", "fpr"),
        ("precision", "accuracy", "calibration", "ece"),
    ),
    "regression": (("mean_error", "rmse", "mean_prediction", "mean_truth"),),
}
"""Narrow enough for a page."""
_DRAWN: Mapping[str, tuple[str, ...]] = {
    "classification": ("selection_rate", "tpr", "fpr", "precision", "calibration"),
    "regression": ("mean_error", "rmse"),
}
_DRAWN_COLUMNS = 2
_DRAWN_PAIRS = 2
_FOUR_FIFTHS = 0.8
_CROSS = " × "
_AROUND_ZERO = frozenset({"calibration", "mean_error"})
_RATIOS = frozenset({"selection_ratio", "tpr_ratio", "fpr_ratio", "rmse_ratio"})
_SHOWN_PAIR_GAPS = ("selection_ratio", "tpr_difference", "fpr_difference", "error_difference", "rmse_ratio")
_MANY_CLASSES = 2

Detail = Mapping[str, Any]


def groups(evidence: Evidence, say: Say) -> Chapter | None:
    """Write ``details["fairness"]``, and what ``details["reweighting"]`` adds to the mitigations."""
    found: Detail = evidence.details.get("fairness") or {}
    if not found.get("columns"):
        return None
    drawn = [one for part in found["columns"][:_DRAWN_COLUMNS] for one in _plots(part, found, say)]
    first = _DRAWN[found["task"]][:1]
    drawn += [one for part in found["pairs"][:_DRAWN_PAIRS] for one in _plots(part, found, say, first)]
    abouts = [say(f"fairness.about.{found['task']}", favorable=found.get("favorable"), target=found.get("target"))]
    abouts += [say("fairness.assumed", favorable=found["favorable"])] if found.get("assumed") else []
    abouts += [say("fairness.of_class")] if found.get("classes", 0) > _MANY_CLASSES else []
    about = together(say, *abouts)
    parts = [*(_column(part, say) for part in found["columns"]), _pairs(found["pairs"], say)]
    tables = [*found.get("thresholds", ()), *(evidence.details.get("reweighting") or {}).get("tables", ())]
    parts.append(_mitigations(tables, found.get("favorable", ""), say))
    return Chapter(name="fairness", title=say("fairness"), about=about, drawn=tuple(drawn), parts=tuple(parts))


def _plots(part: Detail, found: Detail, say: Say, rates: Sequence[str] = ()) -> list[Drawn]:
    shown = rates or _DRAWN[found["task"]]
    return [_plot(part, rate, say) for rate in shown]


def _plot(part: Detail, rate: str, say: Say) -> Drawn:
    rows: Sequence[Detail] = part["groups"]
    values, lower, upper = (
        np.array([np.nan if row[rate][key] is None else row[rate][key] for row in rows], dtype=np.float64)
        for key in ("value", "lower", "upper")
    )
    names = [_crossed(row["name"], say) for row in rows]
    muted = [not row["compared"] for row in rows]
    words = {"rate": say(f"rate.{rate}"), "label": _label(part, say)}
    caption = say("plot.fairness", **words)
    fifths = _four_fifths(rows) if rate == "selection_rate" else None
    plot = plots.intervals(
        names,
        values,
        lower,
        upper,
        labels=(words["rate"], ""),
        alt=_alt(names, values, words, say),
        name=f"fairness-{'-'.join(part['columns'])}-{rate}",
        reference=0.0 if rate in _AROUND_ZERO else fifths,
        muted=muted,
    )
    abouts = [say("fairness.line")] if fifths is not None else []
    abouts += [say("fairness.muted")] if any(muted) else []
    return Drawn(caption=caption, plot=plot, about=together(say, *abouts) if abouts else "")


def _four_fifths(rows: Sequence[Detail]) -> float | None:
    rates = [row["selection_rate"]["value"] for row in rows if row["compared"]]
    return _FOUR_FIFTHS * max(rates) if len(rates) > 1 else None


def _alt(names: Sequence[str], values: Any, words: Mapping[str, str], say: Say) -> str:
    if not np.isfinite(values).any():
        return say("alt.fairness.none", **words)
    least, most = int(np.nanargmin(values)), int(np.nanargmax(values))
    ends = {"low": number(values[least], 3), "high": number(values[most], 3)}
    return say("alt.fairness", least=names[least], most=names[most], **ends, **words)


def _name(row: Detail, say: Say) -> str:
    name = _crossed(row["name"], say)
    return name if row["compared"] else say("fairness.few" if row["few"] else "fairness.apart", name=name)


def _label(part: Detail, say: Say) -> str:
    return say("fairness.cross").join(part["columns"])


def _crossed(name: object, say: Say) -> str:
    """Write the name of a group of two columns as the language writes it."""
    return str(name).replace(_CROSS, say("fairness.cross"))


def _against(gap: Detail, say: Say) -> str:
    return say("fairness.against", least=_crossed(gap["least"], say), most=_crossed(gap["most"], say))


def _column(part: Detail, say: Say) -> Markup:
    read = tag("p", say("fairness.read", label=part["label"])) if part.get("read") else Markup()
    title = tag("h3", say("fairness.by", label=part["label"]))
    return join(title, read, _rates(part, say), _gaps(part, say), _proxies(part, say))


def _rates(part: Detail, say: Say) -> Markup:
    first = part["groups"][0]
    shown = (keys for tables in _TABLES.values() for keys in tables if keys[0] in first)
    return join(*(_rate_table(part["groups"], keys, say) for keys in shown))


def _rate_table(rows: Sequence[Detail], keys: Sequence[str], say: Say) -> Markup:
    heads = (say("fairness.group"), say("rows"), *(say(f"rate.{key}") for key in keys))
    cells = [(_name(row, say), Markup(number(row["rows"])), *(_cell(row[key]) for key in keys)) for row in rows]
    return table(heads, cells)


def _gaps(part: Detail, say: Say) -> Markup:
    if not part["gaps"]:
        return tag("p", say("fairness.nothing"), kind="quiet")
    heads = [say(f"fairness.{key}") for key in ("gap",)]
    heads += [say("value"), say("interval"), say("fairness.between"), say("fairness.reading")]
    rows = [
        (
            say(f"gap.{gap['name']}"),
            Markup(_written(gap["value"])),
            Markup(_ends(gap)),
            _against(gap, say),
            _reading(gap, say),
        )
        for gap in part["gaps"]
    ]
    return table(heads, rows)


def _reading(gap: Detail, say: Say) -> str:
    # An end that is no number is open.
    lower = -math.inf if gap["lower"] is None else gap["lower"]
    upper = math.inf if gap["upper"] is None else gap["upper"]
    if gap["name"] == "selection_ratio":
        side = "below" if upper < _FOUR_FIFTHS else "above" if lower >= _FOUR_FIFTHS else "unclear"
        return say(f"fairness.four_fifths.{side}")
    clear = upper < 1.0 if gap["name"] in _RATIOS else lower > 0.0
    return say("fairness.clear" if clear else "fairness.unclear")


def _proxies(part: Detail, say: Say) -> Markup:
    told = [one for one in part.get("proxies", ()) if one["strength"] > 0.0]
    if not told:
        return Markup()
    rows = [(one["column"], Markup(number(one["strength"], 2)), Markup(f"{one['explained']:.1%}")) for one in told]
    heads = [say(f"fairness.{key}") for key in ("column", "strength", "explained")]
    title = tag("summary", say("fairness.proxies", label=part["label"]))
    return tag("details", title, tag("p", say("fairness.proxies.about"), kind="quiet"), table(heads, rows))


def _pairs(pairs: Sequence[Detail], say: Say) -> Markup:
    if not pairs:
        return Markup()
    heads = [say("fairness.pair"), say("fairness.gap"), say("value"), say("interval"), say("fairness.between")]
    rows = [
        (
            _label(part, say),
            say(f"gap.{gap['name']}"),
            Markup(_written(gap["value"])),
            Markup(_ends(gap)),
            _against(gap, say),
        )
        for part in pairs
        for gap in part["gaps"]
        if gap["name"] in _SHOWN_PAIR_GAPS
    ]
    inside = (tag("details", tag("summary", _label(part, say)), _rates(part, say)) for part in pairs)
    compared = table(heads, rows) if rows else tag("p", say("fairness.nothing"), kind="quiet")
    return join(tag("h3", say("fairness.pairs")), compared, *inside)


def _mitigations(tables: Sequence[Detail], favorable: str, say: Say) -> Markup:
    if not tables:
        return Markup()
    gaps = [key for key in ("selection_ratio", "tpr_difference") if any(key in one for one in tables)]
    costly = any("cost" in one for one in tables)
    heads = [say("fairness.goal"), say("fairness.pair"), say("rows"), *(say(f"closed.{key}") for key in gaps)]
    heads += [say("fairness.change"), *([say("fairness.cost")] if costly else [])]
    rows = [
        (
            say(f"goal.{one['goal']}"),
            _crossed(one["label"], say),
            Markup(number(one["rows"])),
            *(_moved(one.get(key), say) for key in gaps),
            _cell(one["accuracy"]["change"]),
            *([_cell(one["cost"]["change"]) if "cost" in one else Markup("–")] if costly else []),
        )
        for one in tables
    ]
    about = tag("p", say("fairness.mitigations.about"), kind="quiet")
    title = tag("h3", say("fairness.mitigations"))
    return join(title, about, table(heads, rows), _thresholds(tables, favorable, say))


def _thresholds(tables: Sequence[Detail], favorable: str, say: Say) -> Markup:
    rows = [
        (
            say(f"goal.{one['goal']}"),
            _crossed(one["label"], say),
            _crossed(group["name"], say),
            Markup(_arrow(group["before"], group["after"], say)),
        )
        for one in tables
        for group in one["groups"]
    ]
    if not rows:
        return Markup()
    title = tag("summary", say("fairness.thresholds", favorable=favorable))
    heads = [say("fairness.goal"), say("fairness.pair"), say("fairness.group"), say("fairness.threshold")]
    return tag("details", title, table(heads, rows))


def _moved(gap: Detail | None, say: Say) -> Markup:
    if gap is None:
        return Markup("–")
    small = tag("small", f"({_ends(gap['before'])} → {_ends(gap['after'])})")
    return join(_arrow(gap["before"]["value"], gap["after"]["value"], say), " ", small)


def _arrow(before: float, after: float, say: Say) -> str:
    return say("fairness.before_after", before=_written(before), after=_written(after))


def _cell(figure: Detail) -> Markup:
    ends = _ends(figure)
    return join(_written(figure["value"]), tag("small", f" ({ends})")) if ends else Markup(_written(figure["value"]))


def _ends(figure: Detail) -> str:
    known: Iterable[float | None] = (figure["lower"], figure["upper"])
    texts = [_written(value) for value in known]
    return "" if figure["lower"] is None else " … ".join(texts)


def _written(value: float | None) -> str:
    if value is None:
        return "–"
    return number(value, 3) if abs(value) <= 1 else number(value)
