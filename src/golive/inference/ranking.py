"""Ranking: probabilities in, the most probable labels of each row and their probabilities out."""

from typing import Any

import msgspec
import numpy as np

from golive.domain.signature import Signature
from golive.inference.labels import labels_of
from golive.ports import Float64


class Ranked(msgspec.Struct, frozen=True, gc=False):
    """The most probable labels of some rows, the best first."""

    labels: list[list[Any]]
    """A list of ``k`` labels a row, in the type that answers have them in."""
    probabilities: Float64
    """Float64 ``[rows, k]``."""

    def pairs(self) -> list[list[dict[str, Any]]]:
        """Give each row as a list of ``{"label": ..., "probability": ...}``."""
        return [
            [{"label": label, "probability": share} for label, share in zip(labels, row, strict=True)]
            for labels, row in zip(self.labels, self.probabilities.tolist(), strict=True)
        ]


class Ranking:
    """Ranks the labels of one model. Of equal probabilities the earlier class comes first; NaN comes last."""

    def __init__(self, signature: Signature) -> None:
        self.width = signature.top_k
        self._labels = np.empty(len(signature.classes), dtype=object)
        self._labels[:] = labels_of(signature)

    def __call__(self, predictions: Float64) -> Ranked:
        """Rank the probabilities float64 ``[n, classes]``."""
        places = np.argsort(-predictions, axis=1, kind="stable")[:, : self.width]
        return Ranked(self._labels[places].tolist(), np.take_along_axis(predictions, places, axis=1))


def ranking_of(signature: Signature) -> Ranking | None:
    """Give the ranking that a model's answers hold, or None where they hold none."""
    return Ranking(signature) if signature.top_k else None


def ranking_columns(count: int) -> tuple[str, ...]:
    """Name the columns of a ranking in tables: ``top_1``, ``top_1_probability``, ``top_2`` and so on."""
    return tuple(name for place in range(1, count + 1) for name in (f"top_{place}", f"top_{place}_probability"))
