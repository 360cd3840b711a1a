"""Hidden missing: values that stand for "missing", such as -999 far from all others, or the text "unknown"."""

import re
from collections.abc import Sequence

import numpy as np

from golive.evaluation.checks.found import Outcome, Sighting, finding, seen_in
from golive.evaluation.checks.looked import Looked, Seen
from golive.evaluation.spoilt import Spoilt, unlearned
from golive.ports import Float64

_LEAST_SHARE = 0.005
_FEWEST = 5
_LEAST_REST = 20
_LEAST_VALUES = 3
_MANY_VALUES = 10
_MOST_NONE = 0.1
"""A "none" that is more frequent than this is what the column is about."""
_FAR = 1.5
_FAR_ZERO = 1.25
_SMALL_CODES = frozenset({-9.0, -8.0, -7.0, 9.0, 99.0, -99.0, -98.0, -88.0, -77.0})
_STORAGE = frozenset({-32768.0, 32767.0, 65535.0, -2147483648.0, 2147483647.0, 4294967295.0})
_REPEATED = re.compile(r"9{3,}|8{3,}|7{3,}|9{2,}[678]")
_WORDS = frozenset(
    {
        *("unknown", "unk", "n/a", "na", "n.a.", "#n/a", "nan", "null", "missing", "undefined", "not available"),
        *("not known", "not specified", "unspecified", "not given", "not stated", "no answer", "?", "??", "-", "--"),
        *("---", "", "(missing)", "(unknown)", "[null]", "<na>", "<unknown>", "#null!", "nil", "tbd"),
        *("未知", "不详", "缺失", "空", "空值", "不明", "无数据", "未填写", "未提供", "未知晓", "暂无", "未说明"),
    }
)
_MAYBE = frozenset({"none", "nothing", "无", "没有"})
_LARGEST_WHOLE = 1e15


def hidden_missing(looked: Looked) -> Outcome:
    """Find values that stand for missing ones among the columns that the model reads."""
    found = [result for seen in looked.columns for result in (_numbers(seen) if seen.texts is None else _texts(seen))]
    severe = sorted(found, key=lambda one: one.finding.severity != "warn")
    return seen_in("hidden_missing", severe)


def _numbers(seen: Seen) -> list[Sighting]:
    values = seen.both[np.isfinite(seen.both)]
    distinct, counts = np.unique(values, return_counts=True)
    often = counts >= max(_FEWEST, _LEAST_SHARE * len(values))
    candidates = [float(value) for value in distinct[often] if _is_code(float(value))]
    if not candidates:
        return []
    rest, weights = distinct[~np.isin(distinct, candidates)], counts[~np.isin(distinct, candidates)].astype(np.float64)
    if weights.sum() < _LEAST_REST or len(rest) < _LEAST_VALUES:
        return []
    found = []
    for value in candidates:
        severity = _apart(value, rest, weights, len(values))
        if severity is None:
            continue
        told = finding(
            "hidden_missing",
            "zero" if value == 0 else "code",
            "note" if severity == "note" else "warn",
            columns=(seen.name,),
            column=seen.name,
            value=value,
            share=float(counts[distinct == value][0] / len(seen.both)),
            low=float(rest[0]),
            high=float(rest[-1]),
        )
        meant = Spoilt(column=seen.name, value=value)
        blameless = told.severity == "warn" and unlearned(meant, seen.field, seen.training)
        found.append(Sighting(finding=told, spoilt=meant if blameless else None))
    return found


def _is_code(value: float) -> bool:
    if value in {0.0, -1.0} or value in _SMALL_CODES or value in _STORAGE:
        return True
    size = abs(value)
    return size <= _LARGEST_WHOLE and size == np.floor(size) and _REPEATED.fullmatch(f"{size:.0f}") is not None


def _apart(value: float, rest: Float64, weights: Float64, rows: int) -> str | None:
    """Say how grave it is that a value lies beyond all others; None where it does not."""
    outside = value < rest[0] or value > rest[-1]
    if not outside:
        return None
    if value < 0.0 <= rest[0] and len(rest) >= _MANY_VALUES:
        return "warn"
    gap = rest[0] - value if value < rest[0] else value - rest[-1]
    reach = _reach(rest, weights)
    if value == 0.0:
        common = weights.sum() >= 0.5 * rows and len(rest) >= _MANY_VALUES
        return "note" if common and rest[0] > 0 and gap >= _FAR_ZERO * reach else None
    return "warn" if gap >= _FAR * reach and gap > 1.0 else None


def _reach(values: Float64, weights: Float64) -> float:
    """Give the range of the middle half, or a quarter of the whole where that is nothing."""
    order = np.cumsum(weights) / weights.sum()
    low, high = (float(values[np.searchsorted(order, level)]) for level in (0.25, 0.75))
    return max(high - low, 0.25 * float(values[-1] - values[0]))


def _texts(seen: Seen) -> list[Sighting]:
    texts: Sequence[str] = seen.texts or ()
    marked = [place for place, text in enumerate(texts) if _folded(text) in _WORDS or _folded(text) in _MAYBE]
    if not marked:
        return []
    codes = seen.both
    rows, found = len(codes), []
    for place in marked:
        count = int((codes == place).sum())
        if count < _FEWEST or count < _LEAST_SHARE * rows:
            continue
        sure = _folded(texts[place]) in _WORDS
        if not sure and count > _MOST_NONE * rows:
            continue
        told = finding(
            "hidden_missing",
            "word" if sure else "none",
            "warn" if sure else "note",
            columns=(seen.name,),
            column=seen.name,
            value=texts[place],
            share=count / rows,
        )
        found.append(Sighting(finding=told))
    return found


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
