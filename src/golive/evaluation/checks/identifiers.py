"""Identifiers: columns that only number or name the rows, which a model can learn by heart and nothing from."""

import numpy as np

from golive.domain.finding import Finding
from golive.evaluation.checks.found import Outcome, few, finding, too_few
from golive.evaluation.checks.looked import Looked, Seen
from golive.ports import Float64

_FEWEST = 50
_DISTINCT_NUMBERS = 0.999
_DISTINCT_TEXTS = 0.95
_SURE_TWINS = 25.0
"""So many equal pairs expected and none seen has a chance of exp(-25)."""
_LONGEST_NAME = 5
"""Texts of more words than this are read for what they say."""


def identifiers(looked: Looked) -> Outcome:
    """Find columns that number or name the rows; declared ones are known and left alone."""
    declared = looked.subject.declared
    exempt = {*declared.identifiers, declared.time}
    seen = [one for one in looked.columns if one.name not in exempt and len(one.both) >= _FEWEST]
    found = [result for one in seen if (result := _identifier(one)) is not None]
    if looked.rows < _FEWEST and not found:
        return too_few("identifier", looked.rows, _FEWEST)
    return Outcome(findings=few(found), checked=("identifier",) if looked.rows >= _FEWEST else ())


def _identifier(seen: Seen) -> Finding | None:
    if seen.field.format == "date":
        return None
    return _numbered(seen) if seen.texts is None else _named(seen, seen.texts)


def _numbered(seen: Seen) -> Finding | None:
    values = seen.both[np.isfinite(seen.both)]
    rows = len(values)
    if rows < max(_FEWEST, 0.99 * len(seen.both)) or (values != np.floor(values)).any():
        return None
    distinct = len(np.unique(values))
    if distinct < _DISTINCT_NUMBERS * rows or not (_dense(values) or _grows(seen.test)):
        return None
    return finding(
        "identifier", "numbered", "warn", columns=(seen.name,), column=seen.name, distinct=distinct, total=rows
    )


def _dense(values: Float64) -> bool:
    """Say whether so many whole numbers in so small a range would hold equal ones if they were measured."""
    reach = float(np.ptp(values)) + 1.0
    return len(values) * (len(values) - 1.0) / 2.0 / reach >= _SURE_TWINS


def _grows(values: Float64) -> bool:
    return len(values) >= _FEWEST and bool((np.diff(values) > 0).all())


def _named(seen: Seen, texts: tuple[str, ...]) -> Finding | None:
    codes = seen.both[np.isfinite(seen.both)].astype(np.int64)
    distinct = len(np.unique(codes))
    if len(codes) < _FEWEST or distinct < _DISTINCT_TEXTS * len(codes):
        return None
    some = texts[:200]
    if float(np.median([len(text.split()) for text in some])) > _LONGEST_NAME or _dates(some):
        return None
    return finding(
        "identifier",
        "named",
        "warn",
        columns=(seen.name,),
        column=seen.name,
        distinct=distinct,
        total=len(codes),
        example=some[0][:40],
    )


def _dates(texts: tuple[str, ...]) -> bool:
    shaped = [len(text) >= 8 and text[:4].isdigit() and text[4] in "-/." and text[5:7].isdigit() for text in texts]  # noqa: PLR2004 - 2026-1-3
    return float(np.mean(shaped)) > 0.9  # noqa: PLR2004
