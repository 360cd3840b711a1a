"""A table and a target in; what to do with every column, and why, out. Proposes; changes nothing."""

from collections.abc import Iterable, Mapping

import msgspec
import numpy as np
import pandas as pd

from golive.domain.preparation import DatePart
from golive.domain.signature import Task
from golive.errors import DataError
from golive.ports import Column, Float64, Int64
from golive.training.codes import number_codes, oddities, text_codes
from golive.training.frame import absent, canonical, is_missing
from golive.training.kinds import ColumnKind, as_texts, kind_of
from golive.training.leaks import leaks
from golive.training.recipe import Candidate, Features, Recipe, Split, Validation
from golive.training.target import as_numbers
from golive.training.target_kind import TargetKind, target_kind

_FEWEST_ROWS = 20
_MANY_LEVELS = 30
_MANY_ROWS = 50_000
_SAME_CLOCK = 0.9999
_LISTS = {"number": "numbers", "category": "categories", "date": "dates", "text": "texts"}
_MODELS: dict[Task, tuple[Candidate, ...]] = {
    "regression": (
        Candidate(model="linear"),
        Candidate(model="random_forest"),
        Candidate(model="gradient_boosting"),
    ),
    "classification": (
        Candidate(model="logistic"),
        Candidate(model="random_forest"),
        Candidate(model="gradient_boosting"),
    ),
}


class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """A proposal for a table, in the words of a recipe, with one sentence for everything a person should know."""

    rows: int
    """Rows with a known target."""
    target: TargetKind
    columns: tuple[ColumnKind, ...]
    """Every column but the target, as it is."""
    features: Features
    reasons: dict[str, str]
    """Column of ``features.drop`` -> why it is not used."""
    missing_codes: dict[str, tuple[float | str, ...]]
    split: Split
    validation: Validation
    duplicates: int
    """Rows that are the same as an earlier row in every column."""
    notices: tuple[str, ...]


def inspect(
    frame: pd.DataFrame,
    target: str,
    *,
    time: str = "",
    sensitive: Iterable[str] = (),
    drop: Iterable[str] = (),
) -> Inspection:
    """Look at every column and propose how to train on the table.

    ``time`` orders the rows (then the latest are the test rows); ``sensitive`` and ``drop`` are kept out of the
    model. Identifiers, constants and columns that give the target away are proposed to be dropped.

    Raises:
        DataError: a named column is not there, the rows or columns are too few, or the target cannot be predicted.
    """
    table = canonical(frame)
    unwanted = {**dict.fromkeys(drop, "as asked"), **dict.fromkeys(sensitive, "sensitive, as asked")}
    _check_names(table, target, time, unwanted)
    rows = _with_target(table, target)
    goal = target_kind(target, rows[target].to_numpy())
    kinds = column_kinds(rows, target)
    codes = _codes(rows, kinds)
    reasons = {**unwanted, **_unusable(kinds, unwanted)}
    given_away, leak_notices = _leaks(rows, target, goal, kinds, skip={*reasons, time})
    reasons.update(given_away)
    by_time, time_notices = _time(rows, kinds, time)
    reasons.update(by_time)
    features = _features(kinds, reasons, time)
    if not _used(features):
        message = f"no column of the table is left to predict {target!r} from: {'; '.join(reasons.values())}"
        raise DataError(message)
    duplicates = _duplicates(table)
    notices = (
        *_row_notices(len(table), len(rows), duplicates, target),
        *goal.notices,
        *time_notices,
        *leak_notices,
        *(kind.note for kind in kinds.values() if kind.note and kind.name not in unwanted),
        *_code_notices(codes, reasons),
        *_oddities(rows, features),
    )
    return Inspection(
        rows=len(rows),
        target=goal,
        columns=tuple(kinds.values()),
        features=features,
        reasons=reasons,
        missing_codes={**{k: v for k, v in codes.items() if k not in reasons}, **_target_codes(target, goal)},
        split=_split(goal, time),
        validation=_validation(goal, time),
        duplicates=duplicates,
        notices=notices,
    )


def column_kinds(frame: pd.DataFrame, target: str) -> dict[str, ColumnKind]:
    """Say of every column but the target what kind it is."""
    table = canonical(frame)
    return {str(name): kind_of(str(name), table[name].to_numpy()) for name in table.columns if name != target}


def with_inferred_features(recipe: Recipe, frame: pd.DataFrame) -> Recipe:
    """Fill in what a recipe leaves open: columns by their kinds when none is listed, candidates by the task.

    Raises:
        DataError: no column is listed, and none of the table's can be used.
    """
    candidates = recipe.candidates or _MODELS[recipe.task]
    features = recipe.features
    if _used(features) or features.construct:
        return msgspec.structs.replace(recipe, candidates=candidates)
    kinds = column_kinds(frame, recipe.target)
    kept_out = {*features.drop, recipe.split.column if recipe.split.method in {"time", "group"} else ""}
    inferred = _features(kinds, {**dict.fromkeys(kept_out, ""), **_unusable(kinds, kept_out)}, "")
    if not _used(inferred):
        message = f"no column can be used to predict {recipe.target!r}; list columns under features in golive.yaml"
        raise DataError(message)
    lists = {name: getattr(inferred, name) for name in _LISTS.values()}
    encoded = features.target_encode or inferred.target_encode
    filled = msgspec.structs.replace(features, **lists, target_encode=encoded)
    return msgspec.structs.replace(recipe, candidates=candidates, features=filled)


def _check_names(table: pd.DataFrame, target: str, time: str, unwanted: Mapping[str, str]) -> None:
    asked = (("target", target), ("time column", time or target), *(("column", name) for name in unwanted))
    for kind, name in asked:
        if name not in table.columns:
            raise absent(name, kind, table.columns)
    if target in unwanted:
        message = f"the target {target!r} is also to be kept out; name another target, or do not drop it"
        raise DataError(message)
    if time == target:
        message = f"the target {target!r} is also the time column; name the column that orders the rows"
        raise DataError(message)


def _with_target(table: pd.DataFrame, target: str) -> pd.DataFrame:
    rows = table[~is_missing(table[target].to_numpy())]
    if len(rows) < _FEWEST_ROWS:
        message = (
            f"the table has {len(rows):,} rows with a known {target!r}, and at least {_FEWEST_ROWS} are needed "
            "to train, test and compare; bring more rows"
        )
        raise DataError(message)
    return rows


def _unusable(kinds: Mapping[str, ColumnKind], already: Iterable[str]) -> dict[str, str]:
    return {name: kind.note for name, kind in kinds.items() if kind.kind not in _LISTS and name not in set(already)}


def _features(kinds: Mapping[str, ColumnKind], reasons: Mapping[str, str], time: str) -> Features:
    used = [kind for name, kind in kinds.items() if name not in reasons]
    lists = {field: tuple(k.name for k in used if k.kind == word) for word, field in _LISTS.items()}
    encoded = tuple(k.name for k in used if k.kind == "category" and k.distinct > _MANY_LEVELS)
    parts: tuple[DatePart, ...] = ("month", "weekday") if time else ("year", "month", "weekday", "days")
    if any(not kind.whole_days for kind in used):
        parts = (*parts, "hour")
    dropped = tuple(name for name in (*kinds, *reasons) if name in reasons)
    return Features(
        numbers=lists["numbers"],
        categories=lists["categories"],
        dates=lists["dates"],
        texts=lists["texts"],
        drop=tuple(dict.fromkeys(dropped)),
        target_encode=encoded,
        date_parts=parts,
    )


def _used(features: Features) -> bool:
    return bool(features.numbers or features.categories or features.dates or features.texts)


def _codes(rows: pd.DataFrame, kinds: Mapping[str, ColumnKind]) -> dict[str, tuple[float | str, ...]]:
    found: dict[str, tuple[float | str, ...]] = {}
    for name, kind in kinds.items():
        values = rows[name].to_numpy()
        known = values[~is_missing(values)]
        if kind.kind == "number":
            numbers = as_numbers(known)
            found[name] = number_codes(numbers[np.isfinite(numbers)])
        elif kind.kind == "category" and known.dtype == object:
            found[name] = text_codes(pd.unique(as_texts(known)))
    return {name: codes for name, codes in found.items() if codes}


def _leaks(
    rows: pd.DataFrame, target: str, goal: TargetKind, kinds: Mapping[str, ColumnKind], *, skip: Iterable[str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    left_out = set(skip)
    columns = {
        name: _as_numbers(rows[name].to_numpy(), kind)
        for name, kind in kinds.items()
        if kind.kind in {"number", "category", "date"} and name not in left_out
    }
    classes = goal.task == "classification"
    wanted: Float64 | Int64
    if classes:
        wanted = np.asarray(pd.factorize(rows[target])[0], dtype=np.int64)
        picked = wanted >= 0
    else:
        wanted = as_numbers(rows[target].to_numpy())
        picked = np.isfinite(wanted)
    found = leaks({name: values[picked] for name, values in columns.items()}, wanted[picked], classes=classes)
    return {leak.column: leak.sentence for leak in found if leak.sure}, tuple(leak.sentence for leak in found)


def _as_numbers(values: Column, kind: ColumnKind) -> Float64:
    if kind.kind == "category":
        return np.asarray(pd.factorize(pd.Series(values).astype(object))[0]).astype(np.float64)
    if kind.kind == "date":
        moments = pd.to_datetime(pd.Series(values), format="ISO8601", utc=True, errors="coerce")
        days = (moments - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1)
        return np.asarray(days, dtype=np.float64)
    numbers = as_numbers(values)
    return np.asarray(np.where(np.isfinite(numbers), numbers, np.nan), dtype=np.float64)


def _time(rows: pd.DataFrame, kinds: Mapping[str, ColumnKind], time: str) -> tuple[dict[str, str], tuple[str, ...]]:
    if not time:
        dates = [name for name, kind in kinds.items() if kind.kind == "date"]
        advice = "to be tested on the latest rows, as in live use, make it the time column"
        return {}, tuple(f"{name!r} is a date; {advice} (--time)" for name in dates[:1])
    kind = kinds[time]
    if kind.missing:
        message = f"the time column {time!r} is missing in {kind.missing:,} rows; fill it, or leave those rows out"
        raise DataError(message)
    values = rows[time].to_numpy()
    told = (f"the latest 20 % of rows by {time!r} are the test rows",)
    if kind.kind == "date":
        return _clocks(rows, kinds, _as_numbers(values, kind)), told
    if values.dtype == object:
        message = f"the time column {time!r} holds texts such as {values[0]!r}; write ISO 8601 dates such as 2011-07-25"
        raise DataError(message)
    reason = f"{time!r} orders the rows; tomorrow's values were never seen, so it is no feature"
    return {**_clocks(rows, kinds, as_numbers(values)), time: reason}, told


def _clocks(rows: pd.DataFrame, kinds: Mapping[str, ColumnKind], moments: Float64) -> dict[str, str]:
    """Find other number columns that run with the time, and so never repeat either."""
    found = {}
    for name, kind in kinds.items():
        if kind.kind != "number" or kind.missing or kind.distinct < _FEWEST_ROWS:
            continue
        values = as_numbers(rows[name].to_numpy())
        if np.isfinite(values).all() and abs(np.corrcoef(values, moments)[0, 1]) > _SAME_CLOCK:
            found[name] = f"{name!r} runs with the time; tomorrow's values were never seen, so it is no feature"
    return found


def _duplicates(table: pd.DataFrame) -> int:
    codes = {name: pd.factorize(as_texts(table[name].to_numpy()))[0] for name in table.columns}
    return int(pd.DataFrame(codes).duplicated().sum())


def _split(goal: TargetKind, time: str) -> Split:
    if time:
        return Split(method="time", column=time)
    return Split(method="stratified" if goal.task == "classification" else "random")


def _validation(goal: TargetKind, time: str) -> Validation:
    if time:
        return Validation(method="time", folds=3)
    if goal.task == "regression":
        return Validation(folds=5 if goal.rows < _MANY_ROWS else 3)
    folds = max(2, min(5, int(goal.smallest * 0.8)))
    return Validation(method="stratified", folds=folds if goal.rows < _MANY_ROWS else min(folds, 3))


def _target_codes(target: str, goal: TargetKind) -> dict[str, tuple[float | str, ...]]:
    return {target: goal.missing_codes} if goal.missing_codes else {}


def _row_notices(all_rows: int, rows: int, duplicates: int, target: str) -> tuple[str, ...]:
    notices = []
    if rows < all_rows:
        notices.append(f"{all_rows - rows:,} of {all_rows:,} rows have no {target!r} and are not trained on")
    if duplicates:
        notices.append(f"{duplicates:,} of {all_rows:,} rows repeat an earlier row; duplicates are dropped")
    return tuple(notices)


def _code_notices(codes: Mapping[str, tuple[float | str, ...]], reasons: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(
        f"{name!r}: {', '.join(f'{v:g}' if isinstance(v, float) else repr(v) for v in values)} is read as missing"
        for name, values in codes.items()
        if name not in reasons
    )


def _oddities(rows: pd.DataFrame, features: Features) -> tuple[str, ...]:
    told = (oddities(name, as_numbers(rows[name].to_numpy())) for name in features.numbers)
    return tuple(text for text in told if text)
