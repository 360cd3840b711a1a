"""Road: the one way of a row: check, declared steps, session, labels.

Serving, offline prediction, evaluation and the parity proof all take it, so they answer alike.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from golive.domain.bundle import Manifest
from golive.domain.signature import Signature
from golive.inference.front import Front, compile_front
from golive.inference.labels import labels_of
from golive.inference.table import columns_of
from golive.ports import Float64, Runtime, Session

_BINARY = 2


def open_road(manifest: Manifest, graph: bytes, runtime: Runtime, *, threads: int = 1) -> "Road":
    """Open a bundle's graph and compile the way to it.

    Raises:
        VerificationError: the bytes are not a graph that the runtime can run.
        UsageError: the manifest's preparation does not fit its signature.
    """
    return Road(manifest, compile_front(manifest.preparation, manifest.signature), runtime.open(graph, threads=threads))


class Road:
    """A bundle, ready to answer. Call it from one thread at a time, as its session asks."""

    def __init__(self, manifest: Manifest, front: Front, session: Session) -> None:
        self.manifest = manifest
        self.front = front
        self.session = session
        self._labels = labels_of(manifest.signature)

    @property
    def signature(self) -> Signature:
        """What goes in and what comes out."""
        return self.manifest.signature

    def rows(self, rows: Sequence[Sequence[Any]]) -> Float64:
        """Predict rows of values in the order of the signature; None is missing.

        Gives float64 ``[n, 1]`` values, or ``[n, classes]`` probabilities.

        Raises:
            InvalidRowError: a value does not fit the signature; ``field`` is its path, such as ``$[3].area``.
        """
        return self.session.run(*self.front.rows(rows))

    def columns(self, columns: Mapping[str, Any]) -> Float64:
        """Predict a table of columns of any kind, such as a data frame's; the same bits as ``rows``.

        Raises:
            RequestError: a required column is not there.
            InvalidRowError: a value does not fit the signature.
        """
        return self.session.run(*self.front.columns(columns_of(self.signature, columns)))

    def labels(self, predictions: Float64) -> list[Any]:
        """Turn predictions ``[n, k]`` into answers: numbers, or labels in the type the classes had in training.

        The most probable class wins and the first one at a tie; of two classes, the second when its probability
        is above the decision's threshold.
        """
        if not self._labels:
            return list(predictions[:, 0].tolist())
        names = self._labels
        if len(names) == _BINARY:
            return [names[above] for above in (predictions[:, 1] > self.manifest.decision.threshold).tolist()]
        return [names[best] for best in predictions.argmax(axis=1).tolist()]
