"""Sample: rows with their true answers, that a model from elsewhere is proved on and that its profile is made from."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from golive import plugins
from golive.domain.digest import Digest, digest_of_value
from golive.domain.signature import DType
from golive.errors import DataError, UsageError
from golive.inference.values import text_of

MOST_CLASSES = 1000
_KINDS: dict[str, DType] = {"b": "bool", "i": "int64", "u": "int64", "f": "float64"}


class Sample(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A table without its target, and the target."""

    frame: Any
    """pandas: bool, int64, float64 and object (texts and None) columns."""
    target: str
    answers: Any
    """numpy ``[rows]``: the true answers."""
    source: str
    digest: Digest
    notes: tuple[str, ...] = ()

    @property
    def classes(self) -> tuple[str, ...]:
        """The distinct answers in order, as texts; empty where there are too many to be classes."""
        distinct = np.unique(self.answers if self.answers.dtype.kind in _KINDS else self.answers.astype(str))
        return tuple(str(text_of(value)) for value in distinct.tolist()) if len(distinct) <= MOST_CLASSES else ()

    @property
    def answers_dtype(self) -> DType:
        """How the answers are written."""
        return _KINDS.get(self.answers.dtype.kind, "string")


def read_sample(data: Any, target: str) -> Sample:
    """Read a table file (CSV, Parquet and what else is installed) or take a data frame.

    Rows without a true answer are left out.

    Raises:
        UsageError: the target is not named, or is no column.
        DataError: the file cannot be read, or no row has an answer.
    """
    path = Path(data) if isinstance(data, (str, Path)) else None
    if path is not None:
        frame, _ = plugins.attribute("golive.training.source", "read_file")(path, {})
        digest = Digest(f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}")
    else:
        frame = plugins.attribute("golive.training.frame", "canonical")(data)
        digest = digest_of_value([[name, *map(text_of, frame[name].tolist())] for name in frame.columns])
    if target not in frame.columns:
        message = f"the target {target!r} is no column of the sample; its columns are {', '.join(frame.columns)}"
        raise UsageError(message)
    known = frame[target].notna().to_numpy()
    if not known.any():
        message = f"no row of the sample has a value of {target!r}; give rows with true answers"
        raise DataError(message)
    left_out = int((~known).sum())
    return Sample(
        frame=frame.loc[known].drop(columns=target).reset_index(drop=True),
        target=target,
        answers=frame[target].to_numpy()[known],
        source=str(path.name if path else "sample"),
        digest=digest,
        notes=(f"{left_out} rows of the sample have no {target!r} and were left out",) if left_out else (),
    )


def sample_columns(frame: Any, names: Sequence[str], who: str) -> Any:
    """Give the columns that a model was fitted on, in its order; all of them where it does not name any.

    Raises:
        DataError: the sample lacks one of them; the message begins with ``who``.
    """
    absent = [name for name in names if name not in frame.columns]
    if absent:
        message = (
            f"{who} was fitted on columns that the sample lacks: {', '.join(absent[:10])}; the sample has "
            f"{', '.join(frame.columns[:20])}"
        )
        raise DataError(message)
    return frame[list(names)] if names else frame
