"""Front: a caller's rows in, the two tensors that a graph reads out. Everything is decided when it is compiled."""

from collections.abc import Callable, Mapping, Sequence
from itertools import repeat
from operator import itemgetter
from typing import Any

import numpy as np

from golive.domain.preparation import Preparation, Vocabulary
from golive.domain.signature import Field, Signature
from golive.errors import InvalidRowError, UsageError
from golive.inference.rows import Layout, Slots, checked, compiled
from golive.inference.steps import Bools, Refuse, Sentence, applied, raise_first, ready
from golive.inference.table import number_column, text_column
from golive.inference.values import MISSING, is_missing, not_finite, text_of
from golive.ports import Column, Float64, Int64

FEW_ROWS = 16
"""Up to here the row form is faster: measured, the two forms cross at 16 rows of 10 columns and at 30 of 80."""


def compile_front(preparation: Preparation, signature: Signature) -> "Front":
    """Decide everything about the road from a caller's values to a graph's tensors.

    Raises:
        UsageError: the preparation names a column that is neither an input nor made by a step, or one of the
            wrong kind, or a step that contradicts itself.
    """
    return Front(preparation, signature)


class Front:
    """The compiled preparation of one bundle. Holds no state: safe from several threads.

    Its two forms give the same bits: ``rows`` for what a request carries, ``columns`` for a table.
    """

    def __init__(self, preparation: Preparation, signature: Signature) -> None:
        self.signature = signature
        self._preparation = preparation
        self._checks = tuple(checked(field) for field in signature.inputs)
        layout = Layout(signature.inputs)
        self._steps = tuple(ready(step) for step in preparation.steps)
        self._acts = tuple(compiled(step, layout) for step in self._steps)
        self._made = [None] * (layout.width - len(signature.inputs))
        self._width = len(signature.inputs)
        self._numbers = _picker([_number_slot(layout, name) for name in preparation.numbers])
        self._codes = tuple(_Codes(vocabulary, layout, signature) for vocabulary in preparation.categories)
        self._is_plain = (
            not self._acts
            and preparation.numbers == signature.names
            and all(field.dtype != "string" for field in signature.inputs)
            and not self._codes
        )
        """Whether the numbers of a row enter the model just as they come."""
        self._no_codes = tuple(np.empty((count, 0), dtype=np.int64) for count in range(FEW_ROWS + 1))

    def rows(self, rows: Sequence[Sequence[Any]]) -> tuple[Float64, Int64]:
        """Prepare rows of values in the order of the signature; None is missing.

        Gives float64 ``[n, numbers]`` (missing is NaN) and int64 ``[n, categories]``.

        Raises:
            InvalidRowError: a row has the wrong number of values or a value that does not fit; ``field`` is its
                path, such as ``$[3].area``.
        """
        if len(rows) <= FEW_ROWS:
            return (self._is_plain and rows and self._plain(rows)) or self._few(rows)
        for index, row in enumerate(rows):
            self._same_width(row, index)
        return self.columns(self._transposed(rows))

    def columns(self, columns: Mapping[str, Column], matrix: Float64 | None = None) -> tuple[Float64, Int64]:
        """Prepare columns in the canonical form (see ``table.columns_of``), by name.

        Gives float64 ``[n, numbers]`` (missing is NaN) and int64 ``[n, categories]``. ``matrix`` holds the same values
        side by side, float64 ``[n, inputs]``, where the caller has them so; it may enter the model as it is.

        Raises:
            InvalidRowError: a value does not fit; ``field`` is the path of the first one found.
        """
        if matrix is not None and self._is_plain and np.isfinite(matrix).all():
            return np.require(matrix, np.float64, ("C", "A")), np.empty((len(matrix), 0), dtype=np.int64)
        return self._tensors(columns, raise_first)

    def accepted(self, columns: Mapping[str, Column]) -> Bools:
        """Say which rows ``columns`` would take, as bools ``[n]``, without raising."""
        good = np.ones(len(next(iter(columns.values()), ())), dtype=np.bool_)

        def note(_name: str, bad: Bools, _sentence: Sentence) -> None:
            np.logical_and(good, ~bad, out=good)

        self._checked_steps(columns, note)
        return good

    def _plain(self, rows: Sequence[Sequence[Any]]) -> tuple[Float64, Int64] | None:
        """Prepare rows that are finite numbers and nothing else, or give None: ``_few`` finds what is wrong."""
        width = self._width
        try:
            total = 0.0
            for row in rows:
                if len(row) != width:
                    return None
                total += sum(row)
            # inf - inf and nan - nan are not 0; None and texts cannot be added.
            if total - total != 0.0:
                return None
            return np.array(rows, dtype=np.float64), self._no_codes[len(rows)]
        except (TypeError, ValueError, OverflowError):
            return None

    def _few(self, rows: Sequence[Sequence[Any]]) -> tuple[Float64, Int64]:
        checks, made, acts, pick, codes = self._checks, self._made, self._acts, self._numbers, self._codes
        numbers, coded = [], []
        for index, row in enumerate(rows):
            self._same_width(row, index)
            try:
                slots = [check(value) for check, value in zip(checks, row, strict=True)]
                slots += made
                for act in acts:
                    act(slots)
            except InvalidRowError as error:
                raise InvalidRowError(error.message, field=f"$[{index}].{error.field}") from None
            numbers.append(pick(slots))
            coded.append([code.get(slots[code.slot], code.unseen) for code in codes])
        count = len(rows)
        return (
            np.array(numbers, dtype=np.float64).reshape(count, len(self._preparation.numbers)),
            np.array(coded, dtype=np.int64).reshape(count, len(codes)),
        )

    def _same_width(self, row: Sequence[Any], index: int) -> None:
        if len(row) != self._width:
            names = ", ".join(self.signature.names)
            message = f"a row has {len(row)} values, but {self._width} are expected, in this order: {names}"
            raise InvalidRowError(message, field=f"$[{index}]")

    def _transposed(self, rows: Sequence[Sequence[Any]]) -> dict[str, Column]:
        pairs = zip(self.signature.inputs, zip(*rows, strict=True), strict=True)
        return {field.name: _listed(field, values) for field, values in pairs}

    def _checked_steps(self, columns: Mapping[str, Column], refuse: Refuse) -> dict[str, Column]:
        inputs = {field.name: columns[field.name] for field in self.signature.inputs}
        for field in self.signature.inputs:
            _check_column(field, inputs[field.name], refuse)
        return applied(self._steps, inputs, refuse=refuse)

    def _tensors(self, columns: Mapping[str, Column], refuse: Refuse) -> tuple[Float64, Int64]:
        prepared = self._checked_steps(columns, refuse)
        count = len(next(iter(prepared.values()), ()))
        numbers = np.empty((count, len(self._preparation.numbers)), dtype=np.float64)
        for index, name in enumerate(self._preparation.numbers):
            numbers[:, index] = prepared[name]
        numbers[np.isnan(numbers)] = MISSING  # NaN has many bit patterns; the row form gives this one
        coded = np.empty((count, len(self._codes)), dtype=np.int64)
        for index, code in enumerate(self._codes):
            coded[:, index] = code.of_column(prepared[code.column])
        return numbers, coded


class _Codes:
    """One category column's codes: position, then "unseen", then "missing"."""

    def __init__(self, vocabulary: Vocabulary, layout: Layout, signature: Signature) -> None:
        if vocabulary.column not in layout.slots:
            raise UsageError(_unknown(vocabulary.column))
        self.column = vocabulary.column
        self.slot = layout.slots[vocabulary.column]
        self.unseen = len(vocabulary.values)
        codes: dict[str | None, int] = {value: code for code, value in enumerate(vocabulary.values)}
        codes[None] = self.unseen + 1
        self.get: Callable[[Any, int], int] = codes.get
        if layout.kinds[vocabulary.column] == "number":
            boolean = any(field.name == vocabulary.column and field.dtype == "bool" for field in signature.inputs)
            self.get = lambda number, unseen: codes.get(_text_of_number(number, boolean=boolean), unseen)

    def of_column(self, values: Column) -> Int64:
        """Code a column in the canonical form."""
        return np.fromiter(map(self.get, values.tolist(), repeat(self.unseen)), np.int64, len(values))


def _text_of_number(number: float, *, boolean: bool) -> str | None:
    # A bool reaches here as 0.0 or 1.0, but its categories are written as words.
    return text_of(bool(number) if boolean and number in {0.0, 1.0} else number)


def _number_slot(layout: Layout, name: str) -> int:
    if name not in layout.slots:
        raise UsageError(_unknown(name))
    if layout.kinds[name] != "number":
        message = f"column {name!r} enters the model as a number, but it is a text; mend the preparation"
        raise UsageError(message)
    return layout.slots[name]


def _unknown(name: str) -> str:
    return f"the preparation reads column {name!r}, which is neither an input nor made by a step; mend the preparation"


def _picker(slots: list[int]) -> Callable[[Slots], Sequence[float]]:
    if len(slots) > 1:
        return itemgetter(*slots)
    return lambda row: [row[slot] for slot in slots]


def _listed(field: Field, values: tuple[Any, ...]) -> Column:
    return text_column(values) if field.dtype == "string" else number_column(field.name, values)


def _check_column(field: Field, column: Column, refuse: Refuse) -> None:
    if field.dtype == "string":
        if not field.nullable:
            refuse(field.name, _nones(column), lambda _row: is_missing(field.name))
        return
    refuse(field.name, np.isinf(column), lambda row: not_finite(field.name, float(column[row])))
    if not field.nullable:
        refuse(field.name, np.isnan(column), lambda _row: is_missing(field.name))


def _nones(column: Column) -> Bools:
    return np.array([value is None for value in column.tolist()], dtype=np.bool_)
