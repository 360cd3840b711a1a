"""Archives of isolated models that misbehave. Their classes are written into the archive itself, by value."""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from golive.adapters.runtimes.isolated.environments import running_python
from golive.packaging.isolated import Limits, Seen, SeenColumn, archive

try:
    import cloudpickle
except ModuleNotFoundError:  # joblib below 1.6 has one of its own
    from joblib.externals import cloudpickle


class Does:
    """A model that is a function of a table."""

    def __init__(self, predict: Callable[[Any], Any]) -> None:
        self.predict = predict


def numbers(count: int) -> tuple[SeenColumn, ...]:
    return tuple(SeenColumn(name=f"x{position}", kind="number", dtype="float64") for position in range(count))


def packed(
    predict: Callable[[Any], Any],
    *,
    width: int = 2,
    seen: Seen | None = None,
    outputs: int = 1,
    requirements: tuple[str, ...] = (),
    **limits: Any,
) -> bytes:
    """Write an archive of a function of a table (an array of ``width`` numbers unless said otherwise)."""
    for module in (__name__, getattr(predict, "__module__", __name__)):
        cloudpickle.register_pickle_by_value(sys.modules[module])
    return archive(
        cloudpickle.dumps(Does(predict)),
        seen or Seen(container="array", dtype="float64", columns=numbers(width)),
        python=running_python(),
        requirements=requirements,
        method="predict",
        outputs=outputs,
        limits=Limits(**limits),
    )


def no_codes(rows: int) -> np.ndarray:
    return np.empty((rows, 0), np.int64)
