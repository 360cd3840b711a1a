"""Boundary: rows made to break a conversion: copies of real rows, each with one changed value.

Conversions go wrong at thresholds, one rounding beside them, at missing and at unseen values, and there no
ordinary test row stands.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from golive.domain.bundle import Manifest
from golive.domain.preparation import TextTerms
from golive.domain.signature import Field
from golive.inference.front import compile_front
from golive.inference.table import columns_of
from golive.inference.values import MISSING
from golive.ports import Column, Float64

MOST_ROWS = 2000
"""The proof stays within seconds; every column keeps its equal share of this."""
_MOST_CELLS = 20_000_000
"""Of thousands of columns not every one is changed: the rows would not fit into memory."""

_UNSEEN = "a value never seen in training"
_HUGE = 1e15
_TEXTS = 8
"""So many real texts and terms are changed in each way."""
_BLANKS = " \u00a0\t"
_ODD_TEXTS = (
    " ",
    "a",
    "\n\t  \r\n",
    "_ __ ___",
    "don't well-known e.g. x@y.z #tag 1,000.50 50% \u20ac9",
    "\u0130stanbul STRASSE stra\u00dfe \ufb01ne \u01c5 \u03a3\u03c2",
    "cafe\u0301 caf\u00e9 na\u00efve \u00c5ngstr\u00f6m",
    "\u4e2d\u6587\u5206\u8bcd \u0440\u0443\u0441\u0441\u043a\u0438\u0439 \u0639\u0631\u0628\u064a",
    "\U0001f600\u200d\u2764\ufe0f \u0661\u0662\u0663 \u00bd \u2460",
    "zero\u200bwidth soft\u00adhyphen line\u2028break \u3000wide",
)


def boundary_rows(
    columns: Mapping[str, Any],
    thresholds: Mapping[str, tuple[float, ...]],
    manifest: Manifest,
    *,
    rng: np.random.Generator,
) -> dict[str, Column]:
    """Make up to 2,000 rows, in the canonical form, that a converted model must answer like the original.

    For each number column: its thresholds, and beside each one the nearest float64 and float32 on both sides,
    beyond its extremes, zero of both signs, 1e15; for each category column: every known value, the empty text and
    a value never seen; for each column of free text: its terms alone and together, in capitals, with accents, marks,
    odd blanks and other scripts; "missing" where the field is nullable. Rows that the front refuses are left out.

    Args:
        columns: Real rows to copy, by column name.
        thresholds: Number column as a caller sends it -> values where the answer can jump; others are ignored.
        manifest: The signature, the steps and the known categories.
        rng: Chooses the copied rows and, where there are too many values, which of them are kept.
    """
    signature = manifest.signature
    real = columns_of(signature, columns)
    count = len(next(iter(real.values()), ()))
    if count == 0:
        return real
    share = MOST_ROWS // len(signature.inputs)
    known = {vocabulary.column: vocabulary.values for vocabulary in manifest.preparation.categories}
    terms = {step.column: step.terms for step in manifest.preparation.steps if isinstance(step, TextTerms)}
    changes: list[tuple[str, Any]] = []
    for field in signature.inputs:
        always = list(_always(field, real[field.name]))
        if field.name in terms:
            always += _hard_texts(terms[field.name], real[field.name], rng)
        more = list(_more(field, thresholds.get(field.name, ()), known.get(field.name, ())))
        values = always + _some(more, max(1, share - len(always)), rng)
        changes += [(field.name, value) for value in values]
    changes = _some(changes, max(_MOST_CELLS // len(signature.inputs), 1), rng)
    made = _changed(real, changes, rng.integers(0, count, len(changes)))
    accepted = compile_front(manifest.preparation, signature).accepted(made)
    return {name: column[accepted] for name, column in made.items()}


def _always(field: Field, column: Column) -> Iterator[Any]:
    if field.nullable:
        yield None if field.dtype == "string" else MISSING
    if field.dtype == "string" and not field.format:
        yield from ("", _UNSEEN)
    elif field.dtype == "bool":
        yield from (0.0, 1.0)
    elif field.dtype != "string":
        yield from _extremes(column)


def _hard_texts(terms: tuple[str, ...], column: Column, rng: np.random.Generator) -> list[str]:
    """Make texts that are cut wrongly where anything is: joints of words, repetitions, other scripts, odd blanks."""
    seen = [text for text in column[rng.integers(0, len(column), _TEXTS)].tolist() if text is not None]
    chosen = [terms[place] for place in rng.integers(0, len(terms), _TEXTS)] if terms else list(_ODD_TEXTS)
    pairs = [f"{left} {right}" for left, right in zip(chosen, reversed(chosen), strict=True)]
    marked = [_BLANKS.join(text.split(" ")) for text in seen]
    return [
        *_ODD_TEXTS,
        *chosen,
        *pairs,
        " ".join(chosen),
        "".join(chosen),
        *(text.upper() for text in seen),
        *(text.replace("e", "e\u0301").replace("a", "\u00e4") for text in seen),
        *marked,
        *(text + " " + text for text in seen),
        *(text[::-1] for text in seen),
    ]


def _more(field: Field, thresholds: tuple[float, ...], known: tuple[str, ...]) -> Iterator[Any]:
    if field.dtype == "string":
        yield from () if field.format else dict.fromkeys((*known, *field.categories))
        return
    for value in thresholds:
        yield from _beside(value)
        yield from (float(np.floor(value)), float(np.ceil(value)))


def _extremes(column: Float64) -> Iterator[float]:
    yield from (0.0, -0.0, _HUGE, -_HUGE)
    seen = column[~np.isnan(column)]
    if len(seen):
        yield from (float(seen.min()) * 10, float(seen.max()) * 10)


def _beside(value: float) -> Iterator[float]:
    # Trees compare float32 roundings of their inputs in some libraries and float64 in others.
    yield value
    yield from (float(np.nextafter(value, -np.inf)), float(np.nextafter(value, np.inf)))
    if abs(value) >= float(np.finfo(np.float32).max):
        return
    single = np.float32(value)
    low, high = np.float32(-np.inf), np.float32(np.inf)
    yield from (float(single), float(np.nextafter(single, low)), float(np.nextafter(single, high)))


def _some(values: list[Any], most: int, rng: np.random.Generator) -> list[Any]:
    if len(values) <= most:
        return values
    return [values[index] for index in sorted(rng.choice(len(values), most, replace=False).tolist())]


def _changed(real: Mapping[str, Column], changes: list[tuple[str, Any]], rows: Any) -> dict[str, Column]:
    made = {name: column[rows] for name, column in real.items()}
    for index, (name, value) in enumerate(changes):
        made[name][index] = value
    return made
