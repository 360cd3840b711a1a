"""Records: predictions kept for monitoring. They travel as columns: a value a time would cost more than the answer."""

from collections.abc import Sequence

import msgspec
import numpy as np
import numpy.typing as npt


class Texts(msgspec.Struct, frozen=True):
    """Texts end to end."""

    lengths: npt.NDArray[np.int32]
    """Bytes of each text; -1 where it is missing."""
    utf8: bytes | memoryview


Values = npt.NDArray[np.float64] | npt.NDArray[np.int64] | Texts | None
"""One column of inputs: numbers (NaN is missing), whole numbers, texts, or None where no row has a value."""


class Records(msgspec.Struct, frozen=True, kw_only=True):
    """``n`` predictions of one version, as columns."""

    name: str
    version: int
    ids: Texts
    """The request id, with ``#`` and the row's position where a request has several rows."""
    at_ns: npt.NDArray[np.int64]
    """Unix time in nanoseconds, ``[n]``."""
    duration_us: npt.NDArray[np.float64]
    """``[n]``."""
    inputs: tuple[Values, ...]
    """Each ``[n]``, in the order of the signature."""
    outputs: npt.NDArray[np.float64]
    """``[k, n]``: the predictions (regression), or one line of probabilities for each class."""

    def __len__(self) -> int:
        """Give the number of rows."""
        return len(self.at_ns)


def texts_of(values: Sequence[str | None]) -> Texts:
    """Put texts end to end; None is missing.

    Raises:
        UnicodeEncodeError: a text holds half of a surrogate pair, which UTF-8 cannot write.
    """
    if None not in values:
        joined = "".join(values)  # type: ignore[arg-type]
        if joined.isascii():
            lengths = np.fromiter(map(len, values), dtype=np.int32, count=len(values))  # type: ignore[arg-type]
            return Texts(lengths, joined.encode("ascii"))
    encoded = [None if value is None else value.encode() for value in values]
    sizes = [-1 if each is None else len(each) for each in encoded]
    return Texts(np.array(sizes, dtype=np.int32), b"".join(filter(None, encoded)))
