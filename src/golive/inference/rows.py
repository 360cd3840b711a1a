"""Rows: declared steps compiled to one short function a step, for a few rows at a time.

A row is a list of slots: the inputs in order, then a slot for each column that a step makes. One row costs a
tenth of what the batch form costs for one row; both give the same bits.
"""

from collections.abc import Callable, Sequence
from typing import Any

from golive.domain.preparation import Bound, Combine, DateParts, DeclaredStep, Normalize, Recode, TextCounts
from golive.domain.signature import Field
from golive.errors import InvalidRowError
from golive.inference.scalars import (
    combine,
    date_parts,
    missing_numbers,
    missing_texts,
    normalized,
    not_a_date,
    out_of_range,
    text_counts,
)
from golive.inference.steps import PlainStep, Ready, step_needs
from golive.inference.text import TextReader
from golive.inference.values import MISSING, is_missing, number_of, text_of

Slots = list[Any]
Act = Callable[[Slots], None]


class Layout:
    """Which slot holds which column, and of what kind it is there."""

    def __init__(self, inputs: Sequence[Field]) -> None:
        self.slots = {field.name: slot for slot, field in enumerate(inputs)}
        self.kinds = {field.name: "text" if field.dtype == "string" else "number" for field in inputs}
        self.width = len(inputs)

    def find(self, step: DeclaredStep, name: str, kind: str) -> int:
        """Give the slot of a column that a step reads.

        Raises:
            UsageError: there is no such column, or it is of the other kind.
        """
        if self.kinds.get(name) != kind:
            raise step_needs(step, name, self.kinds.get(name), kind)
        return self.slots[name]

    def make(self, name: str) -> int:
        """Give the slot of a number column that a step writes."""
        self.kinds[name] = "number"
        if name not in self.slots:
            self.slots[name] = self.width
            self.width += 1
        return self.slots[name]


def checked(field: Field) -> Callable[[Any], Any]:
    """Compile the check of one input: the canonical value, or InvalidRowError."""
    return _checked_text(field) if field.dtype == "string" else _checked_number(field)


def compiled(step: Ready, layout: Layout) -> Act:
    """Compile one step; the columns that it makes get their slots in ``layout``.

    Raises:
        UsageError: the step names a column that is not there, or one of the wrong kind.
    """
    return _terms(step, layout) if isinstance(step, TextReader) else _compiled(step, layout)


def _compiled(step: PlainStep, layout: Layout) -> Act:
    match step:
        case Normalize():
            return _replace(layout.find(step, step.column, "text"), lambda text: normalized(step, text))
        case Recode():
            return _recode(step, layout)
        case Bound():
            return _bound(step, layout.find(step, step.column, "number"))
        case DateParts():
            source = layout.find(step, step.column, "text")
            return _dates(step, source, [layout.make(f"{step.column}_{part}") for part in step.parts])
        case TextCounts():
            source = layout.find(step, step.column, "text")
            return _counts(source, layout.make(f"{step.column}_chars"), layout.make(f"{step.column}_words"))
        case Combine():
            sources = [layout.find(step, name, "number") for name in step.columns]
            return _combine(combine(step), sources, layout.make(step.into))


def _checked_number(field: Field) -> Callable[[Any], float]:
    name, nullable = field.name, field.nullable

    def check(value: Any) -> float:
        # A finite float is by far the most common case; inf - inf and nan - nan are not 0.
        if value.__class__ is float and value - value == 0.0:
            return value
        number = number_of(value, name)
        if number != number and not nullable:  # noqa: PLR0124 (NaN)
            raise InvalidRowError(is_missing(name), field=name)
        return number

    return check


def _checked_text(field: Field) -> Callable[[Any], str | None]:
    name, nullable = field.name, field.nullable

    def check(value: Any) -> str | None:
        if value.__class__ is str:
            return value
        text = text_of(value)
        if text is None and not nullable:
            raise InvalidRowError(is_missing(name), field=name)
        return text

    return check


def _replace(slot: int, function: Callable[[Any], Any]) -> Act:
    def act(slots: Slots) -> None:
        slots[slot] = function(slots[slot])

    return act


def _recode(step: Recode, layout: Layout) -> Act:
    if layout.kinds.get(step.column) == "number":
        numbers = missing_numbers(step)
        return _replace(layout.slots[step.column], lambda number: MISSING if number in numbers else number)
    texts = missing_texts(step)
    return _replace(layout.find(step, step.column, "text"), lambda text: None if text in texts else text)


def _bound(step: Bound, slot: int) -> Act:
    low = float("-inf") if step.minimum is None else float(step.minimum)
    high = float("inf") if step.maximum is None else float(step.maximum)
    clip, refuse = step.outside == "clip", step.outside == "refuse"

    def act(slots: Slots) -> None:
        number = slots[slot]
        if number < low or number > high:
            if refuse:
                raise InvalidRowError(out_of_range(step, number), field=step.column)
            slots[slot] = (low if number < low else high) if clip else MISSING

    return act


def _dates(step: DateParts, source: int, made: list[int]) -> Act:
    def act(slots: Slots) -> None:
        found = date_parts(step.parts, slots[source])
        if found is None:
            raise InvalidRowError(not_a_date(step.column, slots[source]), field=step.column)
        for slot, part in zip(made, found, strict=True):
            slots[slot] = part

    return act


def _counts(source: int, chars: int, words: int) -> Act:
    def act(slots: Slots) -> None:
        slots[chars], slots[words] = text_counts(slots[source])

    return act


def _terms(reader: TextReader, layout: Layout) -> Act:
    name = reader.step.column
    source = layout.find(reader.step, name, "text")
    made = [layout.make(into) for into in reader.step.into]

    def act(slots: Slots) -> None:
        text = slots[source]
        if reader.is_too_long(text):
            raise InvalidRowError(reader.too_long(text), field=name)
        for slot, number in zip(made, reader(text), strict=True):
            slots[slot] = number

    return act


def _combine(function: Callable[..., float], sources: list[int], made: int) -> Act:
    if len(sources) == 1:
        (only,) = sources

        def one(slots: Slots) -> None:
            slots[made] = function(slots[only])

        return one

    def several(slots: Slots) -> None:
        slots[made] = function(*[slots[source] for source in sources])

    return several
