"""Found: gaps between groups that chance does not explain and that are large enough to matter, as findings.

Chance alone shows any finding at all in about one of a thousand evaluations: the error is divided by every ordered pair
of groups of every column and pair of columns, for each kind of gap that is looked for. With very few rows the tails of
the intervals are a little thin; simulated evaluations then had a finding in at most two of a thousand.

A ratio whose interval on the page lies below four fifths is a note where that stricter level is not reached: the page
must not show a gap that the findings deny.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np

from golive.domain.finding import Finding
from golive.evaluation.groups.classified import hits, selections
from golive.evaluation.groups.gaps import comparable
from golive.evaluation.groups.membership import Grouping
from golive.evaluation.groups.outcomes import Tally
from golive.evaluation.groups.regressed import chosen_means, means_by_group
from golive.ports import Float64
from golive.statistics.groups import Extremes, least_tail, mean_difference, share_difference, share_ratio
from golive.statistics.metrics import Bool

FOUR_FIFTHS = 0.8
"""The ratio of selection rates below which one asks for reasons."""
_LARGE_TPR = 0.1
_LARGE_BIAS = 0.25
"""Of the root mean squared error of all rows."""
_ERROR = 0.001

RATIO = (
    "{label}: the favorable answer {favorable!r} is given to {least_value:.1%} of {least} and to {most_value:.1%} of "
    "{most}, a ratio of {value:.2f} ({lower:.2f} to {upper:.2f}), below four fifths; look for its reasons, or weigh "
    "the mitigations of the chapter on fairness"
)
LIKELY = (
    "{label}: the favorable answer {favorable!r} is given to {least_value:.1%} of {least} and to {most_value:.1%} of "
    "{most}, a ratio of {value:.2f} ({lower:.2f} to {upper:.2f}), which is below four fifths; chance alone would show "
    "as much in fewer than 1 of 20 tables; more rows would settle it"
)
TPR = (
    "{label}: of those whose true class is {favorable!r}, {least_value:.1%} of {least} and {most_value:.1%} of {most} "
    "are given it, a difference of {value:.2f} ({lower:.2f} to {upper:.2f}); look for its reasons, or weigh the "
    "mitigations of the chapter on fairness"
)
ERROR = (
    "{label}: predictions for {least} are off by {least_value:.4g} on average and for {most} by {most_value:.4g}, a "
    "difference of {value:.4g} ({lower:.4g} to {upper:.4g}); look for what the model lacks about these rows"
)


class Test(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One kind of gap in one grouping that is looked for."""

    code: str
    grouping: Grouping
    chosen: Bool
    values: Float64
    """Of all groups."""
    measured: Callable[[float | None], Extremes | None]
    """Compares the chosen groups, at a tail probability."""
    large: Callable[[Extremes], bool]
    """Whether the gap is beyond doubt at that tail probability, and large."""
    text: str
    likely: str = ""
    """The sentence of a gap that only its interval on the page shows; empty: none is made."""
    facts: dict[str, Any] = {}


def classified_tests(counts: Tally, grouping: Grouping, favorable: str) -> list[Test]:
    """Look at selection rates (four fifths) and true positive rates."""
    (selected, chosen), (deserving, others) = selections(counts, grouping), hits(counts, grouping)
    facts = {"favorable": favorable}
    return [
        Test(
            code="ratio",
            grouping=grouping,
            chosen=chosen,
            values=selected.above / np.maximum(selected.rows, 1),
            measured=lambda tail: share_ratio(*selected.some(chosen), tail, selected.units_of(chosen)),
            large=lambda found: found.upper < FOUR_FIFTHS,
            text=RATIO,
            likely=LIKELY,
            facts=facts,
        ),
        Test(
            code="tpr",
            grouping=grouping,
            chosen=others,
            values=deserving.above / np.maximum(deserving.rows, 1),
            measured=lambda tail: share_difference(*deserving.some(others), tail, deserving.units_of(others)),
            large=lambda found: found.lower > 0.0 and found.value > _LARGE_TPR,
            text=TPR,
            facts=facts,
        ),
    ]


def regressed_tests(truth: Float64, predicted: Float64, grouping: Grouping) -> list[Test]:
    """Look at mean errors."""
    errors, chosen = predicted - truth, comparable(grouping)
    means = means_by_group(errors, grouping)
    least = _LARGE_BIAS * float(np.sqrt(np.mean(errors**2)))
    return [
        Test(
            code="error",
            grouping=grouping,
            chosen=chosen,
            values=means.values,
            measured=lambda tail: mean_difference(chosen_means(means, chosen), tail),
            large=lambda found: found.lower > 0.0 and found.value > least,
            text=ERROR,
        )
    ]


def findings_of(tests: Sequence[Test]) -> list[Finding]:
    """Give what is found; a pair of columns only where neither of the two is found by itself."""
    tests = [test for test in tests if test.chosen.sum() > 1]
    looks = sum(int(test.chosen.sum()) * (int(test.chosen.sum()) - 1) for test in tests)
    found: list[Finding] = []
    for test in tests:
        told = any(one.code == test.code and set(one.columns) <= set(test.grouping.columns) for one in found)
        finding = None if told else _finding(test, looks)
        found += [] if finding is None else [finding]
    for test in tests:
        told = any(
            one.code in {test.code, "likely"} and set(one.columns) <= set(test.grouping.columns) for one in found
        )
        finding = None if told or not test.likely else _likely(test)
        found += [] if finding is None else [finding]
    return found


def _finding(test: Test, looks: int) -> Finding | None:
    def shown(tail: float) -> bool:
        found = test.measured(tail)
        return found is not None and test.large(found)

    tail = _ERROR / looks
    usual = test.measured(None)
    if usual is None or not shown(tail):
        return None
    values = _values(test, usual)
    return Finding(
        kind="group_gap",
        severity="warn",
        code=test.code,
        text=test.text.format(**values),
        values=values,
        columns=test.grouping.columns,
        p=min(least_tail(shown, tail) * looks, 1.0),
    )


def _likely(test: Test) -> Finding | None:
    usual = test.measured(None)
    if usual is None or not test.large(usual):
        return None
    values = _values(test, usual)
    return Finding(
        kind="group_gap",
        severity="note",
        code="likely",
        text=test.likely.format(**values),
        values=values,
        columns=test.grouping.columns,
    )


def _values(test: Test, usual: Extremes) -> dict[str, Any]:
    places = np.flatnonzero(test.chosen)
    least, most = int(places[usual.least]), int(places[usual.most])
    return {
        "label": test.grouping.label,
        **test.facts,
        "least": test.grouping.names[least],
        "most": test.grouping.names[most],
        "least_value": float(test.values[least]),
        "most_value": float(test.values[most]),
        "value": usual.value,
        "lower": usual.lower,
        "upper": usual.upper,
    }
