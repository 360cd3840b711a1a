"""Looked: the rows of an evaluation as the checks read them: numbers only, of a bounded size, the same in every run."""

from collections.abc import Mapping

import msgspec
import numpy as np

from golive.domain.signature import Field
from golive.evaluation.subject import Subject
from golive.ports import Column, Float64, Int64

MOST_ROWS = 20_000
_MOST_CELLS = 20_000_000
_FEWEST_ROWS = 1_000


class Seen(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One column that the model reads."""

    field: Field
    test: Float64
    """``[rows]``: numbers, or codes of texts; NaN is missing."""
    training: Float64 | None
    """The same of the training rows, with the same codes."""
    texts: tuple[str, ...] | None
    """What the codes stand for; None of a number column."""

    @property
    def name(self) -> str:
        """The column's name."""
        return self.field.name

    @property
    def both(self) -> Float64:
        """The training rows, if there are any, and the test rows after them."""
        return self.test if self.training is None else np.concatenate([self.training, self.test])


class Looked(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A seeded sample of the rows, column by column."""

    subject: Subject
    columns: tuple[Seen, ...]
    places: Int64
    """Where the sampled test rows stand among the subject's."""
    truth: Float64
    """Of the sampled test rows: values, or class indices."""
    training_truth: Float64 | None

    @property
    def rows(self) -> int:
        """How many test rows are looked at."""
        return len(self.places)

    def positions(self, chosen: Int64) -> tuple[int, ...]:
        """Give the first twenty of some sampled rows by their position in the table that was evaluated."""
        return tuple(int(row) for row in self.subject.kept[self.places[chosen[:20]]])


def look(subject: Subject) -> Looked:
    """Sample the rows of a subject and bring every column that the model reads into numbers."""
    most = int(np.clip(_MOST_CELLS // max(len(subject.signature.inputs), 1), _FEWEST_ROWS, MOST_ROWS))
    rng = np.random.default_rng(subject.seed)
    places = sample(subject.rows, most, rng)
    training = subject.training
    kept = None if training is None else sample(len(training.truth), most, rng)
    if training is None or kept is None or len(kept) == 0:
        columns = tuple(_seen(field, subject.test.columns[field.name][places], None) for field in _read(subject))
        training_truth = None
    else:
        columns = tuple(
            _seen(field, subject.test.columns[field.name][places], training.columns[field.name][kept])
            for field in _read(subject)
        )
        training_truth = training.truth[kept].astype(np.float64)
    truth = subject.test.truth[places].astype(np.float64)
    return Looked(subject=subject, columns=columns, places=places, truth=truth, training_truth=training_truth)


def sample(rows: int, most: int, rng: np.random.Generator) -> Int64:
    """Choose at most so many rows, in their order."""
    if rows <= most:
        return np.arange(rows, dtype=np.int64)
    return np.sort(rng.choice(rows, most, replace=False)).astype(np.int64)


def codes_of(*columns: Column) -> tuple[list[Float64], tuple[str, ...] | None]:
    """Give columns of one meaning as float64: numbers as they are, texts as codes in the order of first appearance."""
    if all(column.dtype.kind in "biuf" for column in columns):
        return [column.astype(np.float64) for column in columns], None
    known: dict[str, int] = {}
    coded = [
        np.array(
            [np.nan if text is None else known.setdefault(text, len(known)) for text in map(_text, column.tolist())],
            dtype=np.float64,
        )
        for column in columns
    ]
    return coded, tuple(known)


def _read(subject: Subject) -> tuple[Field, ...]:
    held: list[Mapping[str, Column]] = [subject.test.columns]
    held += [] if subject.training is None else [subject.training.columns]
    return tuple(field for field in subject.signature.inputs if all(field.name in table for table in held))


def _seen(field: Field, test: Column, training: Column | None) -> Seen:
    if training is None:
        (here,), texts = codes_of(test)
        return Seen(field=field, test=here, training=None, texts=texts)
    (there, here), texts = codes_of(training, test)
    return Seen(field=field, test=here, training=there, texts=texts)


def _text(value: object) -> str | None:
    if value is None or value != value:  # noqa: PLR0124 - only NaN differs from itself
        return None
    return str(value)
