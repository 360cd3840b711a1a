"""Explained: what a model goes by: contributions over many rows and to single ones, shuffled columns, dependence.

====================  ==================================================================================
``importance.{col}``  share of one column of all contributions (mean size over the explained rows), 0 to 1
====================  ==================================================================================

No finding is made of it: a model that goes by few columns is not a fault.
"""

from typing import Any

import numpy as np

from golive.domain.evidence import Measure
from golive.domain.explanation import Explained
from golive.domain.metric import rule_names
from golive.errors import InvalidRowError
from golive.evaluation.explained.contributed import (
    budget_of,
    chosen_rows,
    inputs_of,
    scale_details,
    shares,
    swarm,
    told_rows,
)
from golive.evaluation.explained.dependence import dates_of, dependence
from golive.evaluation.explained.shuffled import shuffled
from golive.evaluation.moments import moments
from golive.evaluation.roles import Note, note
from golive.evaluation.subject import Section, Subject
from golive.ports import Float64, Int64

_MOST_MEASURES = 1_000
_MOST_LISTED = 100
Contributions = tuple[Float64, Int64, dict[str, Any], tuple[Measure, ...]]
"""Shares ``[inputs]``, the inputs in order of them, what the report draws, and the measures."""


def explained(subject: Subject) -> Section:
    """Say what the model goes by."""
    loss = shuffled(subject)
    found, notes = _contributions_or_why(subject)
    if found is None and loss is None:
        return Section(notes=tuple(notes))
    details: dict[str, Any] = {} if loss is None else {"shuffled": _listed(loss)}
    measures: tuple[Measure, ...] = ()
    if found is not None:
        importance, order, told, measures = found
        details |= told
    else:
        importance = np.array(loss["values"]) if loss else np.zeros(0)
        order = np.argsort(-importance, kind="stable")
    curves, refused = dependence(subject, order.tolist())
    text = "the model refuses values of {columns} beside those of other columns, so no curve of theirs is drawn"
    notes = [*notes, note("mixed_refused", text, columns=", ".join(refused))] if refused else notes
    return Section(measures=measures, details=details | {"dependence": curves}, notes=tuple(notes))


def _contributions_or_why(subject: Subject) -> tuple[Contributions | None, list[Note]]:
    """Give the contributions; where the model refuses what it would have to be asked about, a note instead."""
    try:
        return _contributions(subject), []
    except InvalidRowError as error:
        text = (
            "the model refuses rows whose values are mixed with those of its training rows, so its answers are not "
            "explained: {why}"
        )
        return None, [note("explained_refused", text, why=error.message.rstrip("."))]


def _contributions(subject: Subject) -> Contributions | None:
    explainer, names = subject.explainer, subject.signature.names
    budget = budget_of(explainer, len(names)) if explainer is not None and names else None
    if explainer is None or budget is None or not budget.rows:
        return None
    places = chosen_rows(subject, budget.rows)
    columns = inputs_of(subject, places)
    given = explainer.explain(columns, evaluations=budget.evaluations)
    share, lower, upper = shares(given, subject.seed, None if subject.groups is None else subject.groups[places])
    order = np.argsort(-share, kind="stable")
    ranked = columns | {name: moments(columns[name]).values for name in dates_of(subject)}
    details = {
        **scale_details(given),
        "names": [names[place] for place in order[:_MOST_LISTED]],
        "share": share[order[:_MOST_LISTED]].tolist(),
        "lower": lower[order[:_MOST_LISTED]].tolist(),
        "upper": upper[order[:_MOST_LISTED]].tolist(),
        "columns": len(names),
        "swarm": swarm(given, ranked, names, order),
        "told": told_rows(subject, explainer, budget),
    }
    return share, order, details, _measures(given, names, order, (share, lower, upper))


def _measures(
    given: Explained, names: tuple[str, ...], order: Int64, numbers: tuple[Float64, Float64, Float64]
) -> tuple[Measure, ...]:
    called = rule_names(names)
    share, lower, upper = numbers
    return tuple(
        Measure(
            name=f"importance.{called[place]}",
            value=float(share[place]),
            lower=float(lower[place]),
            upper=float(upper[place]),
            rows=len(given.answers),
            method=f"mean size of {given.method} contributions, rows drawn anew",
        )
        for place in order[:_MOST_MEASURES].tolist()
    )


def _listed(loss: dict[str, Any]) -> dict[str, Any]:
    """Keep the columns whose shuffling matters most."""
    order = np.argsort(-np.array(loss["values"]), kind="stable")[:_MOST_LISTED]
    kept = {key: [loss[key][place] for place in order] for key in ("names", "values", "lower", "upper")}
    return {**loss, **kept}
