"""Measured: the chapter of numbers, each beside those of the baseline and the live model, and the list of every one."""

from collections.abc import Sequence

from golive.domain.digest import short
from golive.domain.evidence import Evidence, Measure
from golive.evaluation.numbers import decimals_of, interval_text, number, value_text
from golive.evaluation.pages.chapter import Chapter
from golive.evaluation.pages.figures import cut, narrow, table
from golive.evaluation.pages.markup import Markup, tag
from golive.evaluation.pages.phrases import Say, together
from golive.evaluation.pages.remarks import remark
from golive.evaluation.pages.slices import slice_text

_ROLES = ("baseline", "champion")
_LISTED = 1500
_CALIBRATION = frozenset({"ece", "calibration.intercept", "calibration.slope"})
_OF_ONE_CLASS = frozenset({"recall", "specificity"})
_ELSEWHERE = ("class", "fairness", "robustness", "slices", "importance", "explain", "drift", "shift")
"""First parts of names that have a chapter of their own."""


def numbers(evidence: Evidence, say: Say) -> Chapter | None:
    """Write value, baseline, live model and paired differences, with intervals, and what was measured besides."""
    if not evidence.measures:
        return None
    champion = say("champion.is", digest=short(evidence.champion)) if evidence.champion else say("champion.none")
    champion = say("champion.self") if evidence.champion == evidence.bundle else champion
    others = _others(evidence)
    free = [say("numbers.free")] if any(_free(name, evidence) for name in paired_rows(evidence)) else []
    return Chapter(
        name="numbers",
        title=say("numbers"),
        about=together(say, say("numbers.about"), say(f"baseline.{_baseline(evidence)}"), *free, champion),
        parts=(
            numbers_table(evidence, say),
            *((tag("h3", say("other")), measures_table(others, say)) if others else ()),
        ),
    )


def _baseline(evidence: Evidence) -> str:
    """Name what the baseline is made of: the training rows, or these very rows where there are no others."""
    of_these = any(note["code"] == "tensors_baseline" for note in evidence.details.get("notes", ()))
    return "constant" if of_these else str(evidence.details.get("task", "regression"))


def every_number(evidence: Evidence, say: Say) -> Chapter | None:
    """List all measures by the names that gate rules use, with the way each interval was made."""
    if not evidence.measures:
        return None
    heads = [say(key) for key in ("rule.name", "value", "interval", "rows", "method", "remark")]
    slices = evidence.details.get("slices", {}).get("slices", ())
    names = {entry["text"]: slice_text(entry, say) for entry in slices}
    rows = [
        (
            tag("code", measure.name),
            Markup(value_text(measure)),
            Markup(interval_text(measure)),
            Markup(number(measure.rows) if measure.rows else ""),
            remark(measure.method, say),
            remark(measure.note, say, names=names),
        )
        for measure in evidence.measures
    ]
    listed = cut(heads, rows, say, most=_LISTED)
    return Chapter(name="every-number", title=say("every"), about=say("every.about"), parts=(listed,))


def paired_rows(evidence: Evidence) -> list[str]:
    """Give the names of the metrics that a baseline or champion was measured on too, in order."""
    names = {measure.name: None for measure in evidence.measures}
    return [name for name in names if any(f"{role}.{name}" in names for role in _ROLES)]


def numbers_table(evidence: Evidence, say: Say) -> Markup:
    """Write the headline table: value, baseline, champion and paired differences, with intervals."""
    found = {measure.name: measure for measure in evidence.measures}
    roles = [role for role in _ROLES if any(name.startswith(f"{role}.") for name in found)]
    heads = [say("measure"), say("model"), *(say(key) for role in roles for key in (role, f"against.{role}"))]
    head = tag("tr", *(tag("th", text, kind="n" if place else None) for place, text in enumerate(heads)))
    rows = [
        tag(
            "tr",
            tag("td", say(f"metric.{name}"), kind="name"),
            _value_cell(found.get(name), say, say("model")),
            *(cell for role in roles for cell in _role_cells(evidence, name, role, say)),
        )
        for name in paired_rows(evidence)
        if name.partition(".")[0] not in _ELSEWHERE
    ]
    return (
        tag("div", tag("table", tag("thead", head), tag("tbody", *rows), kind="stacked"), kind="wide")
        if rows
        else Markup()
    )


def measures_table(measures: Sequence[Measure], say: Say) -> Markup:
    """Write measures that are compared with nothing."""
    keys = ["measure", "value"]
    keys += ["interval"] if any(measure.lower is not None for measure in measures) else []
    keys += ["remark"] if any(measure.note for measure in measures) else []
    rows = [tuple(_measure_cell(measure, key, say) for key in keys) for measure in measures]
    return (table if "remark" in keys else narrow)([say(key) for key in keys], rows)


def hint(measure: Measure, say: Say) -> str | None:
    """Say where a number comes from: method, rows and remark."""
    rows = say("of.rows", rows=number(measure.rows)) if measure.rows else ""
    return say("semicolon").join(filter(None, (remark(measure.method, say), rows, remark(measure.note, say)))) or None


def own_measures(evidence: Evidence) -> list[Measure]:
    """Give what was measured of the model itself, without differences and without what has a chapter of its own."""
    elsewhere = {*_ELSEWHERE, *_ROLES}
    return [m for m in evidence.measures if " - " not in m.name and _family(m.name) not in elsewhere]


def _others(evidence: Evidence) -> list[Measure]:
    paired = set(paired_rows(evidence))
    return [measure for measure in own_measures(evidence) if measure.name not in paired]


def _family(name: str) -> str:
    first, dot, _ = name.partition(".")
    return first if dot else ""


def _measure_cell(measure: Measure, key: str, say: Say) -> str:
    if key == "value":
        return tag("span", value_text(measure), title=hint(measure, say))
    if key == "interval":
        return Markup(interval_text(measure))
    return say(f"metric.{measure.name}") if key == "measure" else remark(measure.note, say)


def _role_cells(evidence: Evidence, name: str, role: str, say: Say) -> tuple[Markup, Markup]:
    other = f"{role}.{name}"
    difference = evidence.find(f"{name} - {other}")
    free = role == "baseline" and _free(name, evidence)
    value = _value_cell(evidence.find(other), say, say(role))
    return value, _difference_cell(difference, say, say(f"against.{role}"), free=free)


def _free(name: str, evidence: Evidence) -> bool:
    """Say whether the baseline, which answers every row alike, has its value for nothing."""
    baseline = evidence.find(f"baseline.{name}")
    if baseline is None:
        return False
    return name in _CALIBRATION or (name in _OF_ONE_CLASS and baseline.value in {0.0, 1.0})


def _value_cell(measure: Measure | None, say: Say, head: str) -> Markup:
    if measure is None:
        return tag("td", "–", kind="n", data_head=head)
    # What has no spread needs no bounds beside it.
    bounds = "" if measure.lower == measure.upper else interval_text(measure)
    return tag("td", value_text(measure), tag("small", bounds), kind="n", data_head=head, title=hint(measure, say))


def _difference_cell(measure: Measure | None, say: Say, head: str, *, free: bool) -> Markup:
    if measure is None:
        return tag("td", "–", kind="n", data_head=head)
    judged = "unclear" if free else _judged(measure)
    mark = {"better": "✓ ", "worse": "✗ ", "unclear": "· "}[judged]
    signed = value_text(measure)
    value = tag(
        "span",
        tag("span", mark, aria_hidden="true"),
        _plus(measure),
        signed,
        kind=judged,
        title=say("free" if free else judged),
    )
    bounds = tag("small", interval_text(measure))
    return tag("td", value, bounds, kind="n", data_head=head, title=hint(measure, say))


def _plus(measure: Measure) -> str:
    return "+" if measure.value > 0 and number(measure.value, decimals_of(measure)).strip("0.") else ""


def _judged(measure: Measure) -> str:
    if measure.better == "none" or measure.lower is None or measure.upper is None:
        return "unclear"
    if measure.lower <= 0.0 <= measure.upper:
        return "unclear"
    return "better" if (measure.lower > 0.0) == (measure.better == "higher") else "worse"
