"""Inputs: the raw columns a model reads: which are numbers, which are text, and how they enter the graph.

A column is text when its sample holds text (pandas ``object``, ``str`` or ``category`` of text); everything else is
numbers, integers and booleans included. Integers that an encoder treats as categories stay numbers: the graph looks
them up by equality.
"""

from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any

import msgspec
import numpy as np
import pandas as pd

from golive.adapters.frameworks.graph import Block, Graph, Source
from golive.adapters.frameworks.terms import Sums
from golive.domain.preparation import Preparation, TextTerms, Vocabulary
from golive.domain.signature import DType, Field
from golive.errors import NotConvertibleError

EXAMPLE_CHARACTERS = 200
"""So much of a text is shown as an example of it."""


class Columns(msgspec.Struct, frozen=True):
    """Some raw columns, by name, on their way to a transformer."""

    names: tuple[str, ...]


class Inputs:
    """Hands out columns of ``N`` and ``C`` in the order of first use, and keeps each text column's vocabulary."""

    def __init__(self, sample: pd.DataFrame, markers: dict[str, Any]) -> None:
        self.sample = sample
        self._markers = markers
        self._text = {str(name): is_text(str(name), sample[name]) for name in sample.columns}
        self._numbers: list[str] = []
        self._categories: list[str] = []
        self._vocabularies: dict[str, tuple[str, ...]] = {}
        self._frozen: set[str] = set()
        self._texts: list[Sums] = []
        self._numbered = count()

    @property
    def names(self) -> tuple[str, ...]:
        """Every column of the sample, in order."""
        return tuple(self._text)

    def is_text(self, name: str) -> bool:
        """Say whether a column holds text."""
        return self._text[name]

    def missing(self, name: str) -> Any:
        """Give what "missing" looked like in training: None or NaN for text, NaN for numbers."""
        if not self._text[name]:
            return float("nan")
        return self._markers[name] if name in self._markers else missing_marker(self.sample[name])

    def has_missing(self, name: str) -> bool:
        """Say whether training saw the column missing."""
        return bool(self.sample[name].isna().any())

    def declare(self, name: str, values: Iterable[object]) -> None:
        """Make sure that a text column's vocabulary holds what an encoder knows; later calls change nothing."""
        if name not in self._frozen:
            seen = {value for value in self.sample[name].unique() if isinstance(value, str)}
            known = {value for value in values if isinstance(value, str)} | set(self._vocabularies.get(name, ()))
            self._vocabularies[name] = tuple(sorted(seen | known))

    def vocabulary(self, name: str) -> tuple[str, ...]:
        """Give a text column's values; their places are their codes, and stay so from now on."""
        self.declare(name, ())
        self._frozen.add(name)
        return self._vocabularies[name]

    def numbers(self, graph: Graph, names: Sequence[str]) -> Block:
        """Bring number columns into the graph as one block."""
        positions = [_place(self._numbers, name) for name in names]
        return Block(graph.input_columns("N", positions), len(names), tuple(Source(name) for name in names))

    def codes(self, graph: Graph, names: Sequence[str]) -> str:
        """Bring text columns into the graph as int64 codes ``[rows, columns]``."""
        for name in names:
            self.vocabulary(name)
        return graph.input_columns("C", [_place(self._categories, name) for name in names])

    def text(self, step: TextTerms) -> Sums:
        """Give what a text is summed up to; a text that is cut and weighed alike twice is read once."""
        for sums in self._texts:
            if sums.step == step:
                return sums
        self._texts.append(Sums(step, lambda: self._free_name(f"{step.column}_text")))
        return self._texts[-1]

    def preparation(self) -> Preparation:
        """Say how texts become numbers, which columns became ``N`` and which became ``C``."""
        return Preparation(
            steps=tuple(step for sums in self._texts for step in sums.steps()),
            numbers=tuple(self._numbers),
            categories=tuple(Vocabulary(name, self._vocabularies[name]) for name in self._categories),
        )

    def fields(self) -> tuple[Field, ...]:
        """Describe the columns the graph reads, in the order of the sample. Nullable: training saw them missing."""
        used = {*self._numbers, *self._categories, *(sums.step.column for sums in self._texts)}
        return tuple(self._field(name) for name in self.names if name in used)

    def _free_name(self, stem: str) -> str:
        return next(name for number in self._numbered if (name := f"{stem}_{number}") not in self._text)

    def _field(self, name: str) -> Field:
        present = self.sample[name].dropna()
        example = present.iloc[0] if len(present) else None
        nullable = self.has_missing(name)
        if any(sums.step.column == name for sums in self._texts):
            # A vectorizer has no answer for a missing text.
            known = self._vocabularies[name] if name in self._categories else ()
            return Field(name=name, dtype="string", categories=known, example=_shown(example))
        if self._text[name]:
            return Field(
                name=name, dtype="string", nullable=nullable, categories=self._vocabularies[name], example=example
            )
        if isinstance(present.dtype, pd.CategoricalDtype):
            # Categories that are numbers: callers send the numbers.
            present = present.astype(present.dtype.categories.dtype)
            example = present.iloc[0] if len(present) else None
        dtype = number_dtype(present)
        bounds = (float(present.min()), float(present.max())) if len(present) else (None, None)
        cast = {"bool": bool, "int64": int}.get(dtype, float)
        return Field(
            name=name,
            dtype=dtype,
            nullable=nullable,
            minimum=bounds[0],
            maximum=bounds[1],
            example=None if example is None else cast(example),
        )


def frame_of(sample: Any) -> pd.DataFrame:
    """Give the sample as a frame with text names.

    The columns of an array are called ``x0`` to ``xn``, a series or list without a name ``text``.
    """
    if isinstance(sample, pd.DataFrame):
        return sample if all(isinstance(name, str) for name in sample.columns) else sample.rename(columns=str)
    if isinstance(sample, pd.Series):
        return sample.to_frame("text" if sample.name is None else str(sample.name))
    array = np.asarray(sample)
    if array.ndim == 1:
        return pd.DataFrame({"text": pd.Series(list(sample), dtype=object)})
    return pd.DataFrame(array, columns=[f"x{position}" for position in range(array.shape[1])])


def is_text(name: str, values: pd.Series) -> bool:
    """Say whether a column holds text rather than numbers.

    Raises:
        NotConvertibleError: it holds something else, or a mixture.
    """
    if pd.api.types.is_bool_dtype(values.dtype) or pd.api.types.is_numeric_dtype(values.dtype):
        return False
    if isinstance(values.dtype, pd.CategoricalDtype) and pd.api.types.is_numeric_dtype(values.dtype.categories.dtype):
        return False
    kinds = sorted({type(value).__name__ for value in values.dropna().unique()})
    if set(kinds) <= {"str", "str_"}:
        return True
    message = (
        f"column {name!r} holds {', '.join(kinds)} ({values.dtype}), and only numbers, booleans and text can enter a "
        "graph; cast the column to float or to str before fitting"
    )
    raise NotConvertibleError(message, field=name)


def missing_marker(values: pd.Series) -> float | None:
    """Give what stands for "missing" in a text column: NaN or None, whichever it holds (None for plain objects)."""
    if values.dtype != object:
        return float("nan")
    absent = values[values.isna()]
    return float("nan") if len(absent) and all(value is not None for value in absent) else None


def _shown(text: str | None) -> str | None:
    return None if text is None else str(text)[:EXAMPLE_CHARACTERS]


def number_dtype(values: pd.Series) -> DType:
    """Name the type in which callers send a number column."""
    if pd.api.types.is_bool_dtype(values.dtype):
        return "bool"
    return "int64" if pd.api.types.is_integer_dtype(values.dtype) else "float64"


def _place(order: list[str], name: str) -> int:
    if name not in order:
        order.append(name)
    return order.index(name)
