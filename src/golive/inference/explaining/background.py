"""Background: the few training rows of a bundle that stand for "this column is not known" in explanations."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from golive.domain.signature import Signature
from golive.errors import GoliveError, VerificationError
from golive.inference.table import columns_of
from golive.ports import Column

BACKGROUND = "background.json"
"""The file of a bundle that holds them: a JSON object, input -> values."""
MOST_ROWS = 100
LONGEST_TEXT = 1_000
"""Characters; longer texts are cut."""
_SEED = 17


def background_file(signature: Signature, rows: Mapping[str, Column], count: int = MOST_ROWS) -> bytes:
    """Choose ``count`` of the rows (canonical columns), always the same ones, and write them down."""
    total = len(next(iter(rows.values()), ()))
    chosen = np.sort(np.random.default_rng(_SEED).permutation(total)[:count])
    return msgspec.json.encode({name: _plain(rows[name][chosen].tolist()) for name in signature.names})


def read_background(signature: Signature, content: bytes) -> dict[str, Column]:
    """Read them back, in the canonical form.

    Raises:
        VerificationError: the file does not hold rows of this signature, or too many.
    """
    try:
        table = columns_of(signature, msgspec.json.decode(content, type=dict[str, list[float | str | bool | None]]))
    except (msgspec.DecodeError, GoliveError, UnicodeDecodeError) as error:
        message = f"the bundle's {BACKGROUND} holds no rows of its signature ({error}); package the model again"
        raise VerificationError(message) from error
    count = len(next(iter(table.values()), ()))
    if not 0 < count <= MOST_ROWS:
        message = f"the bundle's {BACKGROUND} holds {count} rows, expected 1 to {MOST_ROWS}; package the model again"
        raise VerificationError(message)
    return table


def _plain(values: Sequence[Any]) -> list[Any]:
    return [None if isinstance(value, float) and not np.isfinite(value) else _cut(value) for value in values]


def _cut(value: Any) -> Any:
    return value[:LONGEST_TEXT] if isinstance(value, str) else value
