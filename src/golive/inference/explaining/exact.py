"""Exact: what a bundle's ``explainer.bin`` says, joined to its road."""

from collections.abc import Mapping

import numpy as np

from golive import plugins
from golive.inference.explaining.container import Held, refuse
from golive.inference.explaining.linear import LinearGame
from golive.inference.explaining.trees import TreeGame
from golive.inference.road import Road
from golive.ports import Column, Float64, Int64, Session

_PAIR = 2
_ENCODER_RUNTIME = "onnxruntime"


class Exact:
    """Explains rows by the arrays of a file."""

    def __init__(self, road: Road, held: Held, background: Mapping[str, Column]) -> None:
        self._head = held.head
        self._encoder = _encoder(held)
        self._columns = len(road.signature.names)
        given = self._encoded(*road.front.columns(background))
        if not np.isfinite(given).all() and held.head.kind == "linear":
            refuse("its weights are for numbers that are missing in the background rows")
        made = TreeGame if held.head.kind == "tree" else LinearGame
        self._game = made(held, self._columns, given)
        kept = held.array("offset", "f8", None)
        wanted = len(road.signature.classes) or 1
        if len(kept) != (1 if held.head.mirror else wanted):
            refuse(f"it explains {len(kept)} numbers, and the model gives {wanted}")

    @property
    def effort(self) -> int:
        """How many numbers are looked at to explain a row."""
        return self._game.effort

    @property
    def rows(self) -> int:
        """How many background rows each row is compared with."""
        return self._game.rows

    def __call__(self, numbers: Float64, codes: Int64, outputs: Int64) -> tuple[Float64, Float64, Float64]:
        """See :data:`golive.inference.explaining.explainer.Additive`."""
        rows = self._encoded(numbers, codes)
        base, answers = np.empty(len(rows)), np.empty(len(rows))
        contributions = np.empty((len(rows), self._columns))
        for output in np.unique(outputs).tolist():
            mine = np.flatnonzero(outputs == output)
            base[mine], answers[mine], contributions[mine] = self._one(rows[mine], output)
        return base, answers, contributions

    def _one(self, rows: Float64, output: int) -> tuple[float, Float64, Float64]:
        mirror = self._head.mirror
        base, answers, contributions = self._game.explain(rows, 0 if mirror else output)
        if not mirror or output == _PAIR - 1:
            return base, answers, contributions
        whole = 1.0 if mirror == "complement" else 0.0
        return whole - base, whole - answers, -contributions

    def _encoded(self, numbers: Float64, codes: Int64) -> Float64:
        if self._encoder is not None:
            return self._encoder.run(numbers, codes)
        return numbers.astype(np.float32).astype(np.float64) if self._head.narrow else numbers


def exact(road: Road, held: Held, background: Mapping[str, Column]) -> "Exact":
    """Join the content of an ``explainer.bin`` to the road of its bundle.

    Raises:
        VerificationError: they do not fit one another.
    """
    return Exact(road, held, background)


def _encoder(held: Held) -> Session | None:
    if not held.head.runtime:
        return None
    graph = held.array("encoder", "u1", None).tobytes()
    opened: Session = plugins.load("runtimes", _ENCODER_RUNTIME).open(graph, threads=1)
    return opened
