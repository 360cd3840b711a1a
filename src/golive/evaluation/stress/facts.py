"""Facts: what stresses need to know of each column: its spread, its range, its usual value."""

from collections import Counter
from collections.abc import Sequence
from typing import Literal

import msgspec
import numpy as np

from golive.domain.signature import Field
from golive.evaluation.subject import Subject
from golive.ports import Column, Float64

Kind = Literal["number", "text", "flag", "date"]

_QUANTILES = 65
_ROUNDING = 1e-12


class Facts(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One input column, as it is in the training rows (where they are not at hand: in the test rows)."""

    name: str
    kind: Kind
    nullable: bool
    whole: bool = False
    """Only whole numbers are sent."""
    pixel: bool = False
    sd: float = 0.0
    """Standard deviation of a number column; 0 where it does not vary."""
    low: float = 0.0
    high: float = 0.0
    """The range of a number column."""
    usual: float | str | None = None
    """Median of numbers, the most frequent text; None where every value is missing."""
    quantiles: Float64 = np.empty(0)
    """Values of a number column at equal steps of its rows."""
    unit: str = ""

    @property
    def varies(self) -> bool:
        """Whether it is a number column that can be moved by parts of its spread."""
        return self.kind == "number" and self.sd > 0.0


def facts_of(subject: Subject) -> tuple[Facts, ...]:
    """Look at every input column, in the order of the signature."""
    rows = subject.test.columns if subject.training is None else subject.training.columns
    pixels = frozenset(pixel_columns(subject))
    return tuple(
        _facts(field, rows.get(field.name, subject.test.columns[field.name]), pixel=field.name in pixels)
        for field in subject.signature.inputs
    )


def pixel_columns(subject: Subject) -> tuple[str, ...]:
    """Name the columns that are declared an image, row by row; none where they do not fit its size."""
    picture = subject.declared.picture
    if picture is None:
        return ()
    names = picture.columns or subject.signature.names
    numbers = {field.name for field in subject.signature.inputs if field.dtype in {"float64", "int64"}}
    fits = len(names) == picture.height * picture.width * picture.channels and numbers.issuperset(names)
    return tuple(names) if fits else ()


def numbers_that_vary(facts: Sequence[Facts], *, pixels: bool = False) -> tuple[Facts, ...]:
    """Give the number columns that vary; those of an image only where asked for."""
    return tuple(fact for fact in facts if fact.varies and (pixels or not fact.pixel))


def _facts(field: Field, column: Column, *, pixel: bool) -> Facts:
    if field.dtype == "string":
        kind: Kind = "date" if field.format == "date" else "text"
        return Facts(name=field.name, kind=kind, nullable=field.nullable, usual=_most_frequent(column))
    present = np.sort(np.asarray(column, dtype=np.float64))
    present = present[np.isfinite(present)]
    if not len(present):
        return Facts(name=field.name, kind="number", nullable=field.nullable, pixel=pixel)
    if field.dtype == "bool":
        return Facts(
            name=field.name, kind="flag", nullable=field.nullable, usual=float(present[(len(present) - 1) // 2])
        )
    # The spread of very large numbers overflows when squared.
    with np.errstate(over="ignore", invalid="ignore"):
        sd = float(present.std())
    places = np.linspace(0, len(present) - 1, _QUANTILES).astype(np.int64)
    return Facts(
        name=field.name,
        kind="number",
        nullable=field.nullable,
        whole=field.dtype == "int64",
        pixel=pixel,
        sd=sd if np.isfinite(sd) and sd > _ROUNDING * max(-float(present[0]), float(present[-1])) else 0.0,
        low=float(present[0]) if field.minimum is None else min(field.minimum, float(present[0])),
        high=float(present[-1]) if field.maximum is None else max(field.maximum, float(present[-1])),
        usual=float(present[(len(present) - 1) // 2]),
        quantiles=np.unique(present[places]),
        unit=field.unit,
    )


def _most_frequent(column: Column) -> str | None:
    counts = Counter(column.tolist())
    counts.pop(None, None)
    return counts.most_common(1)[0][0] if counts else None
